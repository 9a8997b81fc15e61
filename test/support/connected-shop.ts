/** A real shop database for flows: one person, her near twins, a crowd, and a trigger that counts every change of a row. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { clusterUrl } from './test-database.js';

/** The person of the flows, by the names other systems know her under. */
export const CAROL = {
  name: 'Carol Jensen',
  email: 'carol.j@example.test',
  customer: '1',
  loyalty: 'LOY-1001',
  /** Only the warehouse still knows this one; the shop's newsletter is found by it. */
  oldEmail: 'cj.old@example.test',
  phone: '+45 20 12 34 56',
};
/** Two people use it: an officer has to say whose it is. */
export const FAMILY = 'family@example.test';

const carries = (column: string, identifier: string, strength = 'identifying') => ({ column, identifier, strength });
const leadsTo = (column: string, dataset: string) => ({ column, to: { dataset, column: 'id' }, identifying: true });
const toCustomer = (column: string) => leadsTo(column, 'customers');

export const shopTableMap = {
  datasets: [
    {
      name: 'customers',
      table: 'customers',
      title: 'Customers',
      categories: ['contact'],
      key: 'id',
      person: true,
      match: [
        carries('id', 'shop-customer-id'),
        carries('email', 'email'),
        carries('phone', 'phone', 'candidate'),
        carries('household_email', 'email', 'candidate'),
        carries('loyalty_no', 'loyalty-no'),
        carries('erp_code', 'tryton-party-code'),
      ],
      action: 'erase',
    },
    {
      name: 'orders',
      table: 'orders',
      title: 'Orders',
      categories: ['purchases'],
      key: 'id',
      match: [carries('email', 'email')],
      refs: [toCustomer('customer_id')],
      action: 'erase',
      clockField: 'placed_on',
    },
    {
      name: 'order-lines',
      table: 'order_lines',
      title: 'Order lines',
      categories: ['purchases'],
      key: 'id',
      refs: [leadsTo('order_id', 'orders')],
      action: 'erase',
    },
    {
      name: 'invoices',
      table: 'invoices',
      title: 'Invoices',
      categories: ['billing'],
      key: 'id',
      refs: [toCustomer('customer_id')],
      action: 'erase',
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
    {
      name: 'newsletter',
      table: 'newsletter',
      title: 'Newsletter',
      key: 'id',
      match: [carries('email', 'email')],
      action: 'erase',
    },
  ],
};

const TABLES = ['customers', 'orders', 'order_lines', 'invoices', 'reviews', 'messages', 'newsletter', 'parcels'];

const STATEMENTS = [
  `CREATE TABLE customers (id int PRIMARY KEY, name text, email text, phone text, household_email text, loyalty_no text, erp_code text)`,
  `CREATE TABLE orders (id int PRIMARY KEY, customer_id int, email text, placed_on date, total numeric(10,2))`,
  `CREATE TABLE order_lines (id int PRIMARY KEY, order_id int REFERENCES orders (id), sku text)`,
  `CREATE TABLE invoices (id int PRIMARY KEY, customer_id int, name text, total numeric(10,2), email text, birthday date, issued_on date)`,
  `CREATE TABLE reviews (id int PRIMARY KEY, customer_id int, author text, words text)`,
  `CREATE TABLE messages (id int PRIMARY KEY, sender_id int, recipient_id int, body text)`,
  `CREATE TABLE newsletter (id int PRIMARY KEY, email text, since date)`,
  // In no table map until a test maps it.
  `CREATE TABLE parcels (id int PRIMARY KEY, customer_id int, street text)`,
  // 0 is the guest account; 2 bears her name and telephone; 3 and 4 share one mailbox; 1 and 5 a household's.
  `INSERT INTO customers VALUES
     (0, 'guest', '', '', '', NULL, NULL),
     (1, 'Carol Jensen', 'Carol.J@example.test', '+45 20 12 34 56', 'home@example.test', 'LOY-1001', NULL),
     (2, 'Carol Jensen', 'carol.jensen@example.test', '+45 20 12 34 56', NULL, 'LOY-1002', NULL),
     (3, 'Eve Hill', 'family@example.test', '300', NULL, 'LOY-1003', NULL),
     (4, 'Max Hill', 'family@example.test', '300', NULL, 'LOY-1004', NULL),
     (5, 'Dan Jensen', 'dan@example.test', '500', 'home@example.test', 'LOY-1005', NULL)`,
  `INSERT INTO orders VALUES
     (100, 1, 'carol.j@example.test', '2024-03-01', 10.50), (101, 1, NULL, '2015-03-01', 20),
     (102, 0, 'CAROL.J@example.test', '2024-04-01', 30), (103, 0, 'dan@example.test', '2024-04-02', 40),
     (104, 0, '', '2015-01-01', 50), (105, 2, 'carol.jensen@example.test', '2024-05-01', 60),
     (106, 3, 'family@example.test', '2024-05-02', 70), (107, 4, 'family@example.test', '2024-05-03', 80),
     (108, 0, 'home@example.test', '2024-05-04', 90), (109, 5, 'dan@example.test', '2024-05-05', 95)`,
  `INSERT INTO order_lines VALUES (1000, 100, 'a'), (1001, 100, 'b'), (1002, 102, 'c'), (1003, 103, 'd'),
     (1004, 105, 'e'), (1005, 108, 'f'), (1006, 106, 'g'), (1007, 101, 'h')`,
  `INSERT INTO invoices VALUES
     (200, 1, 'Carol Jensen', 10.50, 'carol.j@example.test', '1990-01-01', '2024-03-12'),
     (201, 1, 'Carol Jensen', 20, 'carol.j@example.test', '1990-01-01', '2015-03-12'),
     (202, 2, 'Carol Jensen', 60, 'carol.jensen@example.test', '1991-01-01', '2024-05-02')`,
  `INSERT INTO reviews VALUES (300, 1, 'Carol J.', 'good'), (301, 2, 'Carol J.', 'bad'), (302, NULL, 'somebody', 'old')`,
  `INSERT INTO messages VALUES (400, 1, 5, 'hello'), (401, 5, 1, 'hello back'), (402, 5, 2, 'dear other Carol')`,
  `INSERT INTO newsletter VALUES (500, 'cj.old@example.test', '2019-01-01'), (501, 'carol.jensen@example.test', '2020-01-01')`,
  `INSERT INTO parcels VALUES (600, 1, 'Elm Street 1'), (601, 2, 'Elm Street 99')`,
  `INSERT INTO customers SELECT n, 'Person ' || n, 'p' || n || '@example.test', '9' || n, NULL, 'LOY-' || n, NULL FROM generate_series(5000, 5199) n`,
  `INSERT INTO orders SELECT n, n, 'p' || n || '@example.test', '2024-01-01', 1 FROM generate_series(5000, 5199) n`,
];

/** A row as `table/id`. */
type Rows = Map<string, string>;

export interface Shop {
  /** Superuser on the shop, past the connector. */
  sql: Client;
  /** Configuration of a connection over the role that may read and change rows, nothing more. */
  connection(tableMap?: Record<string, unknown>): { config: Record<string, unknown>; secrets: Record<string, string> };
  snapshot(): Promise<Rows>;
  /** Changes since the last call, by row and operation, e.g. `customers/1 DELETE`; and how often each happened. */
  takeChanges(): Promise<Record<string, number>>;
  drop(): Promise<void>;
}

/** Plants a shop in `cluster` (default: the jest run's). `slowMs`: how long a change of one row takes. */
export async function openShop({ cluster = clusterUrl(), slowMs = 0 } = {}): Promise<Shop> {
  const name = `shop_${randomBytes(5).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const url = new URL(cluster);
  const admin = new Client({ connectionString: cluster });
  await admin.connect();
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  url.pathname = `/${name}`;
  const sql = new Client({ connectionString: url.toString() });
  await sql.connect();
  for (const statement of STATEMENTS) await sql.query(statement);
  await sql.query(`GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${name}`);
  await plantTriggers(sql, slowMs);
  return {
    sql,
    connection: (tableMap = shopTableMap) => ({
      config: {
        host: '127.0.0.1',
        port: Number(url.port),
        database: name,
        user: name,
        backupDays: 30,
        tableMap,
      },
      secrets: { password },
    }),
    snapshot: () => snapshot(sql),
    takeChanges: () => takeChanges(sql),
    drop: async () => {
      await sql.end();
      const last = new Client({ connectionString: cluster });
      await last.connect();
      await last.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await last.query(`DROP ROLE IF EXISTS ${name}`);
      await last.end();
    },
  };
}

/** Notes every change of a row, whoever makes it; the connector's role cannot see or change the notes. */
async function plantTriggers(sql: Client, slowMs: number): Promise<void> {
  await sql.query('CREATE TABLE planted_changes (seq serial, relation text, record int, operation text)');
  await sql.query(`CREATE FUNCTION planted_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    PERFORM pg_sleep(${slowMs / 1000});
    INSERT INTO planted_changes (relation, record, operation) VALUES (TG_TABLE_NAME, COALESCE(OLD.id, NEW.id), TG_OP);
    RETURN NULL; END $$`);
  for (const table of TABLES)
    await sql.query(
      `CREATE TRIGGER planted AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION planted_note()`,
    );
}

async function takeChanges(sql: Client): Promise<Record<string, number>> {
  const { rows } = await sql.query<{ change: string; times: string }>(
    `WITH taken AS (DELETE FROM planted_changes RETURNING *)
     SELECT relation || '/' || record || ' ' || operation AS change, count(*) AS times FROM taken GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ change, times }) => [change, Number(times)]));
}

