/** What the approved plan keeps is never handed to a connected system, which might erase it all the same. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ada, approved as approvedOf } from '../../../../test/support/approved-erasure.js';
import { fakeCalls, fakeSystem, type FakeSystem } from '../../../../test/support/fake-systems.js';
import {
  openDatabases,
  openRequests,
  type RequestsFixture,
  type SharedDatabases,
} from '../../../../test/support/requests-fixture.js';
import { ReplayErasures } from '../step/replay-erasures.js';

const hold = { id: 'h1', ground: 'GDPR art. 17(3)(e)', reviewOn: null };
const duty = { ruleId: 'de-invoice', dutyId: 'de-invoice', citation: '§ 14b UStG', stripFields: [] };

describe('a record that the approved plan keeps', () => {
  let shared: SharedDatabases;
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeAll(async () => {
    shared = await openDatabases();
  });
  afterAll(() => shared.base.close());
  beforeEach(async () => {
    shop = fakeSystem('shop', [{ name: 'customers' }, { name: 'invoices' }]);
    shop.rows = [
      { dataset: 'customers', ref: 'c1', ids: [ada] },
      { dataset: 'invoices', ref: 'i1', ids: [ada], startsOn: '2024-03-12' },
    ];
    shop.faults = { ignoresPlan: true };
    all = await openRequests(shared, [shop]);
  });
  afterEach(() => all.close());

  const approved = (): Promise<string> => approvedOf(all);

  async function outcomesOf(id: string): Promise<string[]> {
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.resolution).toBe('fulfilled-with-retention');
    const { outcomes = [] } = view.targets.find((one) => one.connectionId === 'shop') ?? {};
    return outcomes.map(({ dataset, kind, reason = '' }) => `${dataset} ${kind} ${reason}`.trim()).sort();
  }

  it.each([
    ['a hold', 'retained hold', () => void all.rules.holds.set('shop/invoices', hold)],
    ['a duty with nothing beyond it', 'retained legal-duty', () => void all.rules.duties.set('shop/invoices', duty)],
  ])(
    'under %s is not handed out, and a system that takes more than it is handed learns of it',
    async (_, what, keep) => {
      keep();
      expect(await outcomesOf(await approved())).toEqual(['customers erased', `invoices ${what}`]);
      expect([shop.handed, shop.left]).toEqual([['customers/c1'], ['invoices/i1']]);
      expect(shop.rows.map(({ ref }) => ref)).toEqual(['i1']);
    },
  );

  it('under a hold that came after the approval is not erased again after a restore', async () => {
    shop.faults = { applyDown: { class: 'transient', code: 'unreachable', retryAfterMs: 30_000 } };
    const id = await approved();
    await all.until(id, () => shop.calls.includes('apply'));
    all.rules.holds.set('shop/invoices', hold);
    shop.faults = { ignoresPlan: true };
    all.clock.advance(60_000);
    expect(await outcomesOf(id)).toEqual(['customers erased', 'invoices retained hold']);
    const { requests, file, connected, clock } = all;
    const replay = new ReplayErasures(requests, file, connected, fakeCalls([shop]), clock);
    shop.rows.push({ dataset: 'customers', ref: 'c1', ids: [ada] });
    shop.rows.push({ dataset: 'customers', ref: 'c2', ids: [ada], blockedBy: 'contradicting-identifier' });
    const steps = [];
    for await (const step of replay.again(all.tenant)) steps.push(step);
    expect(steps).toMatchObject([{ again: 1, left: 0, newer: 1 }]);
    expect(shop.rows.map(({ ref }) => ref)).toEqual(['i1', 'c2']);
  });

  it('leaves nothing to call the system for when it is all there is', async () => {
    for (const dataset of ['customers', 'invoices']) all.rules.holds.set(`shop/${dataset}`, hold);
    expect(await outcomesOf(await approved())).toEqual(['customers retained hold', 'invoices retained hold']);
    expect(shop.calls).not.toContain('apply');
    expect(shop.rows).toHaveLength(2);
  });
});
