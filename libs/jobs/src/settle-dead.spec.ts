/** A dead job that needs nobody is ended; one that somebody has to see to stays, and so does one that lives again. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, TestClock, type TenantId } from '#kernel';
import { ledgerMigrations } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { againKey, DeadJobs, jobsMigrations, tryAgain, type AfterDeath, type JobState } from './index.js';

const clock = new TestClock(new Date('2026-11-22T12:00:00Z'));

describe('the look at dead jobs', () => {
  let test: TestDatabase;
  let tenant: TenantId;
  beforeAll(async () => {
    test = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
  });
  afterAll(() => test.drop());
  beforeEach(() => {
    tenant = randomUUID() as TenantId;
  });

  async function plant(dedupeKey: string, state: JobState = 'dead', queue = 'mail'): Promise<string> {
    const id = newId();
    await test.superuser.query(
      `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, attempts, dedupe_key, created_at, finished_at)
       VALUES ($1, $2, $3, '', '{}', $4, now(), 1, $5, now(), now())`,
      [tenant, id, queue, state, dedupeKey],
    );
    return id;
  }

  async function states(): Promise<Record<string, JobState>> {
    const text = 'SELECT dedupe_key, state FROM job WHERE tenant = $1';
    const { rows } = await test.superuser.query<{ dedupe_key: string; state: JobState }>(text, [tenant]);
    return Object.fromEntries(rows.map(({ dedupe_key, state }) => [dedupe_key, state]));
  }

  async function look(after: (id: string) => AfterDeath): Promise<void> {
    const jobs = new DeadJobs();
    jobs.judge('mail', async (_, dead) => dead.map(({ id }) => ({ id, after: after(id) })));
    await jobs.settle(test.database, tenant, clock.now());
  }

  it('ends what is over, and leaves what waits, what is another queue’s, and what was handed to somebody', async () => {
    const over = await plant('over');
    for (const [key, state, queue] of [['waits'], ['other', 'dead', 'erase'], ['manual', 'manual']] as const)
      await plant(key, state, queue);
    await look((id) => (id === over ? 'over' : 'waits'));
    expect(await states()).toEqual({ over: 'cancelled', waits: 'dead', other: 'dead', manual: 'manual' });
  });

  it('ends a dead job with its successor, also when a build that knew nothing of this had settled that', async () => {
    const again = (id: string): AfterDeath => ({ queue: 'mail', payload: {}, dedupeKey: againKey('a', id) });
    const first = await plant('a');
    const second = await plant(againKey('a', first));
    const last = againKey(againKey('a', first), second);
    await look(again);
    expect(await states()).toEqual({ a: 'cancelled', [againKey('a', first)]: 'dead', [last]: 'ready' });
    await look(again);
    expect((await states())[againKey('a', first)]).toBe('dead');
    await test.superuser.query(`UPDATE job SET state = 'done' WHERE dedupe_key = $1`, [last]);
    await look(again);
    expect(await states()).toEqual({ a: 'cancelled', [againKey('a', first)]: 'cancelled', [last]: 'done' });
  });

  it('has work that must be done tried anew, once for each death', async () => {
    const id = await plant('a');
    const jobs = new DeadJobs();
    jobs.judge('mail', tryAgain);
    for (let looks = 0; looks < 2; looks += 1) await jobs.settle(test.database, tenant, clock.now());
    expect(await states()).toEqual({ a: 'dead', [againKey('a', id)]: 'ready' });
  });

  it('leaves alone what an officer has had tried again since it was judged', async () => {
    const id = await plant('a');
    const jobs = new DeadJobs();
    jobs.judge('mail', async () => {
      await test.superuser.query(`UPDATE job SET state = 'running' WHERE id = $1`, [id]);
      return [{ id, after: 'over' }];
    });
    await jobs.settle(test.database, tenant, clock.now());
    expect(await states()).toEqual({ a: 'running' });
  });

  it('reaches all of them, however many stand before', async () => {
    const many = `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, created_at)
      SELECT $1, gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'mail' ELSE 'erase' END, '', '{}', 'dead', now(), now() FROM generate_series(1, 2400) n`;
    await test.superuser.query(many, [tenant]);
    await look(() => 'over');
    const { rows } = await test.superuser.query(
      `SELECT queue, count(*)::int AS n FROM job WHERE tenant = $1 AND state = 'dead' GROUP BY queue`,
      [tenant],
    );
    expect(rows).toEqual([{ queue: 'erase', n: 1200 }]);
  });
});
