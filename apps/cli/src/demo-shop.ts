/** The demo shop: a PostgreSQL database of its own, its planted people, and the table map a connection to it uses. */
import { Client } from 'pg';
import { demoData } from './demo-data.js';
import type { DemoData } from './demo-rows.js';

/** Role of the connection; it may do what its table map needs and nothing else. */
export const SHOP_ROLE = 'shop_connector';

const TABLES = `
  CREATE TABLE customers (id integer PRIMARY KEY, customer_number text NOT NULL UNIQUE, first_name text, last_name text,
    email text, phone text, birthday date, created_on date);
  CREATE TABLE addresses (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id), name text, street text, city text, country text);
  CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id), email text, placed_on date, status text, total numeric(10,2));
  CREATE TABLE order_items (id integer PRIMARY KEY, order_id integer REFERENCES orders (id), product text, quantity integer, price numeric(10,2));
  -- Invoices outlive the customer they name, so nothing ties them to a row that may go.
  CREATE TABLE invoices (id integer PRIMARY KEY, customer_id integer, name text, street text, email text, phone text, order_number text,
    issued_on date, total numeric(10,2));
  CREATE TABLE reviews (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id), author text, product text, words text, written_on date);
  CREATE TABLE newsletter_subscribers (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id), email text, subscribed_on date);
  CREATE TABLE gift_cards (id integer PRIMARY KEY, giver_id integer REFERENCES customers (id), recipient_id integer REFERENCES customers (id),
    amount numeric(10,2), bought_on date);
  CREATE INDEX ON customers (lower(email));
  CREATE INDEX ON orders (customer_id);
  CREATE INDEX ON orders (lower(email));
  CREATE INDEX ON order_items (order_id);
  CREATE INDEX ON invoices (customer_id);`;

/** In the order they can be filled in. */
export const SHOP_TABLES = [
  'customers',
  'addresses',
  'orders',
  'order_items',
  'invoices',
  'reviews',
  'newsletter_subscribers',
  'gift_cards',
] as const satisfies readonly (keyof DemoData)[];

const email = { column: 'email', identifier: 'email', strength: 'identifying' };
const phone = { column: 'phone', identifier: 'phone', strength: 'candidate' };
const ofCustomer = (column: string): object => ({
  column,
  to: { dataset: 'customers', column: 'id' },
  identifying: true,
});

/** The table map: what each table holds, how its rows lead to a person, and what becomes of them. */
export const shopMap = {
  datasets: [
    {
      name: 'customers',
      table: 'customers',
      title: 'Customer accounts',
      categories: ['contact'],
      key: 'id',
      person: true,
      match: [
        { column: 'id', identifier: 'shop-customer-id', strength: 'identifying' },
        { column: 'customer_number', identifier: 'customer-number', strength: 'identifying' },
        email,
        phone,
      ],
      action: 'erase',
    },
    {
      name: 'addresses',
      table: 'addresses',
      title: 'Delivery addresses',
      categories: ['contact'],
      key: 'id',
      refs: [ofCustomer('customer_id')],
      action: 'erase',
    },
    {
      name: 'orders',
      table: 'orders',
      title: 'Orders',
      categories: ['purchases'],
      key: 'id',
      match: [email],
      refs: [ofCustomer('customer_id')],
      action: 'erase',
      clockField: 'placed_on',
    },
    {
      name: 'order_items',
      table: 'order_items',
      title: 'Lines of orders',
      categories: ['purchases'],
      key: 'id',
      refs: [{ column: 'order_id', to: { dataset: 'orders', column: 'id' }, identifying: true }],
      action: 'erase',
    },
    {
      name: 'invoices',
      table: 'invoices',
      title: 'Invoices',
      categories: ['accounting'],
      key: 'id',
      refs: [ofCustomer('customer_id')],
      action: 'erase',
      stripFields: ['email', 'phone'],
      clockField: 'issued_on',
    },
    {
      name: 'reviews',
      table: 'reviews',
      title: 'Product reviews',
      categories: ['opinions'],
      key: 'id',
      refs: [ofCustomer('customer_id')],
      action: 'anonymise',
      anonymise: { author: 'a customer', customer_id: null },
      clockField: 'written_on',
    },
    {
      name: 'newsletter_subscribers',
      table: 'newsletter_subscribers',
      title: 'Newsletter',
      categories: ['marketing'],
      key: 'id',
      match: [email],
      refs: [ofCustomer('customer_id')],
      action: 'erase',
      clockField: 'subscribed_on',
    },
    {
      name: 'gift_cards',
      table: 'gift_cards',
      title: 'Gift cards',
      categories: ['purchases'],
      key: 'id',
      refs: [ofCustomer('giver_id'), ofCustomer('recipient_id')],
      shared: true,
      action: 'detach',
      detach: { giver_id: null, recipient_id: null },
    },
  ],
  ignoreValues: ['0', ''],
};

/** Creates and fills the tables in an empty database; `client` is its owner. */
export async function seedShop(client: Client): Promise<void> {
  const data = await demoData();
  await client.query('BEGIN');
  await client.query(TABLES);
  for (const table of SHOP_TABLES)
    await client.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`, [
      JSON.stringify(data[table]),
    ]);
  await client.query('COMMIT');
  await client.query('ANALYZE');
}

/** Gives the connection's role its password and the rights its table map needs. Run as a superuser, in the shop's database. */
export async function grantShop(client: Client, password: string): Promise<void> {
  if (!/^[0-9a-f]+$/.test(password)) throw new Error('the role takes a password of hex digits');
  const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [SHOP_ROLE]);
  const verb = known.rowCount ? 'ALTER' : 'CREATE';
  await client.query(`${verb} ROLE ${SHOP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '${password}'`);
  await client.query(`GRANT SELECT, UPDATE, DELETE ON ${SHOP_TABLES.join(', ')} TO ${SHOP_ROLE}`);
}

/** How a connection reaches the shop. */
export interface ShopAccess {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
}

/**
 * The shop in a cluster, made and filled unless it is there; its connection's password is a function of the superuser's.
 * @param superuserUrl a superuser of the demo cluster
 */
export async function openShop(superuserUrl: string, password: string): Promise<ShopAccess> {
  const url = new URL(superuserUrl);
  const database = 'shop';
  const cluster = new Client({ connectionString: superuserUrl });
  await cluster.connect();
  try {
    const known = await cluster.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (!known.rowCount) await cluster.query(`CREATE DATABASE ${database}`);
  } finally {
    await cluster.end();
  }
  url.pathname = `/${database}`;
  const shop = new Client({ connectionString: url.toString() });
  await shop.connect();
  try {
    const seeded = await shop.query<{ there: string | null }>(`SELECT to_regclass('public.gift_cards') AS there`);
    if (!seeded.rows[0]?.there) await seedShop(shop);
    await grantShop(shop, password);
  } finally {
    await shop.end();
  }
  return { host: url.hostname, port: Number(url.port), database, user: SHOP_ROLE, password };
}
