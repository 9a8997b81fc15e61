/** Two erasures of one person at once: what one of them planned to keep may be gone by the hand of the other. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RequestView } from '../reading/request-view.js';
import { approved, hold, shopOfAda } from '../../../../test/support/approved-erasure.js';
import { FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';

const MINUTE = 60_000;

describe('a record that the approved plan keeps until its reason is gone', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = shopOfAda();
    all = await open([shop]);
  });

  const runs = (contract: boolean): void => {
    shop.rows = shop.rows.map(({ blockedBy: _, ...row }) =>
      contract && row.dataset === 'invoices' ? { ...row, blockedBy: 'contract-running' } : row,
    );
  };
  const closed = (id: string): Promise<RequestView> => all.untilLater(id, (one) => one.status === 'closed', MINUTE);
  const ofInvoices = (view: RequestView) =>
    view.targets
      .flatMap(({ outcomes }) => outcomes)
      .flatMap(({ dataset, kind, count }) => (dataset === 'invoices' ? [{ kind, count }] : []));
  const careFor = (view: RequestView) => view.aftercare.filter(({ dataset }) => dataset === 'invoices');

  /** Its first attempt has acted and could not say so; the second one is a minute away. */
  async function approvedAndUnheard(): Promise<string> {
    const { store } = all;
    const { append } = store;
    const acted = new Promise<void>((resolve) => {
      store.append = async (one) => {
        if (!one.events.some(({ type }) => type === 'TargetOutcomeRecorded.v1')) return append.call(store, one);
        store.append = append;
        resolve();
        throw Object.assign(new Error('not written'), {
          fail: { class: 'transient', code: 'not-written', retryAfterMs: MINUTE },
        });
      };
    });
    const id = await approved(all);
    await acted;
    return id;
  }

  it.each([
    ['a hold', () => void all.rules.holds.set('shop/invoices', hold), () => all.rules.holds.clear()],
    ['a contract', () => runs(true), () => runs(false)],
  ])('is told as gone when %s ended and another erasure took it, before anybody heard', async (_, keep, end) => {
    keep();
    const first = await approvedAndUnheard();
    end();
    const second = await all.until(await approved(all), (one) => one.status === 'closed');
    expect(ofInvoices(second)).toEqual([{ kind: 'erased', count: 1 }]);
    const view = await closed(first);
    expect(ofInvoices(view)).toEqual([{ kind: 'not-found', count: 0 }]);
    expect(careFor(view)).toEqual([]);
  });

  it.each([
    ['a hold', () => void all.rules.holds.set('shop/invoices', hold)],
    ['a contract', () => runs(true)],
  ])('is told as kept while it is there under %s, whichever attempt says so', async (_, keep) => {
    keep();
    const view = await closed(await approvedAndUnheard());
    expect(ofInvoices(view)).toEqual([{ kind: 'retained', count: 1 }]);
    expect(careFor(view)).toMatchObject([{ status: 'waiting' }]);
  });

  it('is looked at whatever has become of the other systems', async () => {
    all.rules.holds.set('shop/invoices', hold);
    const id = await approvedAndUnheard();
    all.connected.enabled = () => Promise.reject(new Error('secrets-unreadable'));
    expect(ofInvoices(await closed(id))).toEqual([{ kind: 'retained', count: 1 }]);
  });

  it.each(['erase', 'anonymise'] as const)(
    'is told as kept (%s) where the system reads it only by the record that it hangs on',
    async (action) => {
      shop.view.datasets.find(({ name }) => name === 'invoices')!.action = action;
      shop.verified = function* (this: FakeSystem, items, at) {
        const led = at.some(({ dataset }) => dataset === 'customers');
        for (const one of FakeSystem.prototype.verified.call(this, items, at))
          if (one.dataset !== 'invoices' || led) yield one;
          else yield { itemKey: one.itemKey, dataset: one.dataset, kind: 'clean' };
      };
      shop.faults = { applyDown: { class: 'transient', code: 'unreachable', retryAfterMs: MINUTE } };
      const id = await approved(all);
      await all.until(id, () => shop.calls.includes('apply'));
      all.rules.holds.set('shop/invoices', hold);
      shop.faults = {};
      const view = await closed(id);
      expect(ofInvoices(view)).toEqual([{ kind: 'retained', count: 1 }]);
      expect(shop.left).toEqual(['invoices/i1']);
      expect(careFor(view)).toMatchObject([{ status: 'waiting' }]);
    },
  );
});
