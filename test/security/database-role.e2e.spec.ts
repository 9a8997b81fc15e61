/** A service that could look over the wall says so and takes no traffic: owner, superuser, BYPASSRLS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer } from '../../apps/server/src/server.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

describe('readiness', () => {
  let lethe: TestServer;
  const made: string[] = [];

  beforeAll(async () => {
    lethe = await startTestServer();
  });
  afterAll(async () => {
    for (const role of made) {
      // Rights on a database of the cluster, whichever it is.
      await lethe.superuser.query(`DROP OWNED BY ${role}`);
      await lethe.superuser.query(`DROP ROLE ${role}`);
    }
    await lethe.close();
  });

  type Store = 'DATABASE_URL' | 'LETHE_KEYSTORE_URL';

  /** A URL of the same database as a new role with these rights. */
  async function as(rights: string, member: string, store: Store = 'DATABASE_URL'): Promise<string> {
    const role = `lethe_probe_${made.length}_${process.pid}`;
    await lethe.superuser.query(`CREATE ROLE ${role} LOGIN PASSWORD 'probe' ${rights} IN ROLE ${member}`);
    made.push(role);
    const url = new URL(lethe.server.parts.config[store]!);
    url.username = role;
    url.password = 'probe';
    await lethe.superuser.query(`GRANT CONNECT ON DATABASE "${url.pathname.slice(1)}" TO ${role}`);
    return url.toString();
  }

  async function readyAs(databaseUrl: string, store: Store = 'DATABASE_URL'): Promise<[number, string]> {
    const roles = { LETHE_ROLES: ['api' as const], PORT: 0, LETHE_LOG_LEVEL: 'silent' as const };
    const server = await startServer({ ...lethe.server.parts.config, ...roles, [store]: databaseUrl });
    try {
      const response = await fetch(`${server.baseUrl}/readyz`);
      return [response.status, ((await response.json()) as { code?: string }).code ?? 'ok'];
    } finally {
      await server.close();
    }
  }

  it.each([
    ['a superuser', 'SUPERUSER', 'lethe_app'],
    ['a role that bypasses row-level security', 'BYPASSRLS', 'lethe_app'],
    ['a member of the owner of the tables', '', 'lethe_owner'],
  ])('is 503 as %s', async (_, rights, member) => {
    expect(await readyAs(await as(rights, member))).toEqual([503, 'unsafe-database-role']);
  });

  it.each([
    ['a superuser', 'SUPERUSER', 'lethe_app'],
    ['a role that bypasses row-level security', 'BYPASSRLS', 'lethe_app'],
    ['a member of the owner of the tables', '', 'lethe_owner'],
  ])('is 503 as %s of the key store', async (_, rights, member) => {
    const url = await as(rights, member, 'LETHE_KEYSTORE_URL');
    expect(await readyAs(url, 'LETHE_KEYSTORE_URL')).toEqual([503, 'unsafe-database-role']);
  });

  it('(control) is 200 as the role that owns nothing', async () => {
    expect(await readyAs(await as('', 'lethe_app'))).toEqual([200, 'ok']);
    expect((await lethe.get('/readyz')).status).toBe(200);
  });
});
