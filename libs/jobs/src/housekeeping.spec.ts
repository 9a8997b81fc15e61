/** Chores run when due, on one replica at a time, and outlive their own failures. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestClock } from '#kernel';
import { Database, ledgerMigrations } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { Housekeeping } from './housekeeping.js';
import { jobsMigrations } from './jobs.migrations.js';

const HOUR = 3_600_000;
const start = new Date('2026-11-22T12:00:00Z');

let given: TestDatabase;
beforeAll(async () => {
  given = await createTestDatabase([...ledgerMigrations, ...jobsMigrations]);
});
afterAll(() => given.drop());

/** Two processes, each with connections of its own, and a promise that holds the runs of a chore. */
function pair(clock: TestClock, leaseMs?: number): { one: Housekeeping; two: Housekeeping; close(): Promise<void> } {
  const other = new Database({ connectionString: given.urls.appUrl });
  const make = (database: Database): Housekeeping => new Housekeeping(database, clock, undefined, leaseMs);
  return { one: make(given.database), two: make(other), close: () => other.close() };
}

describe('a chore', () => {
  it('runs when its interval has passed, also after the clock came back from the future', async () => {
    const clock = new TestClock(start);
    const chores = new Housekeeping(given.database, clock);
    const runs: string[] = [];
    chores.every('counts', HOUR, async (now) => void runs.push(now.toISOString()));
    expect(await chores.runDue()).toEqual(['counts']);
    expect(await chores.runDue()).toEqual([]);
    clock.advance(HOUR - 1);
    expect(await chores.runDue()).toEqual([]);
    clock.advance(1);
    expect(await chores.runDue()).toEqual(['counts']);
    clock.advance(40 * 24 * HOUR);
    expect(await chores.runDue()).toEqual(['counts']);
    clock.set(new Date(start.getTime() + 3 * HOUR));
    expect(await chores.runDue()).toEqual(['counts']);
    expect(runs).toHaveLength(4);
    expect(await chores.states()).toEqual([
      { name: 'counts', ranAt: new Date(start.getTime() + 3 * HOUR), failures: 0, lastError: null },
    ]);
  });

  it('runs on one replica at a time, and is taken over from one that died', async () => {
    const clock = new TestClock(start);
    const { one, two, close } = pair(clock, 300);
    let release: () => void = () => undefined;
    let others = 0;
    one.every('exclusive', HOUR, () => new Promise<void>((resolve) => (release = resolve)));
    two.every('exclusive', HOUR, async () => void (others += 1));
    const first = one.runDue();
    // Longer than a lease: the run renews it.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await two.runDue()).toEqual([]);
    release();
    expect(await first).toEqual(['exclusive']);
    expect(await two.runDue()).toEqual([]);
    clock.advance(HOUR);
    await given.superuser.query(
      `UPDATE housekeeping SET lease_until = clock_timestamp() + interval '200 ms', fence = fence + 1 WHERE name = 'exclusive'`,
    );
    expect(await two.runDue()).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await two.runDue()).toEqual(['exclusive']);
    expect(others).toBe(1);
    await close();
  });

  it('that lost its lease does not count', async () => {
    const chores = new Housekeeping(given.database, new TestClock(start));
    chores.every('fenced', HOUR, async () => {
      await given.superuser.query(`UPDATE housekeeping SET fence = fence + 1 WHERE name = 'fenced'`);
    });
    expect(await chores.runDue()).toEqual([]);
    expect(await chores.states()).toMatchObject([{ name: 'fenced', ranAt: null }]);
  });

  it('that fails is told and repeated, and stops no other', async () => {
    const clock = new TestClock(start);
    const told: unknown[] = [];
    const chores = new Housekeeping(given.database, clock, (_, fields) => told.push(fields));
    let broken = true;
    let others = 0;
    chores.every('breaks', HOUR, async () => {
      if (broken) throw new TypeError('planted');
    });
    chores.every('works', HOUR, async () => void (others += 1));
    expect(await chores.runDue()).toEqual(['works']);
    expect(told).toEqual([{ chore: 'breaks', cause: 'TypeError' }]);
    expect(await chores.runDue()).toEqual([]);
    expect(await chores.states()).toMatchObject([
      { failures: 1, lastError: 'TypeError', ranAt: null },
      { name: 'works' },
    ]);
    broken = false;
    clock.advance(60_000);
    expect(await chores.runDue()).toEqual(['breaks']);
    expect(others).toBe(1);
  });
});
