/** Control of the simulation: the ledger and the jobs in memory are held to one contract with those on PostgreSQL. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, systemClock, type TenantId } from '#kernel';
import {
  appendFenced,
  cancelJob,
  enqueue,
  enqueueIn,
  FenceLost,
  jobsMigrations,
  readDeadJob,
  retryDeadJob,
} from '#jobs';
import { AlreadyDone, EventStore, ledgerMigrations, VersionConflict, type Append, type Database } from '#ledger';
import { changeJobs, changeRows } from '../../libs/jobs/src/change-job.js';
import { claimJobs, type ClaimedJob } from '../../libs/jobs/src/claim-jobs.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';
import { openLog } from '../support/ledger-fixture.js';
import { Chance } from './chance.js';
import { Machine } from './machine.js';
import { MemoryLedger, TENANT } from './memory-ledger.js';

interface Subject {
  store: EventStore;
  database: Database;
  tenant: TenantId;
}

const QUEUE = 'contract';
const LEASE_MS = 50;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function inMemory(): Subject {
  const ledger = new MemoryLedger(() => Date.now());
  const machine = new Machine('one', ledger, systemClock, new Chance(1), { readParks: 0, storeFails: 0 });
  // Nobody holds anything back here.
  machine.park = () => Promise.resolve();
  return { store: machine.store, database: machine.database, tenant: TENANT };
}

const kinds = ['memory', 'PostgreSQL'] as const;

describe.each(kinds)('the ledger and its jobs in %s', (kind) => {
  let db: TestDatabase | undefined;
  let at: Subject;

  beforeAll(async () => {
    if (kind === 'PostgreSQL') db = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  });
  afterAll(() => db?.drop());
  beforeEach(async () => {
    if (!db) at = inMemory();
    else {
      const store = new EventStore(db.database, systemClock);
      at = { store, database: db.database, tenant: await openLog(store) };
    }
  });

  const append = (more: Partial<Append> = {}): Append => ({
    ...{ tenant: at.tenant, actorRef: 'staff-1', events: [{ stream: 's', type: 'Counted.v1', data: { n: 1 } }] },
    ...more,
  });
  const job = (id: string, more: object = {}) => enqueue({ id, queue: QUEUE, payload: { id }, ...more });
  const claim = (concurrency?: number): Promise<ClaimedJob[]> =>
    claimJobs(at.database, {
      ...{ tenant: at.tenant, now: new Date(), capacity: 8, slots: new Map([[QUEUE, 8]]) },
      leaseMs: new Map([[QUEUE, LEASE_MS]]),
      limit: () => (concurrency === undefined ? {} : { concurrency }),
    });
  const finish = ({ id, fence }: ClaimedJob) =>
    appendFenced(
      at.store,
      append({ rows: changeRows({ id, fence, from: 'running', to: 'done', finishedAt: new Date() }) }),
    );
  const length = async (): Promise<number> => (await at.store.read(at.tenant, 0, 100)).length;

  it('numbers positions and versions densely, and reads back what was appended', async () => {
    const other = { stream: 't', type: 'Counted.v1', data: { deep: { a: [1, null] } }, occurredAt: new Date(0) };
    const { firstPosition, lastPosition } = await at.store.append(append({ events: [...append().events, other] }));
    expect([firstPosition, lastPosition]).toEqual([0, 1]);
    await at.store.append(append());
    const rows = await at.store.read(at.tenant, 0, 10);
    expect(rows.map(({ position, stream, version }) => [position, stream, version])).toEqual([
      [0, 's', 1],
      [1, 't', 1],
      [2, 's', 2],
    ]);
    const [second] = await at.store.load(at.tenant, 't');
    expect(second).toMatchObject({ data: other.data, occurredAt: '1970-01-01T00:00:00.000Z', actorRef: 'staff-1' });
  });

  it('refuses another version than expected, whole', async () => {
    await at.store.append(append({ expect: { s: 0 } }));
    const stale = append({ expect: { s: 0 }, rows: job(newId()) });
    await expect(at.store.append(stale)).rejects.toThrow(VersionConflict);
    expect([await length(), await claim()]).toEqual([1, []]);
  });

  it('answers a repeated key with the first answer, and appends nothing', async () => {
    const idempotency = { key: Buffer.from(newId()), fingerprint: Buffer.from('f') };
    const once = append({ idempotency, respond: () => ({ status: 201, body: { id: 'one' } }), expect: { s: 0 } });
    await at.store.append(once);
    const again = { ...once, respond: () => ({ status: 201, body: { id: 'two' } }) };
    await expect(at.store.append(again)).rejects.toBeInstanceOf(AlreadyDone);
    await expect(at.store.append(again)).rejects.toMatchObject({ status: 201, body: { id: 'one' } });
    expect(await length()).toBe(1);
  });

  it('takes what cannot be written down from nobody', async () => {
    const data = { half: '\ud800' };
    const bad = async (): Promise<unknown> =>
      at.store.append(append({ events: [{ stream: 's', type: 'Counted.v1', data }] }));
    await expect(bad()).rejects.toThrow();
    expect(await length()).toBe(0);
  });

  it('runs a job once it exists, once per dedupe key, and not before its time', async () => {
    const [first, later] = [newId(), newId()];
    const rows = [
      ...job(first, { dedupeKey: 'd' }),
      ...job(newId(), { dedupeKey: 'd' }),
      ...job(later, { runAt: new Date(Date.now() + 60_000) }),
    ];
    await at.store.append(append({ rows }));
    await at.database.transaction(at.tenant, (query) =>
      enqueueIn(query, at.tenant, [{ queue: QUEUE, payload: {}, dedupeKey: 'd' }], new Date()),
    );
    const claimed = await claim();
    expect(claimed).toMatchObject([{ id: first, attempts: 1, fence: 1, generation: 0, dedupeKey: 'd' }]);
    expect(await claim()).toEqual([]);
  });

  it('starts no more of a key at once than it may', async () => {
    await at.store.append(
      append({ rows: [...job(newId(), { key: 'k' }), ...job(newId(), { key: 'k' }), ...job(newId(), { key: 'l' })] }),
    );
    expect((await claim(1)).map(({ key }) => key).sort()).toEqual(['k', 'l']);
    expect(await claim(1)).toEqual([]);
  });

  it('gives a job whose holder fell silent to another, and takes nothing from the first one any more', async () => {
    const id = newId();
    await at.store.append(append({ rows: job(id) }));
    const [slow] = await claim();
    await pause(LEASE_MS + 20);
    const [fast] = await claim();
    expect(fast).toMatchObject({ id, attempts: 2, fence: 2 });
    await expect(finish(slow!)).rejects.toBeInstanceOf(FenceLost);
    expect(await length()).toBe(1);
    await finish(fast!);
    await expect(finish(fast!)).rejects.toBeInstanceOf(FenceLost);
    expect(await length()).toBe(2);
  });

  it('lets an officer try a dead job again as another generation, and nobody run a cancelled one', async () => {
    const [died, cancelled] = [newId(), newId()];
    await at.store.append(append({ rows: [...job(died), ...job(cancelled)] }));
    const [one] = (await claim()).filter(({ id }) => id === died);
    const change = { id: died, fence: one!.fence, from: 'running', to: 'dead', errorCode: 'no' } as const;
    await at.database.transaction(at.tenant, (query) =>
      changeJobs(query, at.tenant, [{ ...change, finishedAt: new Date() }]),
    );
    await at.store.append(append({ rows: [cancelJob(cancelled)] }));
    const dead = await readDeadJob(at.database, at.tenant, died);
    expect(dead).toMatchObject({ state: 'dead', errorCode: 'no', generation: 0 });
    await expect(readDeadJob(at.database, at.tenant, cancelled)).rejects.toMatchObject({ status: 404 });
    const decision = retryDeadJob(dead, new Date(Date.now() - 1));
    await appendFenced(at.store, append({ ...decision }));
    await pause(LEASE_MS + 20);
    expect(await claim()).toMatchObject([{ id: died, attempts: 1, generation: 1 }]);
  });
});
