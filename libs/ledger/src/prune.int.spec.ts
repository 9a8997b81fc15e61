/** What the ledger forgets: answers by age, checkpoints but the last of each day; and what it finds by type, step by step. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { counted, createLedgerDatabase, openLog } from '../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../test/support/test-database.js';
import { declareEvents } from './event.js';
import { readOfType } from './ledger.queries.js';
import { forgetAnswers, thinCheckpoints } from './prune.js';
import { EventStore } from './store/event-store.js';

declareEvents('Named.v1');

const DAY = 86_400_000;
const first = Date.UTC(2026, 0, 1, 12);

let db: TestDatabase;
let store: EventStore;
beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock);
});
afterAll(() => db.drop());

/** Three checkpoints a day, on five days. */
async function withCheckpoints(): Promise<TenantId> {
  const tenant = await openLog(store);
  for (let at = 0; at < 15; at += 1)
    await db.superuser.query('INSERT INTO checkpoint (tenant, size, note, signed_at) VALUES ($1, $2, $3, $4)', [
      ...[tenant, at + 1, '', new Date(first + Math.floor(at / 3) * DAY + (at % 3) * 3_600_000)],
    ]);
  return tenant;
}

async function sizes(tenant: TenantId): Promise<number[]> {
  const { rows } = await db.superuser.query<{ size: number }>(
    'SELECT size::int FROM checkpoint WHERE tenant = $1 ORDER BY size',
    [tenant],
  );
  return rows.map(({ size }) => size);
}

describe('checkpoints', () => {
  it.each([1_000, 4, 3, 2])('keep the last one of each day, and all that are young, in steps of %i', async (limit) => {
    const tenant = await withCheckpoints();
    const other = await withCheckpoints();
    const before = new Date(first + 3 * DAY);
    expect(await thinCheckpoints(db.database, tenant, before, limit)).toBe(6);
    expect(await sizes(tenant)).toEqual([3, 6, 9, 10, 11, 12, 13, 14, 15]);
    expect(await thinCheckpoints(db.database, tenant, before, limit)).toBe(0);
    expect(await sizes(other)).toHaveLength(15);
  });

  it('keep the newest one, however old it is', async () => {
    const tenant = await withCheckpoints();
    await thinCheckpoints(db.database, tenant, new Date(first + 900 * DAY));
    expect(await sizes(tenant)).toEqual([3, 6, 9, 12, 15]);
  });
});

describe('kept answers', () => {
  it('are forgotten by age, no more than asked for at once', async () => {
    const tenant = await openLog(store);
    for (let at = 0; at < 5; at += 1)
      await db.superuser.query(
        'INSERT INTO idempotency (tenant, key, fingerprint, status, response, created_at) VALUES ($1, $2, $2, 200, $3, $4)',
        [tenant, Buffer.from([at]), '{}', new Date(first + at * DAY)],
      );
    const before = new Date(first + 3 * DAY);
    expect(await forgetAnswers(db.database, tenant, before, 2)).toBe(2);
    expect(await forgetAnswers(db.database, tenant, before, 2)).toBe(1);
    const { rows } = await db.superuser.query<{ key: Buffer }>('SELECT key FROM idempotency WHERE tenant = $1', [
      tenant,
    ]);
    expect(new Set(rows.map(({ key }) => key[0]))).toEqual(new Set([3, 4]));
  });
});

describe('events of a type', () => {
  it.each([1, 3, 1_000])('are found over the whole log, in steps of %i', async (window) => {
    const tenant = await openLog(store);
    for (let at = 0; at < 10; at += 1) await store.append(counted(tenant, `stream-${at}`));
    for (const stream of ['a', 'b'])
      await store.append({ tenant, actorRef: 'staff-1', events: [{ stream, type: 'Named.v1', data: {} }] });
    await store.append(counted(tenant, 'last'));
    const found = await readOfType(db.database, tenant, 'Named.v1', { window });
    expect(found.map(({ position, stream }) => [position, stream])).toEqual([
      [10, 'a'],
      [11, 'b'],
    ]);
  });
});
