/** What runs is what was approved: anything new asks again before any write, and a plan itself writes nothing anywhere. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JobWorker } from '#jobs';
import { startPostgres, type RunningPostgres } from '#scripts/postgres.mjs';
import { connectPlugin, installPlugin } from '../support/connect-plugin.js';
import {
  approve,
  byEmail,
  closed,
  hasStatus,
  keepInvoices,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
  thirdOfficer,
} from '../support/connected-systems.js';
import { CAROL, differences, openShop, shopTableMap, type Shop } from '../support/connected-shop.js';
import { openWarehouse, type Warehouse } from '../support/connected-warehouse.js';
import { connectMailing, plantPlugin, type Mailing } from '../support/planted-plugins.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];

interface Change {
  what: string;
  /** At least this is named in 409 `plan-changed`. */
  code: string;
  make(): Promise<unknown>;
  undo(): Promise<unknown>;
}

let lethe: TestServer;
let cluster: RunningPostgres;
let shop: Shop;
let warehouse: Warehouse;
let mailing: Mailing;
let shopId: string;
let id: string;

const sql = (text: string): Promise<unknown> => shop.sql.query(text);
const admin = { as: 'admin' } as const;

async function reconfigure(connection: string, what: 'configure' | 'upgrade', change: unknown): Promise<void> {
  for (const [path, body] of [[what, change] as const, ['check', {}] as const, ['enable', {}] as const]) {
    const { status } = await lethe.post(`/v1/admin/connections/${connection}/${path}`, body, admin);
    expect(status).toBe(200);
  }
}

const withMap = (datasets: unknown[]): Promise<void> =>
  reconfigure(shopId, 'configure', { config: shop.connection({ datasets }).config });

const parcels = {
  ...{ name: 'parcels', table: 'parcels', title: 'Parcels', key: 'id', action: 'erase' },
  refs: [{ column: 'customer_id', to: { dataset: 'customers', column: 'id' }, identifying: true }],
};

let placed = '';
const changes: Change[] = [
  {
    what: 'a dataset is new in the table map',
    code: 'dataset-new',
    make: () => withMap([...shopTableMap.datasets, parcels]),
    undo: () => withMap(shopTableMap.datasets),
  },
  {
    what: 'a mapped table has a new column',
    code: 'schema-changed',
    make: () => sql('ALTER TABLE reviews ADD COLUMN stars int'),
    undo: () => sql('ALTER TABLE reviews DROP COLUMN stars'),
  },
  {
    what: 'the person has another identifier',
    code: 'identifier-new',
    make: () => sql(`UPDATE customers SET erp_code = 'P-77' WHERE id = 1`),
    undo: () => sql('UPDATE customers SET erp_code = NULL WHERE id = 1'),
  },
  {
    what: 'somebody else takes the same mailbox',
    code: 'blocker-new',
    make: () => sql(`UPDATE customers SET email = 'carol.j@example.test' WHERE id = 2`),
    undo: () => sql(`UPDATE customers SET email = 'carol.jensen@example.test' WHERE id = 2`),
  },
  {
    what: 'a duty covers other fields',
    code: 'decision-new',
    make: () => keepInvoices(lethe, shopId, ['email']),
    undo: () => keepInvoices(lethe, shopId),
  },
  {
    what: 'a hold is placed',
    code: 'decision-new',
    make: async () => {
      const hold = {
        ground: 'gdpr-17-3-e',
        reason: 'A claim is announced.',
        scope: { connectionId: shopId, dataset: 'orders' },
        owner: 'legal',
        reviewOn: '2027-03-01',
      };
      const answer = await lethe.post('/v1/holds', hold);
      expect(answer.status).toBe(201);
      placed = answer.body.id;
    },
    undo: async () => {
      const { status } = await lethe.post(`/v1/holds/${placed}/release`, { reason: 'Settled.' }, { as: 'officer2' });
      expect(status).toBe(200);
    },
  },
  {
    what: 'a plugin is upgraded',
    code: 'plugin-changed',
    make: () => reconfigure(mailing.connectionId, 'upgrade', { version: '1.1.0' }),
    undo: () => reconfigure(mailing.connectionId, 'upgrade', { version: '1.0.0' }),
  },
  {
    what: 'there are more rows than the approved band',
    code: 'count-outside-band',
    make: () => sql(`INSERT INTO orders SELECT n, 1, NULL, '2024-06-01', 1 FROM generate_series(9000, 9020) n`),
    undo: () => sql('DELETE FROM orders WHERE id >= 9000'),
  },
  {
    what: 'a system is registered that nobody can search',
    code: 'unsearched-new',
    make: () =>
      lethe.post(
        '/v1/admin/systems',
        { name: 'Paper files', legalEntity: 'Test shop GmbH', country: 'DE', owner: 'archive', why: 'paper' },
        admin,
      ),
    // A system that is known stays known: the next plan names it.
    undo: () => Promise.resolve(),
  },
];

