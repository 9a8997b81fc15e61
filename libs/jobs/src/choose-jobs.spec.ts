/** Limits and fairness of a claim, and the bounds of the backoff, without a database. */
import { describe, expect, it } from '@jest/globals';
import { backoffMs } from './backoff.js';
import { chooseJobs, type KeyLimit, type OpenJob, type Situation } from './choose-jobs.js';

const now = new Date('2026-11-22T12:00:00Z');

function jobs(key: string, count: number, over: Partial<OpenJob> = {}): OpenJob[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${key}${index}`,
    queue: 'erase',
    key,
    runAt: now,
    expired: false,
    ...over,
  }));
}

function aSituation(open: OpenJob[], limit: KeyLimit = {}, over: Partial<Situation> = {}): Situation {
  const nothing = { running: new Map(), buckets: new Map() };
  return { now, open, ...nothing, slots: new Map([['erase', 100]]), capacity: 100, limit: () => limit, ...over };
}

describe('the choice of jobs', () => {
  it('takes turns between keys, so that a thousand jobs of one do not push out one of another', () => {
    const { ids } = chooseJobs(aSituation([...jobs('a', 1000), ...jobs('b', 2)], {}, { capacity: 4 }));
    expect(ids).toEqual(['a0', 'b0', 'a1', 'b1']);
  });

  it('counts what already runs anywhere against the limit of the key', () => {
    const running = new Map([['a', 2]]);
    const { ids, nextRunAt } = chooseJobs(
      aSituation([...jobs('a', 5), ...jobs('b', 5)], { concurrency: 3 }, { running }),
    );
    expect(ids).toEqual(['a0', 'b0', 'b1', 'b2']);
    expect(nextRunAt).toEqual(now);
  });

  it('limits nothing without a key', () => {
    expect(chooseJobs(aSituation(jobs('', 5), { concurrency: 1, perSecond: 1 })).ids).toHaveLength(5);
  });

  it('leaves what has no handler in this process, and what is not due', () => {
    const tomorrow = new Date('2026-11-23T12:00:00Z');
    const open = [...jobs('a', 1, { runAt: tomorrow }), ...jobs('b', 1, { queue: 'mail', runAt: tomorrow })];
    expect(chooseJobs(aSituation(open))).toEqual({ ids: [], buckets: [], nextRunAt: tomorrow });
  });

  it('starts as many as the bucket holds, and says when the next token comes', () => {
    const buckets = new Map([['a', { key: 'a', tokens: 0.5, refilledAt: new Date(now.getTime() - 500) }]]);
    const choice = chooseJobs(aSituation(jobs('a', 5), { perSecond: 2, burst: 3 }, { buckets }));
    expect(choice.ids).toEqual(['a0']);
    expect(choice.buckets).toEqual([{ key: 'a', tokens: 0.5, refilledAt: now }]);
    expect(choice.nextRunAt).toEqual(new Date(now.getTime() + 250));
  });

  it('never fills a bucket above its burst', () => {
    const buckets = new Map([['a', { key: 'a', tokens: 0, refilledAt: new Date(0) }]]);
    expect(chooseJobs(aSituation(jobs('a', 50), { perSecond: 100, burst: 7 }, { buckets })).ids).toHaveLength(7);
  });

  it('takes jobs of silent holders first', () => {
    const open = [...jobs('a', 2), ...jobs('silent', 1, { expired: true })];
    expect(chooseJobs(aSituation(open, {}, { capacity: 1 })).ids).toEqual(['silent0']);
  });
});

describe('the backoff', () => {
  const backoff = { baseMs: 100, maxMs: 10_000 };

  it('is bounded by the doubled base and by the maximum', () => {
    const almostOne = 1 - 2 ** -53;
    const longest = [1, 2, 3, 8, 50, 5000].map((attempt) => backoffMs(backoff, attempt, () => almostOne));
    expect(longest).toEqual([99, 199, 399, 9999, 9999, 9999]);
    expect(backoffMs(backoff, 5, () => 0)).toBe(0);
  });

  it('is spread over the whole span', () => {
    let step = 0;
    const waits = Array.from({ length: 1000 }, () => backoffMs(backoff, 4, () => (step++ % 1000) / 1000));
    const tenths = new Set(waits.map((wait) => Math.floor(wait / 80)));
    expect(tenths.size).toBe(10);
  });
});
