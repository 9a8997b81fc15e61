/** A run survives crashes without doing anything twice, and stops at what was not approved. Real ledger, jobs and seals. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { listDeadJobs } from '#jobs';
import { openRetention, RetentionRun } from '../../../../test/support/retention-run.js';
import type { RetentionShop } from '../../../../test/support/retention-shop.js';
import type { SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { BATCH_SIZE } from './retention-plan.js';

const failure = (kind: string, code: string): Error => Object.assign(new Error(code), { fail: { class: kind, code } });

describe('a retention run', () => {
  let base: SubjectsFixture;
  let run: RetentionRun;
  let shop: RetentionShop;

  beforeAll(async () => {
    base = await openRetention();
  });
  beforeEach(async () => {
    run = await RetentionRun.open(base);
    shop = run.shop;
  });
  afterEach(() => run.close());
  afterAll(() => base.close());

  it('goes batch by batch, verifies, and forgets the references', async () => {
    await run.approve(2 * BATCH_SIZE + 50);
    expect(await run.kept()).toBe(3);
    run.work();
    expect(await run.ended()).toMatchObject({
      ...{ status: 'done', ended: 'verified', left: 0 },
      outcomes: [{ kind: 'erased', reason: null, count: 450 }],
    });
    expect([...shop.rows]).toEqual(['young-1']);
    expect([shop.keys.size, [...shop.days]]).toEqual([3, ['2023-11-22']]);
    expect(await run.kept()).toBe(0);
    await run.keyGone();
  });

  it('ends with its references and its key also when its job died, and nobody has to see to the job', async () => {
    shop.during = () => Promise.reject(new Error('unforeseen'));
    await run.approve(2 * BATCH_SIZE);
    run.work();
    // One record fell to the first attempt, before any could say so.
    expect(await run.ended()).toMatchObject({
      ...{ status: 'incomplete', ended: 'unexpected-Error', left: 2 * BATCH_SIZE - 1 },
      outcomes: [{ kind: 'erased', reason: 'confirmed-on-retry', count: 1 }],
    });
    expect([await run.kept(), await listDeadJobs(base.ledger.database, run.tenant)]).toEqual([0, []]);
    await run.keyGone();
  });

  it('does nothing twice when the connector dies after its work and before its answer', async () => {
    let deaths = 0;
    shop.during = async (erased) => {
      if (erased === BATCH_SIZE + 70 && deaths++ < 3) throw failure('transient', 'plugin-exited');
    };
    await run.approve(2 * BATCH_SIZE);
    run.work();
    const item = await run.ended();
    expect([item.ended, shop.erasures.length, new Set(shop.erasures).size]).toEqual(['verified', 400, 400]);
    expect(item.outcomes).toEqual([
      { kind: 'erased', reason: null, count: 330 },
      { kind: 'erased', reason: 'confirmed-on-retry', count: 70 },
    ]);
  });

  it('goes on where another worker stopped, with the same keys', async () => {
    let hangs = true;
    shop.during = async (erased, signal) => {
      if (erased < BATCH_SIZE + 10 || !hangs) return;
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    await run.approve(2 * BATCH_SIZE);
    const first = run.work();
    while (shop.erasures.length < BATCH_SIZE + 10) await new Promise((resolve) => setTimeout(resolve, 10));
    await first.stop(0, 100);
    hangs = false;
    run.work();
    const item = await run.ended();
    expect([item.ended, shop.erasures.length, new Set(shop.erasures).size]).toEqual(['verified', 400, 400]);
    expect(item.outcomes).toContainEqual({ kind: 'erased', reason: 'confirmed-on-retry', count: 10 });
    expect(shop.keys.size).toBe(2);
  });

  it.each<[string, string, () => Promise<void>]>([
    ['a hold is placed on the dataset', 'held', () => run.holdTheDataset()],
    ['the policy is changed', 'policy-changed', () => run.definePolicy(2)],
    ['the schema of the dataset changes', 'schema-changed', async () => void (shop.schemaHash = 'other')],
  ])('stops before the next batch when %s', async (_, code, change) => {
    shop.during = async (erased) => {
      if (erased === BATCH_SIZE) await change();
    };
    await run.approve(2 * BATCH_SIZE);
    run.work();
    expect(await run.ended()).toMatchObject({ status: 'incomplete', ended: code, left: BATCH_SIZE });
    expect(shop.erasures).toHaveLength(BATCH_SIZE);
    expect(await run.kept()).toBe(0);
  });

  it('ends incomplete at a failure that does not pass, and says how many are left', async () => {
    shop.during = async (erased) => {
      if (erased > BATCH_SIZE) throw failure('auth', 'password-refused');
    };
    await run.approve(BATCH_SIZE + 10);
    run.work();
    expect(await run.ended()).toMatchObject({ status: 'incomplete', ended: 'password-refused', left: 9 });
    expect(shop.rows.size).toBe(9 + 1);
  });

  it('says what an attempt had erased that nobody heard of when a hold comes before the next one', async () => {
    shop.during = async (erased) => {
      if (erased !== BATCH_SIZE + 70) return;
      await run.holdTheDataset();
      throw failure('transient', 'plugin-exited');
    };
    await run.approve(2 * BATCH_SIZE);
    run.work();
    expect(await run.ended()).toMatchObject({
      ...{ status: 'incomplete', ended: 'held', left: BATCH_SIZE - 70 },
      outcomes: [
        { kind: 'erased', reason: null, count: BATCH_SIZE },
        { kind: 'erased', reason: 'confirmed-on-retry', count: 70 },
      ],
    });
    expect(shop.erasures).toHaveLength(BATCH_SIZE + 70);
  });

  it('is never done on a connector’s word alone', async () => {
    shop.stubborn = new Set(['order-3']);
    await run.approve(10);
    run.work();
    expect(await run.ended()).toMatchObject({
      ...{ status: 'incomplete', ended: 'records-left', left: 1 },
      outcomes: [
        { kind: 'erased', reason: 'confirmed-on-retry', count: 9 },
        { kind: 'failed', reason: 'residue', count: 1 },
      ],
    });
  });

  it('finds what came back', async () => {
    shop.during = async (erased) => {
      if (erased === BATCH_SIZE + 1) shop.rows.add('order-0');
    };
    await run.approve(BATCH_SIZE + 10);
    run.work();
    expect(await run.ended()).toMatchObject({ status: 'incomplete', ended: 'came-back', left: 1 });
  });
});
