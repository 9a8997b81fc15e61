/** Bounds on both sides of a connection: what the server is told, what a clock here does when it says nothing at all. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.js';
import { Database, type Query } from './database.js';
import { DatabaseUnavailable } from './server-watch.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const tenant = '0190a0a0-0000-7000-8000-000000000001' as TenantId;

let given: TestDatabase;
let database: Database;

beforeAll(async () => {
  given = await createTestDatabase([]);
  ({ database } = given);
});
afterAll(() => given.drop());

async function settings(): Promise<Record<string, string>> {
  const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'tcp_user_timeout'];
  const { rows } = await database.transaction(tenant, (query) =>
    query<{ name: string; setting: string }>({
      text: 'SELECT name, setting FROM pg_settings WHERE name = ANY($1)',
      values: [names],
    }),
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

/** A table whose rows are found by a key, of which there are none yet; nobody will analyse it. */
const SMALL = `
  CREATE TABLE answer (tenant uuid, key text, at timestamptz, PRIMARY KEY (tenant, key));
  ALTER TABLE answer SET (autovacuum_enabled = false);
  GRANT SELECT ON answer TO lethe_app`;
const GROWN = `INSERT INTO answer SELECT '${tenant}', md5(n::text), now() FROM generate_series(1, 30000) AS n`;
const BY_KEY = {
  name: 'by-key',
  text: 'SELECT at FROM answer JOIN unnest($2::text[]) AS asked(key) USING (key) WHERE tenant = $1',
  values: [tenant, ['none']],
};

/** Blocks that the prepared statement looks at for a row that is not there. */
async function blocks(query: Query): Promise<number> {
  const { rows } = await query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>({
    text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE "by-key" ('${tenant}', '{none}')`,
  });
  const { Plan: plan } = rows[0]!['QUERY PLAN'][0];
  return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
}

describe('a connection', () => {
  it('has told the server how long anything may take', async () => {
    expect(await settings()).toEqual({
      statement_timeout: '15000',
      lock_timeout: '10000',
      idle_in_transaction_session_timeout: '30000',
      tcp_user_timeout: '10000',
    });
  });

  it('has no such bounds in a long transaction, and has them again after it', async () => {
    const text = `SELECT current_setting('statement_timeout') AS bound`;
    const inside = await database.longTransaction(tenant, (query) => query<{ bound: string }>({ text }));
    const after = await database.transaction(tenant, (query) => query<{ bound: string }>({ text }));
    expect([inside.rows[0]?.bound, after.rows[0]?.bound]).toEqual(['0', '15s']);
  });

  it('takes bounds from the connection string when an operator wrote them there', async () => {
    const url = new URL(given.urls.appUrl);
    url.searchParams.set('statement_timeout', '100');
    const hasty = new Database({ connectionString: url.toString() });
    const slept = hasty.global({ text: 'SELECT pg_sleep(5)' });
    await expect(slept).rejects.toMatchObject({ code: '57014' });
    // A slow statement is no outage: the server answered.
    expect(hasty.available).toBe(true);
    await hasty.close();
  });

  it('keeps no plan that was made while a table was small', async () => {
    await given.superuser.query(SMALL);
    const one = new Database({ connectionString: given.urls.appUrl, max: 1 });
    const before = await one.transaction(tenant, async (query) => {
      for (let time = 0; time < 10; time++) await query(BY_KEY);
      await given.superuser.query(GROWN);
      return blocks(query);
    });
    // The control: such a plan is kept within a transaction, and reads all rows of the tenant.
    expect(before).toBeGreaterThan(100);
    await sleep(5_100);
    expect(await one.transaction(tenant, blocks)).toBeLessThan(10);
    await one.close();
  }, 30_000);

  it('that is closed by the server is replaced, and its server is not taken for dead', async () => {
    await given.superuser.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lethe' AND datname = current_database()`,
    );
    await sleep(50);
    expect((await database.global<{ one: number }>({ text: 'SELECT 1 AS one' })).rows).toEqual([{ one: 1 }]);
    expect(database.available).toBe(true);
  });

  it('to a server that is not there is refused, and later ones at once', async () => {
    const nowhere = new Database({ connectionString: 'postgres://nobody:x@127.0.0.1:1/none' });
    await expect(nowhere.global({ text: 'SELECT 1' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    for (let look = 0; look < 40 && nowhere.available; look++) await sleep(25);
    const started = performance.now();
    await expect(nowhere.transaction(tenant, () => Promise.resolve())).rejects.toThrow(DatabaseUnavailable);
    expect(performance.now() - started).toBeLessThan(1_000);
    await nowhere.close();
  });

  (LONG && process.platform === 'linux' && process.getuid?.() === 0 ? it : it.skip)(
    'whose one backend is frozen is given up although its server lives',
    async () => {
      const held = database.transaction(tenant, async (query) => {
        const { rows } = await query<{ pid: number }>({ text: 'SELECT pg_backend_pid() AS pid' });
        const pid = rows[0]?.pid ?? 0;
        expect(await readFile(`/proc/${pid}/comm`, 'utf8')).toMatch(/postgres/);
        process.kill(pid, 'SIGSTOP');
        const started = performance.now();
        try {
          return await query({ text: 'SELECT 1' }).catch(() => performance.now() - started);
        } finally {
          process.kill(pid, 'SIGCONT');
        }
      });
      await expect(held).rejects.toThrow();
      expect(database.available).toBe(true);
    },
    60_000,
  );
});
