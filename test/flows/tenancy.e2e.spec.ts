/** Credentials: who holds them, what they may, and that another tenant's are worth nothing here. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bootstrapTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const altered = (key: string): string => key.slice(0, -1) + (key.endsWith('0') ? '1' : '0');

describe('a credential', () => {
  let lethe: TestServer;
  beforeAll(async () => {
    lethe = await startTestServer();
  });
  afterAll(() => lethe.close());

  it('says who holds it', async () => {
    const { status, body } = await lethe.get('/v1/whoami', { as: 'officer' });
    expect(status).toBe(200);
    expect(body.principal.roles).toEqual(['privacy-officer']);
    expect(body.tenant.id).toBe(lethe.tenant.tenant.id);
  });

  it('is refused before the body is read when it is missing, unknown or altered', async () => {
    for (const key of ['', 'nonsense', altered(lethe.tenant.keys.admin)]) {
      const { status, body } = await lethe.post('/v1/admin/api-keys', 'not even an object', { key });
      expect([status, body.code]).toEqual([401, 'unauthenticated']);
    }
  });

  it('works once issued, and no more once revoked', async () => {
    const issued = await lethe.post(
      '/v1/admin/api-keys',
      { kind: 'system', label: 'shop', scopes: ['consents:check'] },
      { as: 'admin' },
    );
    expect(issued.status).toBe(201);
    expect((await lethe.get('/v1/whoami', { key: issued.body.key })).body.principal.scopes).toEqual(['consents:check']);
    const revoked = await lethe.post(`/v1/admin/api-keys/${issued.body.id}/revoke`, {}, { as: 'admin' });
    expect(revoked.status).toBe(200);
    expect((await lethe.get('/v1/whoami', { key: issued.body.key })).status).toBe(401);
  });

  it('may not do what its role does not name', async () => {
    expect((await lethe.post('/v1/admin/api-keys', {}, { as: 'auditor' })).status).toBe(403);
    expect((await lethe.get('/v1/admin/members', { as: 'officer' })).status).toBe(403);
  });

  it('of another tenant sees nothing of this one', async () => {
    const other = await bootstrapTenant(lethe.server.app, { name: 'Other', mode: 'test' });
    const mine = await lethe.get('/v1/admin/members', { as: 'admin' });
    const theirs = await lethe.get('/v1/admin/members', { key: other.keys.admin });
    const ids = (list: { items: { id: string }[] }): string[] => list.items.map((item) => item.id);
    expect(ids(theirs.body).some((id) => ids(mine.body).includes(id))).toBe(false);
  });

  it('leaves an event for every change', async () => {
    const events = await lethe.server.parts.store.read(lethe.tenant.tenant.id, 0, 100);
    expect(events[0]?.type).toBe('TenantCreated.v1');
    expect(events.map((event) => event.type)).toEqual(
      expect.arrayContaining(['MemberAdded.v1', 'CredentialIssued.v1', 'CredentialRevoked.v1']),
    );
    expect(events.map((event) => event.position)).toEqual(events.map((_, index) => index));
  });
});
