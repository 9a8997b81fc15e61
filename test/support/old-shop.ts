/** A shop that has kept everything for years, for retention: old orders and invoices, and a trigger that counts every change. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { clusterUrl } from './test-database.js';

const toCustomer = { column: 'customer_id', to: { dataset: 'customers', column: 'id' }, identifying: true };
const tableMap = {
  datasets: [
    {
      name: 'customers',
      table: 'customers',
      title: 'Customers',
      key: 'id',
      person: true,
      action: 'erase',
      match: [
        { column: 'id', identifier: 'shop-customer-id', strength: 'identifying' },
        { column: 'email', identifier: 'email', strength: 'identifying' },
      ],
    },
    {
      name: 'orders',
      table: 'orders',
      title: 'Orders',
      key: 'id',
      refs: [toCustomer],
      action: 'erase',
      clockField: 'placed_on',
    },
    {
      name: 'invoices',
      table: 'invoices',
      title: 'Invoices',
      key: 'id',
      refs: [toCustomer],
      action: 'strip',
      stripFields: ['email', 'birthday'],
      clockField: 'issued_on',
    },
  ],
};

/** 450 orders of early 2020, three of them Ada's, and 20 of 2026. Invoices of 2015 and 2024. */
const STATEMENTS = `
  CREATE TABLE customers (id int PRIMARY KEY, email text);
  CREATE TABLE orders (id int PRIMARY KEY, customer_id int, placed_on date, note text);
  CREATE TABLE invoices (id int PRIMARY KEY, customer_id int, email text, birthday date, issued_on date);
  CREATE TABLE changes (line text);
  INSERT INTO customers VALUES (1, 'ada@example.test'), (2, 'bob@example.test');
  INSERT INTO orders SELECT n, CASE WHEN n <= 3 THEN 1 ELSE 2 END, DATE '2020-01-01' + n / 10, 'gift' FROM generate_series(1, 450) n;
  INSERT INTO orders SELECT n, 2, DATE '2026-10-01', NULL FROM generate_series(1001, 1020) n;
  INSERT INTO invoices SELECT n, 2, 'bob@example.test', DATE '1980-01-01', DATE '2015-12-31' FROM generate_series(1, 4) n;
  INSERT INTO invoices SELECT n, 2, 'bob@example.test', DATE '1980-01-01', DATE '2024-03-12' FROM generate_series(5, 9) n;
  CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO changes VALUES (TG_TABLE_NAME || '/' || OLD.id || ' ' || TG_OP); RETURN NULL; END $$;
  CREATE TRIGGER counted AFTER UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION counted();
  CREATE TRIGGER counted AFTER UPDATE OR DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION counted();`;

export interface OldShop {
  /** Superuser on the shop, past the connector. */
  sql: Client;
  connection: { config: Record<string, unknown>; secrets: Record<string, string> };
  drop(): Promise<void>;
}

/** Plants the shop in the jest run's cluster. */
export async function openOldShop(): Promise<OldShop> {
  const url = new URL(clusterUrl());
  const database = `retention_${randomBytes(5).toString('hex')}`;
  await asAdmin(`CREATE DATABASE ${database}`);
  url.pathname = `/${database}`;
  const sql = new Client({ connectionString: url.toString() });
  await sql.connect();
  await sql.query(STATEMENTS);
  return {
    sql,
    connection: {
      config: { host: '127.0.0.1', port: Number(url.port), database, user: url.username, tableMap },
      secrets: { password: url.password },
    },
    drop: async () => {
      await sql.end();
      await asAdmin(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    },
  };
}

async function asAdmin(statement: string): Promise<void> {
  const admin = new Client({ connectionString: clusterUrl() });
  await admin.connect();
  await admin.query(statement);
  await admin.end();
}
