/** The client's types are those of the routes: nobody changes one without the other. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLetheClient, LetheProblem } from '@lethe/client';
import { clientSchema } from '../../scripts/client-schema.mjs';
import { startTestServer, type TestServer } from '../support/test-server.js';

describe('the client', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  it('has the types that /openapi.json says', async () => {
    const { body } = await server.get('/openapi.json');
    const kept = await readFile('libs/client/src/schema.ts', 'utf8');
    const outdated =
      kept !== (await clientSchema(body)) && 'libs/client/src/schema.ts is outdated: run `npm run client`';
    expect(outdated).toBe(false);
  });

  it('would notice a route that is not in its types', async () => {
    const { body } = await server.get('/openapi.json');
    body.paths['/v1/new'] = { get: { operationId: 'new', responses: { 200: { description: 'new' } } } };
    expect(await clientSchema(body)).not.toBe(await readFile('libs/client/src/schema.ts', 'utf8'));
  });

  it('calls with its key, and throws problems with their code', async () => {
    const client = createLetheClient({ baseUrl: server.server.baseUrl, key: server.tenant.keys.officer });
    const { data } = await client.GET('/v1/whoami');
    expect(data?.principal.roles).toEqual(['privacy-officer']);
    const refused = client.POST('/v1/admin/plugins/inspect', { body: { name: 'postgres' } });
    await expect(refused).rejects.toBeInstanceOf(LetheProblem);
    await expect(refused).rejects.toMatchObject({ status: 403 });
  });
});
