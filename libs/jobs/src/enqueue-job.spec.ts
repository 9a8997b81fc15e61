/** A job exists if and only if the append that causes it does, once per dedupe key, behind its tenant's wall. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NotCanonical, TestClock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations, VersionConflict } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import {
  cancelJob,
  done,
  enqueue,
  enqueueIn,
  JobWorker,
  jobsMigrations,
  removeFinishedJobs,
  type NewJob,
} from './index.js';

const clock = new TestClock(new Date('2026-11-22T12:00:00Z'));
let test: TestDatabase;
let store: EventStore;

beforeAll(async () => {
  test = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  store = new EventStore(test.database, clock);
});
afterAll(() => test.drop());

async function aTenant(): Promise<TenantId> {
  const tenant = randomUUID() as TenantId;
  await test.database.transaction(tenant, (query) => store.open(query, tenant, randomUUID()));
  return tenant;
}

const aJob = (over: Partial<NewJob> = {}): NewJob => ({
  queue: 'erase',
  key: 'crm',
  payload: { requestId: 'r1' },
  ...over,
});

function append(
  tenant: TenantId,
  job: NewJob,
  stream: string = randomUUID(),
  expect?: Record<string, number>,
): Promise<unknown> {
  const events = [{ stream, type: 'ErasureApproved.v1', data: {} }];
  return store.append({ tenant, actorRef: 'officer', events, rows: enqueue(job), ...(expect ? { expect } : {}) });
}

async function count(tenant: TenantId, seenBy = tenant): Promise<number> {
  const { rows } = await test.database.fetch<{ n: number }>(seenBy, {
    text: 'SELECT count(*) AS n FROM job WHERE tenant = $1',
    values: [tenant],
  });
  return rows[0]!.n;
}

describe('a job enqueued with an append', () => {
  it('is there when the append resolves, due at its time', async () => {
    const tenant = await aTenant();
    await append(tenant, aJob());
    const { rows } = await test.superuser.query('SELECT * FROM job WHERE tenant = $1', [tenant]);
    expect(rows).toMatchObject([
      { queue: 'erase', concurrency_key: 'crm', payload: '{"requestId":"r1"}', state: 'ready', run_at: clock.now() },
    ]);
    expect((await test.superuser.query('SELECT * FROM job_due WHERE tenant = $1', [tenant])).rows).toMatchObject([
      { next_run_at: clock.now() },
    ]);
  });

  it('is due by the clock, also when the log has seen a clock that ran ahead', async () => {
    const tenant = await aTenant();
    clock.advance(40 * 86_400_000);
    await store.append({
      tenant,
      actorRef: 'officer',
      events: [{ stream: 'a', type: 'ErasureApproved.v1', data: {} }],
    });
    clock.advance(-40 * 86_400_000);
    await append(tenant, aJob());
    const { rows } = await test.superuser.query('SELECT run_at FROM job WHERE tenant = $1', [tenant]);
    expect(rows).toEqual([{ run_at: clock.now() }]);
  });

  it('is not there when the append is refused', async () => {
    const tenant = await aTenant();
    await append(tenant, aJob(), 'request/1');
    await expect(append(tenant, aJob(), 'request/1', { 'request/1': 0 })).rejects.toThrow(VersionConflict);
    expect(await count(tenant)).toBe(1);
  });

  it('is not there when the flush is rolled back by the database', async () => {
    const tenant = await aTenant();
    await append(tenant, aJob());
    // Planted: the table takes one event only, so the second append fails in the database with its job already on the wire.
    await test.superuser.query(
      `ALTER TABLE event ADD CONSTRAINT planted CHECK (tenant <> '${tenant}' OR position < 1) NOT VALID`,
    );
    await expect(append(tenant, aJob())).rejects.toMatchObject({ constraint: 'planted' });
    expect(await count(tenant)).toBe(1);
    expect((await store.head(tenant)).size).toBe(1);
  });

  it('is one job per dedupe key, in one batch and later', async () => {
    const tenant = await aTenant();
    const job = aJob({ dedupeKey: 'r1:crm:erase' });
    await Promise.all([append(tenant, job), append(tenant, job), append(tenant, aJob({ dedupeKey: 'r1:crm:verify' }))]);
    await append(tenant, job);
    await test.database.transaction(tenant, (query) => enqueueIn(query, tenant, [job, job], clock.now()));
    expect(await count(tenant)).toBe(2);
    const other = await aTenant();
    await append(other, job);
    expect(await count(other)).toBe(1);
  });

  it('is refused before the flush when its payload can not be stored', () => {
    expect(() => enqueue(aJob({ payload: { text: 'a\0b' } }))).toThrow(NotCanonical);
  });

  it('stays behind the wall of its tenant', async () => {
    const tenant = await aTenant();
    await append(tenant, aJob());
    expect(await count(tenant, await aTenant())).toBe(0);
    expect(await count(tenant)).toBe(1);
  });

  it('is gone from a rolled back transaction, and stays in a committed one', async () => {
    const tenant = await aTenant();
    const failing = test.database.transaction(tenant, async (query) => {
      await enqueueIn(query, tenant, [aJob()], clock.now());
      throw new Error('planted');
    });
    await expect(failing).rejects.toThrow('planted');
    expect(await count(tenant)).toBe(0);
    await test.database.transaction(tenant, (query) => enqueueIn(query, tenant, [aJob(), aJob()], clock.now()));
    expect(await count(tenant)).toBe(2);
  });

  it('can be cancelled by a fact, and is removed when it ended long ago', async () => {
    const tenant = await aTenant();
    const id = randomUUID();
    await append(tenant, aJob({ id }));
    const events = [{ stream: 'request/2', type: 'RequestWithdrawn.v1', data: {} }];
    await store.append({ tenant, actorRef: 'officer', events, rows: [cancelJob(id)] });
    expect((await test.superuser.query('SELECT state FROM job WHERE id = $1', [id])).rows).toEqual([
      { state: 'cancelled' },
    ]);
    expect(await removeFinishedJobs(test.database, tenant, clock.now())).toBe(0);
    expect(await removeFinishedJobs(test.database, tenant, new Date(clock.now().getTime() + 1))).toBe(1);
  });
});

describe('a job of a year ahead', () => {
  it('runs when the clock passes its date, and not a day before', async () => {
    const tenant = await aTenant();
    const runAt = new Date('2027-11-22T12:00:00Z');
    const ran: Date[] = [];
    const worker = new JobWorker(store, clock, { pollMs: 20 });
    worker.handle('horizon', { payload: { parse: (value) => value } }, () => {
      ran.push(clock.now());
      return Promise.resolve(done());
    });
    worker.start();
    await append(tenant, aJob({ queue: 'horizon', runAt }));
    for (const day of ['2026-11-23', '2027-11-21']) {
      clock.set(new Date(`${day}T12:00:00Z`));
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(ran).toEqual([]);
    }
    clock.set(runAt);
    for (let tries = 0; ran.length === 0 && tries < 200; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
    await worker.stop();
    expect(ran).toEqual([runAt]);
  });
});