async function snapshot(sql: Client): Promise<Rows> {
  const all: Rows = new Map();
  for (const table of TABLES) {
    const { rows } = await sql.query<{ id: number; content: string }>(
      `SELECT id, to_jsonb(t)::text AS content FROM ${table} t ORDER BY id`,
    );
    for (const { id, content } of rows) all.set(`${table}/${id}`, content);
  }
  return all;
}

/** What differs between two snapshots: `-` gone, `~` changed, `+` new; everything not named is equal. */
export function differences(before: Rows, after: Rows): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => `${after.has(name) ? (before.has(name) ? '~' : '+') : '-'}${name}`)
    .sort();
}

/** What an erasure of Carol does to the shop's rows; invoice 200 is under a duty and only loses what the duty does not need. */
export const CAROL_ERASED = [
  '-customers/1',
  '-invoices/201',
  '-newsletter/500',
  '-order_lines/1000',
  '-order_lines/1001',
  '-order_lines/1002',
  '-order_lines/1007',
  '-orders/100',
  '-orders/101',
  '-orders/102',
  '~invoices/200',
  '~messages/400',
  '~messages/401',
  '~reviews/300',
];

/** The same as the planted trigger must have seen it: each row once. */
export const changesOf = (erased: readonly string[]): Record<string, number> =>
  Object.fromEntries(erased.map((name) => [`${name.slice(1)} ${name.startsWith('-') ? 'DELETE' : 'UPDATE'}`, 1]));
