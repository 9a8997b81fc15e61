/** Who fell silent loses the job within the lease, and can commit nothing afterwards. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations, type InlineRow } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { changeJobs, changeRows, jobChangeTable, type JobChange } from './change-job.js';
import { claimJobs, type ClaimedJob } from './claim-jobs.js';
import { appendFenced, done, enqueue, FenceLost, JobWorker, jobsMigrations, type JobContext } from './index.js';

const LEASE = 400;
const anything = { payload: { parse: (value: unknown) => value } };
let test: TestDatabase;
let store: EventStore;
let tenant: TenantId;
const workers: JobWorker[] = [];

beforeAll(async () => {
  test = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  store = new EventStore(test.database, systemClock);
});
afterAll(() => test.drop());
beforeEach(async () => {
  tenant = randomUUID() as TenantId;
  await test.database.transaction(tenant, (query) => store.open(query, tenant, randomUUID()));
  await append('ErasureApproved.v1', enqueue({ queue: 'erase', key: 'crm', payload: {}, maxAttempts: 3 }));
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop(50, 50)));
});

function append(type: string, rows: InlineRow[]): Promise<unknown> {
  return appendFenced(store, { tenant, actorRef: 'worker', events: [{ stream: 'request/1', type, data: {} }], rows });
}

/** A process that is killed right after its claim: it renews nothing and still believes that the job is its own. */
async function aKilledHolder(lease = LEASE): Promise<ClaimedJob> {
  const one = new Map([['erase', 1]]);
  const claim = {
    tenant,
    now: new Date(),
    capacity: 1,
    slots: one,
    leaseMs: new Map([['erase', lease]]),
    limit: () => ({ concurrency: 1 }),
  };
  const [job] = await claimJobs(test.database, claim);
  if (!job) throw new Error('nothing to claim');
  return job;
}

function aWorker(handler: (context: JobContext) => Promise<unknown>): JobWorker {
  const worker = new JobWorker(store, systemClock, { pollMs: 20 });
  worker.handle('erase', { ...anything, lease: LEASE, perKey: { concurrency: 1 } }, async (_, context) => {
    await handler(context);
    return done();
  });
  workers.push(worker);
  worker.start();
  return worker;
}

const doneBy = (job: ClaimedJob): JobChange => ({
  id: job.id,
  fence: job.fence,
  from: 'running',
  to: 'done',
  finishedAt: new Date(),
});

async function state(): Promise<string | undefined> {
  const { rows } = await test.superuser.query<{ state: string }>('SELECT state FROM job WHERE tenant = $1', [tenant]);
  return rows[0]?.state;
}

async function types(): Promise<string[]> {
  return (await store.read(tenant, 0, 100)).map((event) => event.type);
}

