/** Claims race each other, officers and kills: a job is held once, and limits hold across processes. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { claimJobs, type Claim, type ClaimedJob } from './claim-jobs.js';
import { done, enqueueIn, JobWorker, jobsMigrations } from './index.js';

let test: TestDatabase;
let store: EventStore;
let tenant: TenantId;

beforeAll(async () => {
  test = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  store = new EventStore(test.database, systemClock);
});
afterAll(() => test.drop());
beforeEach(async () => {
  tenant = randomUUID() as TenantId;
  await test.database.transaction(tenant, (query) => store.open(query, tenant, randomUUID()));
});

async function fill(count: number, runAt = new Date()): Promise<void> {
  const jobs = Array.from({ length: count }, () => ({ queue: 'erase', key: 'crm', payload: {}, runAt }));
  await test.database.transaction(tenant, (query) => enqueueIn(query, tenant, jobs, new Date()));
}

function claim(over: Partial<Claim> = {}): Promise<ClaimedJob[]> {
  const one = {
    tenant,
    now: new Date(),
    capacity: 8,
    slots: new Map([['erase', 8]]),
    leaseMs: new Map([['erase', 60_000]]),
  };
  return claimJobs(test.database, { ...one, limit: () => ({}), ...over });
}

async function due(): Promise<unknown> {
  const { rows } = await test.superuser.query<{ next: unknown }>(
    'SELECT next_run_at AS next FROM job_due WHERE tenant = $1',
    [tenant],
  );
  return rows[0]?.next;
}

describe('claims at the same time', () => {
  it('hold each job once, and together no more of a key than its limit', async () => {
    for (let round = 0; round < 5; round += 1) {
      await fill(20);
      const claimed = (
        await Promise.all(Array.from({ length: 6 }, () => claim({ limit: () => ({ concurrency: 3 }) })))
      ).flat();
      expect(claimed).toHaveLength(3);
      await test.superuser.query('DELETE FROM job WHERE tenant = $1', [tenant]);
    }
    await fill(40);
    const claimed = (await Promise.all(Array.from({ length: 8 }, () => claim()))).flat();
    expect(new Set(claimed.map((job) => job.id)).size).toBe(40);
    expect(claimed).toHaveLength(40);
  });

  it('do not start a job that is cancelled after they saw it', async () => {
    await fill(1);
    let cancelled: Promise<unknown> = Promise.resolve();
    const limit = (): object => {
      cancelled = test.superuser.query(`UPDATE job SET state = 'cancelled' WHERE tenant = $1`, [tenant]);
      // The claim decides synchronously between its reads and its write: the cancellation lands in between.
      for (const end = performance.now() + 200; performance.now() < end;);
      return {};
    };
    expect(await claim({ limit })).toEqual([]);
    await cancelled;
  });
});

describe('the time a tenant is due', () => {
  it('is that of the earliest job left, however long the lane is', async () => {
    const inAYear = new Date('2027-11-22T12:00:00Z');
    await fill(40, inAYear);
    expect(await claim()).toEqual([]);
    expect(await due()).toEqual(inAYear);
    await fill(1);
    expect(await claim()).toHaveLength(1);
    expect(await due()).toEqual(inAYear);
  });

  it('stays now while jobs are left behind those that were read', async () => {
    await fill(17);
    expect(await claim({ capacity: 16, slots: new Map([['erase', 16]]) })).toHaveLength(16);
    expect(await due()).toBeInstanceOf(Date);
    expect(await claim()).toHaveLength(1);
    expect(await due()).toBe(Infinity);
  });
});

describe('a process that is killed while it holds a job', () => {
  it('is followed by another worker within 15 seconds', async () => {
    await fill(1);
    const child = spawn(process.execPath, ['--input-type=module', '-e', holder], {
      env: { URL: test.urls.appUrl, TENANT: tenant },
      cwd: process.cwd(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const start = performance.now();
    const worker = new JobWorker(store, systemClock);
    const attempts = await new Promise<number>((resolve) => {
      worker.handle('erase', { payload: { parse: (value) => value } }, (job) => {
        resolve(job.attempts);
        return Promise.resolve(done());
      });
      worker.start();
    });
    await worker.stop();
    expect(attempts).toBe(2);
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(performance.now() - start).toBeGreaterThan(8000);
  });
});

/** What a worker's process holds at the moment it dies: a claim under the default lease, and a transaction that blocks others. */
const holder = `
  import { Client } from 'pg';
  const client = new Client({ connectionString: process.env.URL });
  await client.connect();
  await client.query('BEGIN');
  await client.query("SELECT set_config('lethe.tenant', $1, true)", [process.env.TENANT]);
  await client.query("UPDATE job SET state = 'running', attempts = 1, fence = 1, lease_until = clock_timestamp() + interval '10 seconds'");
  await client.query("UPDATE job_due SET next_run_at = 'infinity', next_lease_at = clock_timestamp() + interval '10 seconds' WHERE tenant = $1", [process.env.TENANT]);
  await client.query('COMMIT');
  await client.query('BEGIN');
  await client.query("SELECT set_config('lethe.tenant', $1, true)", [process.env.TENANT]);
  await client.query('SELECT * FROM job_due WHERE tenant = $1 FOR UPDATE', [process.env.TENANT]);
  console.log('held');
  setInterval(() => undefined, 1000);
`;
