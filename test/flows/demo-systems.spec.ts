/** The demo systems hold what the story says: one person under several identifiers, found without her near twins. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ctx, Located } from '@lethe/plugin-sdk';
import { Client } from 'pg';
import { grantShop, seedShop, SHOP_ROLE, SHOP_TABLES, shopMap } from '../../apps/cli/src/demo-shop.js';
import { seedWarehouse, warehouseMap, type WarehouseAccess } from '../../apps/cli/src/demo-warehouse.js';
import { people } from '../../apps/server/src/demo-people.js';
import { locatePerson, type PersonLocated } from '../../libs/requests/src/plan/locate-person.js';
import duckdb from '../../plugins/duckdb/src/index.js';
import postgres from '../../plugins/postgres/src/index.js';
import { clusterUrl } from '../support/test-database.js';

const context = <C>(config: C, secrets: Record<string, string>): Ctx<C> => ({
  config,
  secrets,
  signal: new AbortController().signal,
  deadline: new Date(Date.now() + 30_000),
  now: () => new Date(),
  log: { info: () => undefined, warn: () => undefined },
});

describe('the demo systems', () => {
  const database = `shop_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  let folder: string;
  let shop: Client;
  let warehouse: WarehouseAccess;
  let found: PersonLocated;

  beforeAll(async () => {
    const cluster = new Client({ connectionString: clusterUrl() });
    await cluster.connect();
    await cluster.query(`CREATE DATABASE ${database}`);
    await cluster.end();
    const url = new URL(clusterUrl());
    url.pathname = `/${database}`;
    shop = new Client({ connectionString: url.toString() });
    await shop.connect();
    await seedShop(shop);
    await grantShop(shop, password);
    folder = await mkdtemp(join(tmpdir(), 'lethe-demo-'));
    warehouse = await seedWarehouse(join(folder, 'w.duckdb'), folder);
    const login = { host: url.hostname, port: Number(url.port), database, user: SHOP_ROLE };
    const shopContext = context({ ...login, schema: 'public', ssl: false, tableMap: shopMap }, { password });
    const warehouseContext = context({ ...warehouse, tableMap: warehouseMap }, {});
    const systems = [
      { connectionId: 'shop', except: [], locate: (items: never) => postgres.locate(shopContext, items) },
      { connectionId: 'warehouse', except: [], locate: (items: never) => duckdb.locate(warehouseContext, items) },
    ];
    const proven = [{ type: 'email', value: people.main.email, strength: 'verified' as const, edge: null }];
    found = await locatePerson(proven, systems as never, 'item', (identifier) => identifier);
  });

  afterAll(async () => {
    await shop.end();
    const cluster = new Client({ connectionString: clusterUrl() });
    await cluster.connect();
    await cluster.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    await cluster.end();
    await rm(folder, { recursive: true, force: true });
  });

  const of = (connectionId: string): Located[] => found.records.get(connectionId) ?? [];
  const counts = (connectionId: string): Record<string, number> => {
    const rows = of(connectionId);
    return Object.fromEntries(
      rows.map(({ dataset }) => [dataset, rows.filter((one) => one.dataset === dataset).length]),
    );
  };

  it('lead from one e-mail to the customer number, from there to the other e-mail, and back to a guest order', () => {
    const values = found.identifiers.map(({ value }) => value);
    expect(values).toEqual(
      expect.arrayContaining([people.main.email, people.main.customerNumber, people.main.warehouseEmail]),
    );
    expect(of('shop').map(({ dataset, ref }) => `${dataset}/${ref}`)).toContain('orders/90001');
    expect(found).toMatchObject({ silent: [], limits: [] });
  });

  it('hold exactly the planted rows of the person, and nothing stands in the way of deciding about them', () => {
    expect(counts('shop')).toEqual({
      customers: 1,
      addresses: 1,
      orders: 4,
      order_items: 8,
      invoices: 3,
      reviews: 1,
      newsletter_subscribers: 1,
      gift_cards: 2,
    });
    expect(counts('warehouse')).toEqual({ dim_customer: 1, fact_order: 4, web_events: 3 });
    const blocked = [...of('shop'), ...of('warehouse')].filter((row) => row.blockedBy !== undefined);
    expect(blocked).toEqual([]);
  });

  it('know of invoices inside and beyond eight years', () => {
    const dates = of('shop').flatMap((row) => (row.dataset === 'invoices' ? [row.startsOn] : []));
    expect(new Set(dates)).toEqual(new Set(['2015-03-12', '2024-06-03', '2025-11-20']));
  });

  it('say of gift cards that they are somebody else’s as well', () => {
    const cards = of('shop').filter(({ dataset }) => dataset === 'gift_cards');
    expect(cards.map(({ sharedWith }) => sharedWith)).toEqual(['others', 'others']);
  });

  it('have the near twins: same name, same telephone, one e-mail for two, and guests under number 0', async () => {
    const ask = async (sql: string, ...values: unknown[]): Promise<unknown> =>
      (await shop.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`, values)).rows[0]?.n;
    const namesake = 'customers a JOIN customers b USING (first_name, last_name) WHERE a.id = $1 AND b.id = $2';
    expect(await ask(namesake, people.main.customerId, people.sameName.customerId)).toBe(1);
    expect(await ask('customers WHERE phone = $1', people.main.phone)).toBe(2);
    expect(await ask('customers WHERE email = $1', people.household[0].email)).toBe(2);
    expect(await ask('orders WHERE customer_id = 0')).toBe(4);
  });

  it('hold no address outside example.test', async () => {
    for (const table of SHOP_TABLES) {
      const { rows } = await shop.query<{ row: string }>(`SELECT to_jsonb(t)::text AS row FROM ${table} t`);
      const addresses = rows.flatMap(({ row }) => row.match(/[\w.+-]+@[\w.-]+/g) ?? []);
      expect(addresses.filter((address) => !address.endsWith('@example.test'))).toEqual([]);
    }
  });
});
