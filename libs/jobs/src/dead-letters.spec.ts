/** What an officer decides about a dead job is one flush: the fact and the state, once. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestClock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import {
  acceptDeadJob,
  againKey,
  appendFenced,
  dead,
  done,
  enqueue,
  FenceLost,
  JobWorker,
  jobsMigrations,
  listDeadJobs,
  readDeadJob,
  retryDeadJob,
  turnJobManual,
  type DeadJob,
  type Job,
  type JobDecision,
} from './index.js';

const clock = new TestClock(new Date('2026-11-22T12:00:00Z'));
let test: TestDatabase;
let store: EventStore;

beforeAll(async () => {
  test = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  store = new EventStore(test.database, clock);
});
afterAll(() => test.drop());

async function run(tenant: TenantId, passes: boolean): Promise<Job[]> {
  const ran: Job[] = [];
  const worker = new JobWorker(store, clock, { pollMs: 20 });
  worker.handle('erase', { payload: { parse: (value) => value } }, (job) => {
    ran.push(job);
    return Promise.resolve(passes ? done() : dead('schema-changed'));
  });
  worker.start();
  worker.wake(tenant);
  for (let tries = 0; ran.length === 0 && tries < 300; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await worker.stop();
  return ran;
}

async function begin(tenant: TenantId, dedupeKey: string): Promise<void> {
  const rows = enqueue({ queue: 'erase', key: 'crm', payload: { requestId: 'r1' }, dedupeKey });
  await store.append({
    tenant,
    actorRef: 'officer',
    events: [{ stream: 'request/1', type: 'ErasureApproved.v1', data: {} }],
    rows,
  });
}

async function aDeadJob(): Promise<{ tenant: TenantId; job: DeadJob }> {
  const tenant = randomUUID() as TenantId;
  await test.database.transaction(tenant, (query) => store.open(query, tenant, randomUUID()));
  await begin(tenant, 'r1:crm');
  await run(tenant, false);
  const [job] = await listDeadJobs(test.database, tenant);
  if (!job) throw new Error('no dead job');
  return { tenant, job };
}

const decide = (tenant: TenantId, decision: JobDecision): Promise<unknown> =>
  appendFenced(store, { tenant, actorRef: 'officer', ...decision });

async function lastFact(tenant: TenantId): Promise<unknown> {
  const { type, data } = (await store.read(tenant, 0, 100)).at(-1)!;
  return { type, data };
}

describe('a dead job', () => {
  it('is seen by its own tenant, with code and ids', async () => {
    const { tenant, job } = await aDeadJob();
    expect(job).toMatchObject({
      queue: 'erase',
      key: 'crm',
      state: 'dead',
      payload: { requestId: 'r1' },
      errorCode: 'schema-changed',
      errorClass: 'permanent',
      diedAt: clock.now(),
    });
    const { tenant: other } = await aDeadJob();
    await expect(readDeadJob(test.database, other, job.id)).rejects.toMatchObject({ status: 404 });
    expect((await readDeadJob(test.database, tenant, job.id)).id).toBe(job.id);
    expect(await listDeadJobs(test.database, tenant, { limit: 10, after: job.id })).toEqual([]);
  });

  it('runs again as a new generation, from the first attempt', async () => {
    const { tenant, job } = await aDeadJob();
    await decide(tenant, retryDeadJob(job, clock.now()));
    const ran = await run(tenant, true);
    expect(ran).toMatchObject([{ id: job.id, generation: 1, attempts: 1 }]);
    expect(await listDeadJobs(test.database, tenant)).toEqual([]);
    expect(await lastFact(tenant)).toMatchObject({
      type: 'JobRetried.v1',
      data: { jobId: job.id, generation: 1, dedupeKey: 'r1:crm' },
    });
  });

  it('needs nobody once the job that stands in for it is done, or is dead in its place', async () => {
    const { tenant, job } = await aDeadJob();
    await begin(tenant, againKey('r1:crm', job.id));
    expect(await listDeadJobs(test.database, tenant)).toEqual([job]);
    await run(tenant, false);
    const [second, ...others] = await listDeadJobs(test.database, tenant);
    expect([second?.dedupeKey, others]).toEqual([againKey('r1:crm', job.id), []]);
    await begin(tenant, againKey('r1:crm', second!.id));
    await run(tenant, true);
    expect(await listDeadJobs(test.database, tenant)).toEqual([]);
  });

  it('is handed to a human, who may still accept it', async () => {
    const { tenant, job } = await aDeadJob();
    await decide(tenant, turnJobManual(job, clock.now()));
    expect(await lastFact(tenant)).toMatchObject({ type: 'JobTurnedManual.v1' });
    const manual = await readDeadJob(test.database, tenant, job.id);
    expect(manual.state).toBe('manual');
    await decide(tenant, acceptDeadJob(manual, { code: 'system-retired', sealed: 'c2VhbGVk' }, clock.now()));
    expect(await lastFact(tenant)).toMatchObject({
      type: 'JobAccepted.v1',
      data: { reasonCode: 'system-retired', reasonSealed: 'c2VhbGVk' },
    });
    await expect(readDeadJob(test.database, tenant, job.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is decided once: of two officers at the same time one is told to look again', async () => {
    const { tenant, job } = await aDeadJob();
    const { size } = await store.head(tenant);
    const both = [
      decide(tenant, retryDeadJob(job, clock.now())),
      decide(tenant, acceptDeadJob(job, { code: 'not-needed' }, clock.now())),
    ];
    const [retried, accepted] = await Promise.allSettled(both);
    expect(retried?.status).toBe('fulfilled');
    expect(accepted).toMatchObject({ status: 'rejected', reason: { status: 409, code: 'job-changed' } });
    expect((accepted as PromiseRejectedResult).reason).toBeInstanceOf(FenceLost);
    expect((await store.head(tenant)).size).toBe(size + 1);
  });
});
