/** Codes that nobody used do not stay for ever. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '#kernel';
import { startTestServer, type TestServer } from '../../../../test/support/test-server.js';
import { VerificationCodes } from './verification-codes.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ environment: { LETHE_ROLES: 'api' } });
});
afterAll(() => server.close());

describe('a verification code', () => {
  it('that ran out unused is gone with the next one, and one that has not stays', async () => {
    const { parts } = server.server;
    const codes = new VerificationCodes(parts.database, parts.keys, server.clock);
    const { id: tenant } = server.tenant.tenant;
    const issue = (name: string): Promise<{ id: string }> =>
      codes.issue(tenant, newId(), { type: 'email', value: `${name}@example.test` });
    const old = await issue('ada');
    server.clock.advance(365 * 86_400_000);
    const [one, two] = [await issue('grace'), await issue('joan')];
    const { rows } = await server.superuser.query<{ id: string }>('SELECT id FROM request_code');
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([one.id, two.id]));
    expect(old.id).not.toBe(one.id);
  });
});