/** Approves by two with the worker at rest, so that something can happen between approval and first write. */
async function approvedButNotBegun(hash: string, meanwhile: () => Promise<unknown>): Promise<void> {
  const worker = lethe.server.app.get(JobWorker, { strict: false });
  await worker.stop();
  try {
    expect((await approve(lethe, id, hash)).status).toBe(200);
    expect((await approve(lethe, id, hash, 'officer2')).body.status).toBe('approved');
    await meanwhile();
  } finally {
    worker.start();
  }
}

beforeAll(async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'lethe-shop-cluster-'));
  const settings = { log_statement: 'all', log_line_prefix: '%u %x ' };
  cluster = await startPostgres({ dataDir, fast: true, settings });
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
  shop = await openShop({ cluster: cluster.url });
  warehouse = await openWarehouse();
  shopId = await connectPlugin(lethe, { plugin: 'postgres', name: 'shop', ...shop.connection() });
  await connectPlugin(lethe, { plugin: 'duckdb', name: 'warehouse', ...warehouse.connection() });
  mailing = await connectMailing(lethe);
  await installPlugin(lethe, plantPlugin(lethe, '1.1.0'));
  await keepInvoices(lethe, shopId);
  id = await openProven(lethe, 'erasure', [byEmail(CAROL.email)]);
}, 60_000);

afterAll(async () => {
  await lethe.close();
  await Promise.all([shop.drop(), warehouse.remove(), mailing.close()]);
  await cluster.stop();
  for (const folder of [cluster.dataDir, cluster.movedTo])
    if (folder) await rm(folder, { recursive: true, force: true });
});

/** Statements of the connector's role that wrote, or tried to: those with a transaction id, and the words themselves. */
async function writesOf(role: string): Promise<string[]> {
  const log = (await readFile(join(cluster.movedTo ?? cluster.dataDir, 'postgres.log'), 'utf8')).split('\n');
  const own = log.filter((line) => line.startsWith(`${role} `));
  expect(own.length).toBeGreaterThan(5);
  const writing = /: (INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|TRUNCATE)|FOR UPDATE/i;
  return own.filter((line) => !line.startsWith(`${role} 0 `) || writing.test(line));
}

describe('a plan', () => {
  it('writes nothing: no statement in the shop, no byte in the warehouse', async () => {
    const role = String(shop.connection().config['user']);
    const files = await warehouse.fingerprint();
    const rows = await shop.snapshot();
    await shop.takeChanges();
    const plan = await planOf(lethe, id);
    expect(plan.systems).toHaveLength(4);
    expect(await writesOf(role)).toEqual([]);
    expect(await warehouse.fingerprint()).toEqual(files);
    expect(differences(rows, await shop.snapshot())).toEqual([]);
    expect(await shop.takeChanges()).toEqual({});
    expect(mailing.rows.size).toBe(4);
  });
});

