/** Limits across workers, isolation of what fails, dead letters, and a graceful stop, on a real PostgreSQL. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError, newId, systemClock, TestClock, type Clock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import {
  dead,
  done,
  enqueue,
  JobWorker,
  jobsMigrations,
  later,
  readTroubledJobs,
  retry,
  type NewJob,
  type WorkerOptions,
} from './index.js';

let test: TestDatabase;
let store: EventStore;
let tenant: TenantId;
const workers: JobWorker[] = [];
const anything = { payload: { parse: (value: unknown) => value as { n: number } } };

beforeAll(async () => {
  test = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  store = new EventStore(test.database, systemClock);
});
afterAll(() => test.drop());
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop(100, 100)));
  // A worker serves all tenants: what one test left over must not run in the next.
  await test.superuser.query('DELETE FROM job');
});

async function enqueueAll(jobs: Partial<NewJob>[], time: Clock = systemClock): Promise<void> {
  tenant = randomUUID() as TenantId;
  const fresh = new EventStore(test.database, time);
  await test.database.transaction(tenant, (query) => fresh.open(query, tenant, randomUUID()));
  const rows = jobs.flatMap((job, n) => enqueue({ queue: 'erase', key: 'crm', payload: { n }, ...job }));
  await fresh.append({
    tenant,
    actorRef: 'officer',
    events: [{ stream: 'request/1', type: 'ErasureApproved.v1', data: {} }],
    rows,
  });
}

function aWorker(options: WorkerOptions = {}, time: Clock = systemClock): JobWorker {
  const worker = new JobWorker(store, time, { pollMs: 20, ...options });
  workers.push(worker);
  return worker;
}

async function states(): Promise<Record<string, number>> {
  const { rows } = await test.superuser.query<{ state: string; n: string }>(
    'SELECT state, count(*) AS n FROM job WHERE tenant = $1 GROUP BY 1',
    [tenant],
  );
  return Object.fromEntries(rows.map((row) => [row.state, Number(row.n)]));
}

async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !(await holds());) {
    if (Date.now() > end) throw new Error('it did not become true in time');
    await pause(10);
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('two workers', () => {
  it('run each job once, and no more jobs of a key at once than it may have', async () => {
    const runs: number[] = [];
    let together = 0;
    let most = 0;
    await enqueueAll([
      ...Array.from({ length: 30 }, () => ({})),
      ...Array.from({ length: 10 }, () => ({ key: 'shop', queue: 'mail' })),
    ]);
    for (const worker of [aWorker(), aWorker()]) {
      worker.handle('erase', { ...anything, perKey: { concurrency: 3 } }, async (job) => {
        runs.push(job.payload.n);
        most = Math.max(most, ++together);
        await pause(15);
        together -= 1;
        return done();
      });
      worker.handle('mail', anything, (job) => {
        runs.push(job.payload.n);
        return Promise.resolve(done());
      });
      worker.start();
    }
    await until(async () => (await states())['done'] === 40);
    expect(most).toBe(3);
    expect([...runs].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('share the token bucket of a key', async () => {
    const clock = new TestClock(new Date('2026-11-22T12:00:00Z'));
    const runs: number[] = [];
    await enqueueAll(
      Array.from({ length: 20 }, () => ({})),
      clock,
    );
    for (const worker of [aWorker({}, clock), aWorker({}, clock)]) {
      worker.handle('erase', { ...anything, perKey: { perSecond: 2, burst: 5 } }, (job) => {
        runs.push(job.payload.n);
        return Promise.resolve(done());
      });
      worker.start();
    }
    await until(() => runs.length >= 5);
    await pause(150);
    expect(runs).toHaveLength(5);
    clock.advance(2000);
    await until(() => runs.length >= 9);
    await pause(150);
    expect(runs).toHaveLength(9);
  });
});

describe('a failing job', () => {
  it('does not keep others waiting, and is dead after its last attempt, with the fact', async () => {
    const attempts = { crm: 0 };
    const finished: number[] = [];
    await enqueueAll([
      ...Array.from({ length: 5 }, () => ({})),
      ...Array.from({ length: 20 }, () => ({ key: 'shop' })),
    ]);
    const worker = aWorker({ chance: () => 0.5 });
    const options = { ...anything, perKey: { concurrency: 2 }, maxAttempts: 3, backoff: { baseMs: 40, maxMs: 80 } };
    worker.handle('erase', options, (job) => {
      if (job.key === 'crm') {
        attempts.crm += 1;
        throw new DomainError(503, 'vendor-down', 'planted');
      }
      finished.push(job.payload.n);
      return Promise.resolve(done());
    });
    worker.start();
    await until(async () => (await states())['ready'] === undefined && (await states())['running'] === undefined);
    expect(await states()).toEqual({ dead: 5, done: 20 });
    expect(finished).toHaveLength(20);
    expect(attempts.crm).toBe(15);
    const died = (await store.read(tenant, 0, 100)).filter((event) => event.type === 'JobDied.v1');
    expect(died).toHaveLength(5);
    expect(died[0]?.data).toMatchObject({
      queue: 'erase',
      key: 'crm',
      attempts: 3,
      code: 'vendor-down',
      class: 'exhausted',
    });
  });

  it('with a payload its handler can not read is dead at once, and nothing of the payload is told', async () => {
    const troubles: unknown[] = [];
    await enqueueAll([{ payload: { email: 'planted@example.test' } }]);
    const worker = aWorker({ trouble: (...trouble) => troubles.push(trouble) });
    const parse = (value: unknown): never => {
      throw new Error(`can not read ${JSON.stringify(value)}`);
    };
    worker.handle('erase', { payload: { parse } }, () => Promise.resolve(done()));
    worker.start();
    await until(async () => (await states())['dead'] === 1);
    const log = JSON.stringify([troubles, await store.read(tenant, 0, 100)]);
    expect(log).toContain('payload-invalid');
    expect(log).not.toContain('planted@');
  });

  it('that threw something unexpected keeps its class name and no message', async () => {
    await enqueueAll([{ maxAttempts: 1 }]);
    const worker = aWorker();
    worker.handle('erase', anything, () => Promise.reject(new TypeError('planted@example.test')));
    worker.start();
    await until(async () => (await states())['dead'] === 1);
    const { rows } = await test.superuser.query('SELECT last_error_code, last_error_class FROM job WHERE tenant = $1', [
      tenant,
    ]);
    expect(rows).toEqual([{ last_error_code: 'unexpected-TypeError', last_error_class: 'exhausted' }]);
  });
});

describe('a handler', () => {
  it('may wait as the vendor asks, look again later without counting, and give up', async () => {
    const clock = new TestClock(new Date('2026-11-22T12:00:00Z'));
    const seen: [number, string][] = [];
    const id = newId();
    await enqueueAll([{ id, maxAttempts: 2 }], clock);
    const trouble = async (): Promise<string[]> =>
      (await readTroubledJobs(test.database, tenant, [id])).map(({ code }) => code);
    const worker = aWorker({}, clock);
    const answers = [
      retry('rate-limited', 60_000),
      later(new Date('2027-01-01T00:00:00Z')),
      retry('busy', 0),
      dead('legal-hold', 'refused'),
    ];
    worker.handle('erase', anything, (job) => {
      seen.push([job.attempts, clock.now().toISOString()]);
      return Promise.resolve(answers[seen.length - 1] ?? done());
    });
    worker.start();
    const settled = async (runs: number): Promise<boolean> => seen.length === runs && (await states())['ready'] === 1;
    await until(() => settled(1));
    expect(await trouble()).toEqual(['rate-limited']);
    clock.advance(60_000);
    await until(() => settled(2));
    expect(await trouble()).toEqual([]);
    await pause(100);
    expect(seen).toHaveLength(2);
    clock.set(new Date('2027-01-01T00:00:00Z'));
    await until(async () => (await states())['dead'] === 1);
    expect(seen).toEqual([
      [1, '2026-11-22T12:00:00.000Z'],
      [2, '2026-11-22T12:01:00.000Z'],
      [1, '2027-01-01T00:00:00.000Z'],
      [2, '2027-01-01T00:00:00.000Z'],
    ]);
  });

  it('is woken by the commit, long before the poll', async () => {
    let ranAt = 0;
    const worker = aWorker({ pollMs: 5000 });
    worker.handle('hint', anything, () => {
      ranAt = performance.now();
      return Promise.resolve(done());
    });
    worker.start();
    await pause(200);
    await enqueueAll([]);
    const start = performance.now();
    const events = [{ stream: 'request/2', type: 'ErasureApproved.v1', data: {} }];
    await store.append({ tenant, actorRef: 'officer', events, rows: enqueue({ queue: 'hint', payload: { n: 1 } }) });
    await until(() => ranAt > 0, 1000);
    expect(ranAt - start).toBeLessThan(1000);
  });
});

describe('a stopping worker', () => {
  it('lets handlers finish, claims nothing more, and gives back what does not end, so that others start it at once', async () => {
    const log: string[] = [];
    await enqueueAll(Array.from({ length: 3 }, () => ({ queue: 'slow' })));
    const first = aWorker({ size: 3 });
    first.handle('slow', { ...anything, lease: 60_000 }, async (job, { signal }) => {
      log.push(`start ${job.payload.n}`);
      if (job.payload.n === 0) await pause(150);
      // One honours its signal, one never ends.
      if (job.payload.n === 1)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
      if (job.payload.n === 2) await new Promise(() => undefined);
      log.push(`end ${job.payload.n}`);
      return done();
    });
    first.start();
    await until(() => log.length === 3);
    await first.stop(300, 50);
    expect(await states()).toEqual({ done: 1, ready: 2 });
    expect(log).toContain('end 0');
    const { rows } = await test.superuser.query(`SELECT attempts FROM job WHERE tenant = $1 AND state = 'ready'`, [
      tenant,
    ]);
    expect(rows).toEqual([{ attempts: 0 }, { attempts: 0 }]);
    const second = aWorker();
    second.handle('slow', anything, () => Promise.resolve(done()));
    const start = performance.now();
    second.start();
    await until(async () => (await states())['done'] === 3);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
