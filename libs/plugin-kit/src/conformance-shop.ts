/** The planted shop of the conformance suite: one person, her near twins, and every kind of row and action. */
import type { SqlRow } from './dialect.js';

/** Runs statements as the owner of the system, past the connector; answers with the rows of all of them. */
export type RunSql = (...statements: string[]) => Promise<SqlRow[]>;

export const ADA = { email: 'ada@example.test', customer: '1', phone: '+49 30 100' };
export const FAMILY = 'family@example.test';

const id = (column: string) => ({ column, identifier: 'shop-customer-id', strength: 'identifying' });
const email = { column: 'email', identifier: 'email', strength: 'identifying' };
export const phone = { column: 'phone', identifier: 'phone', strength: 'candidate' };
const toCustomer = (column: string) => ({ column, to: { dataset: 'customers', column: 'id' }, identifying: true });

/** The table map of the shop. */
export const shopMap = {
  datasets: [
    {
      name: 'households',
      table: 'households',
      title: 'Households',
      key: 'id',
      shared: true,
      action: 'detach',
      detach: {},
    },
    {
      name: 'customers',
      table: 'customers',
      title: 'Customers',
      categories: ['contact'],
      key: 'id',
      person: true,
      match: [id('id'), email, phone],
      refs: [{ column: 'household_id', to: { dataset: 'households', column: 'id' }, identifying: true }],
      action: 'erase',
    },
    {
      name: 'orders',
      table: 'orders',
      title: 'Orders',
      key: 'id',
      match: [email],
      refs: [toCustomer('customer_id')],
      action: 'erase',
      clockField: 'placed_on',
    },
    {
      name: 'order-lines',
      table: 'order_lines',
      title: 'Order lines',
      key: 'id',
      refs: [{ column: 'order_id', to: { dataset: 'orders', column: 'id' }, identifying: true }],
      action: 'erase',
    },
    {
      name: 'invoices',
      table: 'invoices',
      title: 'Invoices',
      key: 'id',
      refs: [toCustomer('customer_id')],
      action: 'strip',
      stripFields: ['email', 'birthday'],
      clockField: 'issued_on',
    },
    {
      name: 'reviews',
      table: 'reviews',
      title: 'Reviews',
      key: 'id',
      refs: [toCustomer('customer_id')],
      action: 'anonymise',
      anonymise: { author: 'somebody', customer_id: null },
    },
    {
      name: 'messages',
      table: 'messages',
      title: 'Messages',
      key: 'id',
      refs: [toCustomer('sender_id'), toCustomer('recipient_id')],
      shared: true,
      action: 'detach',
      detach: { sender_id: null, recipient_id: null },
    },
    { name: 'calls', table: 'calls', title: 'Calls', key: 'id', match: [phone], action: 'erase' },
  ],
};

export const SHOP_TABLES = [
  'households',
  'customers',
  'orders',
  'order_lines',
  'invoices',
  'reviews',
  'messages',
  'calls',
];

const STATEMENTS = [
  `CREATE TABLE households (id integer PRIMARY KEY, address varchar(100))`,
  `CREATE TABLE customers (id integer PRIMARY KEY, name varchar(100), email varchar(200), phone varchar(40), household_id integer)`,
  `CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer, email varchar(200), placed_on date, total decimal(10,2), note varchar(200))`,
  `CREATE TABLE order_lines (id integer PRIMARY KEY, order_id integer REFERENCES orders (id), sku varchar(20))`,
  `CREATE TABLE invoices (id integer PRIMARY KEY, customer_id integer, name varchar(100), email varchar(200), birthday date, issued_on date)`,
  `CREATE TABLE reviews (id integer PRIMARY KEY, customer_id integer, author varchar(100), words varchar(200))`,
  `CREATE TABLE messages (id integer PRIMARY KEY, sender_id integer, recipient_id integer, body varchar(200))`,
  `CREATE TABLE calls (id integer PRIMARY KEY, phone varchar(40), note varchar(200))`,
  `INSERT INTO households VALUES (10, '1 Lake Road'), (11, '2 Hill Road')`,
  // 1 is Ada; 2 bears her name and telephone; 3 and 4 are a household with one e-mail; 5 writes with Ada and lives with her.
  `INSERT INTO customers VALUES (0, 'guest', '', '', NULL), (1, 'Ada Field', 'Ada@Example.test', '+49 30-100', 10),
     (2, 'Ada Field', 'ada.field@example.test', '+49 30 100', 11), (3, 'Eve Hill', 'family@example.test', '300', 11),
     (4, 'Max Hill', 'family@example.test', '300', 11), (5, 'Bob Lake', 'bob@example.test', '500', 10)`,
  `INSERT INTO orders VALUES (100, 1, 'ada@example.test', DATE '2015-03-01', 10.50, NULL), (101, 1, NULL, DATE '2024-03-01', 20, NULL),
     (102, 0, 'ADA@example.test', DATE '2024-04-01', 30, 'guest'), (103, 0, 'bob@example.test', DATE '2024-04-02', 40, 'guest'),
     (104, 0, '', DATE '2015-01-01', 50, 'till'), (105, 2, 'ada.field@example.test', DATE '2024-05-01', 60, NULL),
     (106, 3, 'family@example.test', DATE '2024-05-02', 70, NULL), (107, 4, 'family@example.test', DATE '2024-05-03', 80, NULL),
     (108, 0, 'family@example.test', DATE '2024-05-04', 90, 'guest'), (109, 5, 'ada@example.test', DATE '2024-05-05', 95, 'gift to Ada')`,
  `INSERT INTO order_lines VALUES (1000, 100, 'a'), (1001, 100, 'b'), (1002, 102, 'c'), (1003, 103, 'd'), (1004, 105, 'e'),
     (1005, 108, 'f'), (1006, 106, 'g')`,
  `INSERT INTO invoices VALUES (200, 1, 'Ada Field', 'ada@example.test', DATE '1990-01-01', DATE '2024-03-02'),
     (201, 2, 'Ada Field', 'ada.field@example.test', DATE '1991-01-01', DATE '2024-05-02')`,
  `INSERT INTO reviews VALUES (300, 1, 'Ada F.', 'good'), (301, 2, 'Ada F.', 'bad'), (302, NULL, 'somebody', 'old')`,
  `INSERT INTO messages VALUES (400, 1, 5, 'hello'), (401, 5, 1, 'hello back'), (402, 5, 2, 'dear other Ada')`,
  `INSERT INTO calls VALUES (500, '+493 0100', 'asked'), (501, '999', 'other')`,
];

/** Drops and plants the shop again. */
export async function plantShop(sql: RunSql): Promise<void> {
  const drops = ['order_lines', ...SHOP_TABLES].map((table) => `DROP TABLE IF EXISTS ${table}`);
  await sql(...drops, ...STATEMENTS);
}

/** All rows of all tables, as `table/id` and content, to be compared before and after. */
export async function snapshot(sql: RunSql): Promise<Map<string, string>> {
  const rows = await sql(...SHOP_TABLES.map((table) => `SELECT '${table}' AS owner, * FROM ${table} ORDER BY id`));
  return new Map(rows.map((row) => [`${String(row['owner'])}/${String(row['id'])}`, JSON.stringify(row)]));
}

/** What differs between two snapshots: `-` gone, `~` changed, `+` new. */
export function differences(before: Map<string, string>, after: Map<string, string>): string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${after.has(name) ? (before.has(name) ? '~' : '+') : '-'}${name}`)
    .sort();
}
