/** The demo warehouse: a DuckDB file and a Parquet file with denormalised copies of the shop, and its table map. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { people } from '../../server/src/demo-people.js';
import { demoData } from './demo-data.js';
import type { DemoData } from './demo-rows.js';

/** Name of the Parquet file in its folder. */
export const EVENTS_FILE = 'web_events.parquet';

const number = (column: string): object => ({ column, identifier: 'customer-number', strength: 'identifying' });
const email = (column: string): object => ({ column, identifier: 'email', strength: 'identifying' });

/** The table map. Nothing but the customer number ties these copies to the shop. */
export const warehouseMap = {
  datasets: [
    {
      name: 'dim_customer',
      table: 'dim_customer',
      title: 'Customers, as marketing counts them',
      categories: ['contact'],
      key: 'customer_key',
      person: true,
      match: [number('customer_number'), email('email')],
      action: 'erase',
    },
    {
      name: 'fact_order',
      table: 'fact_order',
      title: 'Orders with the name and address they were billed to',
      categories: ['purchases'],
      key: 'order_key',
      match: [number('customer_number'), email('billing_email')],
      action: 'anonymise',
      anonymise: { customer_number: null, billing_name: null, billing_email: null },
      clockField: 'ordered_on',
    },
    {
      name: 'web_events',
      table: 'web_events',
      title: 'Pages seen, in Parquet',
      categories: ['behaviour'],
      key: 'event_id',
      match: [number('customer_number')],
      action: 'erase',
      clockField: 'seen_on',
    },
  ],
  ignoreValues: ['0', ''],
};

/** How a connection reaches the warehouse. */
export interface WarehouseAccess {
  file: string;
  parquet: { dataset: string; path: string }[];
}

/** Creates and fills file and Parquet; both appear whole or not at all. */
export async function seedWarehouse(file: string, parquetDir: string): Promise<WarehouseAccess> {
  const data = await demoData();
  await mkdir(dirname(file), { recursive: true });
  await mkdir(parquetDir, { recursive: true });
  const half = `${file}.new`;
  const events = join(parquetDir, EVENTS_FILE);
  await rm(half, { force: true });
  const instance = await DuckDBInstance.create(half, { threads: '1' });
  const connection = await instance.connect();
  try {
    await fill(connection, data);
    await connection.run(
      `COPY web_events TO '${`${events}.new`.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
    );
    await connection.run('DROP TABLE web_events');
    await connection.run('CHECKPOINT');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  await rename(`${events}.new`, events);
  await rename(half, file);
  return { file, parquet: [{ dataset: 'web_events', path: events }] };
}

/** The warehouse in a folder, made and filled unless it is there. */
export async function openWarehouse(folder: string): Promise<WarehouseAccess> {
  const file = join(folder, 'warehouse.duckdb');
  const access = { file, parquet: [{ dataset: 'web_events', path: join(folder, 'events', EVENTS_FILE) }] };
  return existsSync(file) ? access : seedWarehouse(file, join(folder, 'events'));
}

async function fill(connection: DuckDBConnection, { customers, orders }: DemoData): Promise<void> {
  await connection.run(
    `CREATE TABLE dim_customer (customer_key integer, customer_number varchar, name varchar, email varchar, city varchar)`,
  );
  await connection.run(
    `CREATE TABLE fact_order (order_key integer, customer_number varchar, billing_name varchar, billing_email varchar, ordered_on date, total decimal(10,2))`,
  );
  await connection.run(
    `CREATE TABLE web_events (event_id integer, customer_number varchar, page varchar, seen_on date)`,
  );
  const known = new Map(customers.map((one) => [one.id, one]));
  const buyers = customers.filter(({ id }) => id !== 0);
  const named = (id: number): string => `${known.get(id)?.first_name ?? ''} ${known.get(id)?.last_name ?? ''}`.trim();
  await insert(
    connection,
    'dim_customer',
    // The main person gave marketing another address: only the customer number says that it is the same person.
    buyers.map(({ id, customer_number, email: address }) => [
      id,
      customer_number,
      named(id),
      id === people.main.customerId ? people.main.warehouseEmail : address,
      'Berlin',
    ]),
  );
  await insert(
    connection,
    'fact_order',
    orders.map(({ id, customer_id, email: address, placed_on, total }) => [
      id,
      known.get(customer_id)?.customer_number ?? '0',
      customer_id === 0 ? null : named(customer_id),
      address,
      placed_on,
      total,
    ]),
  );
  await insert(
    connection,
    'web_events',
    buyers.flatMap(({ id, customer_number }) =>
      ['/', '/lake', '/basket'].map((page, index) => [
        id * 10 + index,
        customer_number,
        page,
        '2026-03-0' + (index + 1),
      ]),
    ),
  );
}

type Value = string | number | null;

async function insert(connection: DuckDBConnection, table: string, rows: Value[][]): Promise<void> {
  const literal = (value: Value): string =>
    value === null ? 'NULL' : typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
  for (let from = 0; from < rows.length; from += 500) {
    const part = rows.slice(from, from + 500).map((row) => `(${row.map(literal).join(', ')})`);
    await connection.run(`INSERT INTO ${table} VALUES ${part.join(', ')}`);
  }
}
