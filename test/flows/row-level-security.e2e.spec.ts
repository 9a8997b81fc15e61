/** The second wall: raw SQL as the application sees nothing without a tenant, and nothing of another, in any table. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { newId } from '#kernel';
import { schemas } from '../../apps/server/src/schemas.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

/** Tables without the wall: named one by one, with the reason. None holds personal data. */
const unwalled: Record<string, string> = {
  lethe_migration: 'which migrations ran',
  tenant: 'read before a tenant is known',
  job_due: 'which tenants have work, read by workers of all tenants; times only',
  key_epoch: 'epochs of the key-encryption key, one for all tenants',
  key_epoch_tenant: 'which tenants have keys under an epoch, for a rotation over all of them',
  key_ring: 'which key files this key store belongs to',
  key_board: 'how many notices there were, one number for all replicas',
  key_notice: 'whose keys every replica forgets, for minutes; ids only',
  key_replica: 'which replicas read the notices',
  housekeeping: 'when chores of the installation ran; names, times and codes only',
  installation_mark: 'what stands about the installation, such as a restore under way',
};

/** A value of each type that fits any column. */
const sample: Record<string, string> = {
  uuid: 'gen_random_uuid()',
  text: `'x'`,
  bytea: `'\\x00'`,
  jsonb: `'{}'`,
  boolean: 'true',
  integer: '1',
  smallint: '1',
  bigint: '1',
  'double precision': '1',
  numeric: '1',
  date: 'current_date',
  'timestamp with time zone': 'now()',
};

interface Column {
  table: string;
  column: string;
  type: string;
}

const databases = ['ledger', 'keystore'] as const;

describe.each(databases)('the tables of the %s database', (name) => {
  let db: TestDatabase;
  let application: Client;
  let tables: Map<string, Column[]>;
  const mine = newId();
  const other = newId();

  beforeAll(async () => {
    db = await createTestDatabase(schemas[name]);
    application = new Client({ connectionString: db.urls.appUrl });
    await application.connect();
    const { rows } = await db.superuser.query<Column>(
      `SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1, a.attnum`,
    );
    tables = new Map();
    for (const row of rows) tables.set(row.table, [...(tables.get(row.table) ?? []), row]);
    for (const table of tenantTables()) if (hasTenant(table)) await plant(table);
  });
  afterAll(async () => {
    await application.end();
    await db.drop();
  });

  const hasTenant = (table: string): boolean => tables.get(table)!.some(({ column }) => column === 'tenant');
  const tenantTables = (): string[] => [...tables.keys()].filter((table) => unwalled[table] === undefined);

  /** One row of each of two tenants, whatever the constraints say: only the wall is tested here. */
  async function plant(table: string): Promise<void> {
    const { rows } = await db.superuser.query<{ drop: string }>(
      `SELECT format('ALTER TABLE %I DROP CONSTRAINT %I CASCADE', $1::text, conname) AS drop FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype IN ('c', 'f')`,
      [table],
    );
    for (const { drop } of rows) await db.superuser.query(drop);
    const columns = tables.get(table)!;
    const values = (tenant: string): string =>
      columns
        .map(({ column, type }) =>
          column === 'tenant' ? `'${tenant}'` : type.endsWith('[]') ? `'{}'` : (sample[type] ?? `unknown_type_${type}`),
        )
        .join(', ');
    const names = columns.map(({ column }) => `"${column}"`).join(', ');
    await db.superuser.query(`INSERT INTO "${table}" (${names}) VALUES (${values(mine)}), (${values(other)})`);
  }

  async function visible(table: string, tenant?: string): Promise<number> {
    await application.query('BEGIN');
    try {
      if (tenant !== undefined) await application.query(`SELECT set_config('lethe.tenant', $1, true)`, [tenant]);
      const { rows } = await application.query<{ count: number }>(`SELECT count(*)::int AS count FROM "${table}"`);
      return rows[0]!.count;
    } finally {
      await application.query('ROLLBACK');
    }
  }

  it('have a tenant, or are named here with the reason', () => {
    const without = tenantTables().filter((table) => !hasTenant(table));
    expect(without).toEqual([]);
    expect(tenantTables().length).toBeGreaterThan(0);
  });

  it('force their policy, and do not belong to the application', async () => {
    const { rows } = await db.superuser.query<{ table: string }>(
      `SELECT relname AS table FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname = ANY($1)
       AND (NOT relrowsecurity OR NOT relforcerowsecurity OR pg_has_role('lethe_service', relowner, 'USAGE')
            OR (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid) <> 1)`,
      [tenantTables()],
    );
    expect(rows).toEqual([]);
  });

  it('show nothing without a tenant, nothing to a third, and its own row to each', async () => {
    const seen: Record<string, number[]> = {};
    for (const table of tenantTables()) {
      seen[table] = [
        await visible(table),
        await visible(table, newId()),
        await visible(table, mine),
        await visible(table, other),
      ];
    }
    process.stdout.write(
      `second wall: ${name}, ${tenantTables().length} tables, each asked as nobody, a third and two tenants\n`,
    );
    expect(seen).toEqual(Object.fromEntries(tenantTables().map((table) => [table, [0, 0, 1, 1]])));
  });

  it('change and delete nothing of another, whatever the statement forgets', async () => {
    const reached: string[] = [];
    let statements = 0;
    for (const table of tenantTables()) {
      for (const tenant of [undefined, newId()]) {
        const statementsOf = [`UPDATE "${table}" SET tenant = tenant`, `DELETE FROM "${table}"`];
        for (const text of statementsOf) {
          statements += 1;
          const done = await attempted(text, tenant);
          // No right to it at all (42501) is as good as no row.
          if (done !== 0 && done !== '42501') reached.push(`${text}: ${done}`);
        }
      }
    }
    expect(reached).toEqual([]);
    expect(statements).toBe(tenantTables().length * 4);
  });

  async function attempted(text: string, tenant: string | undefined): Promise<number | string> {
    await application.query('BEGIN');
    try {
      if (tenant !== undefined) await application.query(`SELECT set_config('lethe.tenant', $1, true)`, [tenant]);
      return (await application.query(text)).rowCount ?? 0;
    } catch (error) {
      return (error as { code: string }).code;
    } finally {
      await application.query('ROLLBACK');
    }
  }

  it('take no row for another tenant', async () => {
    const taken: string[] = [];
    for (const table of tenantTables()) {
      await application.query('BEGIN');
      await application.query(`SELECT set_config('lethe.tenant', $1, true)`, [mine]);
      const names = tables
        .get(table)!
        .map(({ column }) => `"${column}"`)
        .join(', ');
      const copy = tables
        .get(table)!
        .map(({ column }) => (column === 'tenant' ? `'${other}'::uuid` : `"${column}"`))
        .join(', ');
      const error = await application
        .query(`INSERT INTO "${table}" (${names}) SELECT ${copy} FROM "${table}"`)
        .catch((failure: { code: string }) => failure);
      if (!('code' in error) || error.code !== '42501') taken.push(table);
      await application.query('ROLLBACK');
    }
    expect(taken).toEqual([]);
  });

  it('(control) a table without the wall would be seen', async () => {
    await db.superuser.query(
      `CREATE TABLE unwalled (tenant uuid); GRANT SELECT ON unwalled TO lethe_app; INSERT INTO unwalled VALUES ('${mine}')`,
    );
    expect(await visible('unwalled')).toBe(1);
    await db.superuser.query('DROP TABLE unwalled');
  });
});
