/** A real DuckDB warehouse with Parquet beside it for flows: denormalised copies of the shop's people under other names. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const toPerson = { column: 'person_key', to: { dataset: 'people', column: 'person_key' }, identifying: true };

export const warehouseTableMap = {
  datasets: [
    {
      name: 'people',
      table: 'dim_people',
      title: 'People',
      categories: ['contact'],
      key: 'person_key',
      person: true,
      match: [
        { column: 'loyalty_no', identifier: 'loyalty-no', strength: 'identifying' },
        { column: 'email', identifier: 'email', strength: 'identifying' },
      ],
      action: 'erase',
    },
    {
      name: 'sales',
      table: 'fact_sales',
      title: 'Sales',
      key: 'id',
      refs: [toPerson],
      action: 'anonymise',
      anonymise: { person_key: 0, buyer: null, email: null },
    },
    {
      name: 'clicks',
      table: 'clicks',
      title: 'Clicks',
      key: 'id',
      match: [{ column: 'email', identifier: 'email', strength: 'identifying' }],
      action: 'erase',
    },
  ],
};

const TABLES: Record<string, string> = { dim_people: 'person_key', fact_sales: 'id' };

const STATEMENTS = [
  `CREATE TABLE dim_people (person_key integer, loyalty_no varchar, name varchar, email varchar, city varchar)`,
  `CREATE TABLE fact_sales (id integer, person_key integer, buyer varchar, email varchar, sold_on date, amount decimal(10,2))`,
  `INSERT INTO dim_people VALUES (0, NULL, 'guest', NULL, NULL), (11, 'LOY-1001', 'Carol Jensen', 'cj.old@example.test', 'Copenhagen'),
     (12, 'LOY-1002', 'Carol Jensen', 'carol.jensen@example.test', 'Copenhagen'), (13, 'LOY-1003', 'Eve Hill', 'family@example.test', 'Berlin')`,
  `INSERT INTO fact_sales VALUES (21, 11, 'Carol Jensen', 'cj.old@example.test', DATE '2024-03-01', 10.50),
     (22, 11, 'Carol Jensen', 'carol.j@example.test', DATE '2023-03-01', 5), (23, 12, 'Carol Jensen', 'carol.jensen@example.test', DATE '2024-03-01', 7),
     (24, 0, 'guest', NULL, DATE '2024-03-01', 9), (25, 13, 'Eve Hill', 'family@example.test', DATE '2024-03-01', 9)`,
  `INSERT INTO dim_people SELECT n, 'LOY-' || n, 'Person ' || n, 'p' || n || '@example.test', 'Berlin' FROM range(5000, 5200) t(n)`,
];

const CLICKS = `SELECT * FROM (VALUES (31, 'CJ.old@example.test', '/shoes'), (32, 'carol.jensen@example.test', '/hats'),
  (33, 'carol.j@example.test', '/sale'), (34, NULL, '/home')) t(id, email, page)
  UNION ALL SELECT n, 'p' || n || '@example.test', '/' || n FROM range(5000, 6000) t(n)`;

/** What an erasure of Carol does to the warehouse. */
export const CAROL_LEFT_WAREHOUSE = ['-clicks/31', '-clicks/33', '-dim_people/11', '~fact_sales/21', '~fact_sales/22'];

export interface Warehouse {
  connection(): { config: Record<string, unknown> };
  sql(statement: string): Promise<Record<string, unknown>[]>;
  /** Every row of every table and Parquet file by its values. */
  snapshot(): Promise<Map<string, string>>;
  /** Names and SHA-256 of all files of the warehouse. */
  fingerprint(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function openWarehouse(): Promise<Warehouse> {
  const folder = await mkdtemp(join(tmpdir(), 'lethe-warehouse-'));
  const file = join(folder, 'warehouse.duckdb');
  const clicks = join(folder, 'clicks.parquet');
  const run = async (...statements: string[]): Promise<Record<string, unknown>[]> => {
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    try {
      let rows: Record<string, unknown>[] = [];
      for (const one of statements) rows = (await connection.runAndReadAll(one)).getRowObjectsJson();
      return rows;
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  };
  await run(...STATEMENTS, `COPY (${CLICKS}) TO '${clicks}' (FORMAT parquet)`, 'CHECKPOINT');
  return {
    connection: () => ({
      config: { file, parquet: [{ dataset: 'clicks', path: clicks }], backupDays: 7, tableMap: warehouseTableMap },
    }),
    sql: (statement) => run(statement),
    snapshot: async () => {
      const rows = new Map<string, string>();
      for (const [table, key] of Object.entries(TABLES))
        for (const row of await run(`SELECT * FROM ${table} ORDER BY ${key}`))
          rows.set(`${table}/${String(row[key])}`, JSON.stringify(row));
      for (const row of await run(`SELECT * FROM read_parquet('${clicks}') ORDER BY id`))
        rows.set(`clicks/${String(row['id'])}`, JSON.stringify(row));
      return rows;
    },
    fingerprint: async () => {
      const names = (await readdir(folder)).sort();
      const bytes = await Promise.all(names.map((name) => readFile(join(folder, name))));
      return names.map((name, at) => `${name} ${createHash('sha256').update(bytes[at]!).digest('hex')}`);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