describe('an approved plan is not carried out when', () => {
  it.each(changes)('$what before the approval', async ({ code, make, undo }) => {
    const plan = await planOf(lethe, id);
    await make();
    await shop.takeChanges();
    const first = await approve(lethe, id, plan.hash);
    expect([first.status, first.body.code]).toEqual([409, 'plan-changed']);
    expect(first.body.changes.map((one: Answer) => one.code)).toContain(code);
    // The new plan is there to be read and approved.
    const now = (await lethe.get(`/v1/requests/${id}`)).body;
    expect(now).toMatchObject({ status: 'deciding', approvals: 0, plan: { hash: first.body.plan.hash } });
    expect(now.plan.hash).not.toBe(plan.hash);
    expect(await shop.takeChanges()).toEqual({});
    await undo();
  });

  it.each(changes.slice(0, -1))('$what before the first write', async ({ make, undo }) => {
    const plan = await planOf(lethe, id);
    await approvedButNotBegun(plan.hash, async () => {
      await make();
      await shop.takeChanges();
    });
    const back = await requestWhen(lethe, id, hasStatus('deciding', 'acting', 'closed', 'incomplete'));
    expect(back).toMatchObject({ status: 'deciding', approvals: 0, plan: { cause: 'first-write' }, targets: [] });
    expect(back.plan.hash).not.toBe(plan.hash);
    expect(await shop.takeChanges()).toEqual({});
    expect(mailing.rows.size).toBe(4);
    await undo();
  });
});

describe('what is covered by the approval', () => {
  it('runs with more rows inside the band, lists them, and leaves alone what changed hands', async () => {
    const plan = await planOf(lethe, id);
    const other = await shop.snapshot();
    await approvedButNotBegun(plan.hash, async () => {
      await sql(`INSERT INTO orders VALUES (9100, 1, NULL, '2026-11-01', 5), (9101, 1, NULL, '2026-11-01', 6)`);
      await shop.takeChanges();
      // Held until the connector waits for the row: it was located as hers, and is another's when the lock is free.
      await sql('BEGIN');
      await sql('UPDATE orders SET customer_id = 2 WHERE id = 101');
    });
    await waitForLock();
    await sql('COMMIT');
    for (const task of (await requestWhen(lethe, id, (one) => one.tasks.length > 0)).tasks) await completeTask(task);
    const done = await closed(lethe, id);
    const target = done.targets.find((one: Answer) => one.connectionId === shopId);
    expect(target).toMatchObject({ status: 'done', added: 2, verification: { status: 'clean' } });
    expect(outcomesOf(done, shopId)).toEqual(expect.arrayContaining(['orders erased 4', 'orders not-found 0']));
    expect(target.outcomes).toContainEqual(
      expect.objectContaining({ dataset: 'orders', kind: 'not-found', note: 'changed-hands' }),
    );
    const after = await shop.snapshot();
    expect([after.get('orders/9100'), after.get('orders/9101'), after.get('orders/100')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(JSON.parse(after.get('orders/101') ?? '{}')).toMatchObject({ id: 101, customer_id: 2 });
    expect(after.get('order_lines/1007')).toBe(other.get('order_lines/1007'));
    expect(await shop.takeChanges()).toMatchObject({ 'orders/101 UPDATE': 1, 'orders/9100 DELETE': 1 });
  });

  it('is seen by the log that saw nothing of a plan (control)', async () => {
    const written = await writesOf(String(shop.connection().config['user']));
    expect(written.join('\n')).toMatch(/DELETE FROM/);
  });
});

async function waitForLock(): Promise<void> {
  const end = Date.now() + 15_000;
  for (;;) {
    // Within a transaction the view stands still until it is told to look again.
    await sql('SELECT pg_stat_clear_snapshot()');
    const { rows } = await shop.sql.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (rows.length > 0) return;
    if (Date.now() > end) throw new Error('the connector never waited for the row');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** By the admin's hand-picked human: nobody attests what he approved. */
async function completeTask(task: Answer): Promise<void> {
  const body = { outcome: 'nothing-found', proof: 'Looked through all files.' };
  const own = await lethe.post(`/v1/requests/${id}/tasks/${task.id}/complete`, body);
  expect([own.status, own.body.code]).toEqual([409, 'approver-cannot-attest']);
  const done = await lethe.post(`/v1/requests/${id}/tasks/${task.id}/complete`, body, {
    key: await thirdOfficer(lethe),
  });
  expect(done.status).toBe(200);
}