async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await holds());) {
    if (Date.now() > end) throw new Error('it did not become true in time');
    await pause(10);
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a holder that fell silent', () => {
  it('loses the job to another worker when the lease ends, not before, and commits nothing afterwards', async () => {
    const zombie = await aKilledHolder();
    const start = performance.now();
    let took = 0;
    aWorker(() => {
      took = performance.now() - start;
      return Promise.resolve();
    });
    await until(async () => (await state()) === 'done');
    expect(took).toBeGreaterThan(LEASE - 50);
    expect(took).toBeLessThan(LEASE + 2000);
    await expect(append('DatasetErased.v1', changeRows(doneBy(zombie)))).rejects.toThrow(FenceLost);
    expect(await test.database.transaction(tenant, (query) => changeJobs(query, tenant, [doneBy(zombie)]))).toEqual(
      new Set(),
    );
    expect(await types()).toEqual(['ErasureApproved.v1']);
  });

  it('can not commit while another runs the job either, and does not poison its neighbours in the flush', async () => {
    const zombie = await aKilledHolder(1);
    await pause(10);
    const heir = await aKilledHolder(60_000);
    expect(heir.fence).toBe(zombie.fence + 1);
    const results = await Promise.allSettled([
      append('Neighbour.v1', []),
      append('ErasedByZombie.v1', changeRows(doneBy(zombie))),
      append('ErasedByHeir.v1', changeRows(doneBy(heir))),
      append('ErasedTwice.v1', changeRows(doneBy(heir))),
      append('Neighbour.v1', []),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(await types()).toEqual(['ErasureApproved.v1', 'Neighbour.v1', 'ErasedByHeir.v1', 'Neighbour.v1']);
  });

  it('would complete it a second time without the fence (control)', async () => {
    const text = jobChangeTable.text.replace('AND job.fence = c.fence AND job.state = c.from_state', '');
    expect(text).not.toBe(jobChangeTable.text);
    const into = { ...jobChangeTable, name: 'planted_change', text };
    const unguarded = (job: ClaimedJob): InlineRow[] => changeRows(doneBy(job)).map((row) => ({ ...row, into }));
    const zombie = await aKilledHolder(1);
    await pause(10);
    const heir = await aKilledHolder(60_000);
    await append('ErasedByHeir.v1', unguarded(heir));
    await append('ErasedByZombie.v1', unguarded(zombie));
    expect(await types()).toEqual(['ErasureApproved.v1', 'ErasedByHeir.v1', 'ErasedByZombie.v1']);
  });

  it('again and again makes the job dead, because it may be the job that kills', async () => {
    for (let kill = 0; kill < 3; kill += 1) {
      await aKilledHolder(1);
      await pause(10);
    }
    let ran = false;
    aWorker(() => {
      ran = true;
      return Promise.resolve();
    });
    await until(async () => (await state()) === 'dead');
    expect(ran).toBe(false);
    expect((await store.read(tenant, 1, 1))[0]).toMatchObject({
      type: 'JobDied.v1',
      data: { code: 'lease-expired', class: 'crashed' },
    });
  });
});

describe('a running handler', () => {
  it('keeps its lease by heartbeats for as long as it works', async () => {
    let runs = 0;
    const slow = async (): Promise<void> => {
      runs += 1;
      await pause(LEASE * 3);
    };
    aWorker(slow);
    aWorker(slow);
    await until(async () => (await state()) === 'done');
    expect(runs).toBe(1);
  });

  it('commits its facts and its end in one flush, and facts on the way', async () => {
    const worker = new JobWorker(store, systemClock, { pollMs: 20 });
    workers.push(worker);
    worker.handle('erase', anything, async (_, context) => {
      const facts = (type: string) => ({ actorRef: 'worker', events: [{ stream: 'request/1', type, data: {} }] });
      await context.append(facts('DatasetLocated.v1'));
      await context.heartbeat();
      return context.finish(facts('DatasetErased.v1'));
    });
    worker.start();
    await until(async () => (await state()) === 'done');
    expect(await types()).toEqual(['ErasureApproved.v1', 'DatasetLocated.v1', 'DatasetErased.v1']);
  });

  it('learns that it lost the job: its signal aborts, and heartbeat, append and finish are refused', async () => {
    const refused: unknown[] = [];
    let aborted: unknown;
    aWorker(async (context) => {
      await test.superuser.query('UPDATE job SET fence = fence + 1, lease_until = $2 WHERE tenant = $1', [
        tenant,
        new Date(Date.now() + 60_000),
      ]);
      const facts = { actorRef: 'worker', events: [{ stream: 'request/1', type: 'DatasetErased.v1', data: {} }] };
      for (const act of [() => context.append(facts), () => context.finish(facts), () => context.heartbeat()]) {
        await act().catch((error: unknown) => refused.push(error));
      }
      aborted = context.signal.reason;
    });
    await until(() => aborted !== undefined);
    expect(refused.map((error) => error instanceof FenceLost)).toEqual([true, true, true]);
    expect(aborted).toBeInstanceOf(FenceLost);
    expect(await types()).toEqual(['ErasureApproved.v1']);
  });
});
