/** A hold that comes while a system has work that it has not begun: the work is taken back, once, and nothing else of it is lost. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RequestView } from '../reading/request-view.js';
import { approved, hold, shopOfAda } from '../../../../test/support/approved-erasure.js';
import type { FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';

describe('work that a system has not begun', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = shopOfAda();
    shop.faults.slow = 'offers';
    all = await open([shop]);
  });

  const place = (): unknown => all.rules.holds.set('shop/invoices', hold);
  const count = (call: string): number => shop.calls.filter((one) => one === call).length;
  const comes = async (id: string, reached: (view: RequestView) => boolean, byMs = 1000): Promise<RequestView> => {
    const view = await all.untilLater(id, reached, byMs);
    expect(reached(view)).toBe(true);
    return view;
  };
  const closed = (id: string): Promise<RequestView> => comes(id, (one) => one.status === 'closed');
  const latest = (view: RequestView): Record<string, string> =>
    Object.fromEntries(view.targets.flatMap(({ outcomes }) => outcomes).map(({ dataset, kind }) => [dataset, kind]));
  const offered = async (): Promise<string> => {
    const id = await approved(all);
    await comes(id, (one) => latest(one)['invoices'] === 'pending', 0);
    return id;
  };

  it('is taken back when a hold comes: what it keeps stays, and the rest is asked anew under the same key', async () => {
    const id = await offered();
    place();
    await comes(id, () => count('apply') === 2);
    expect(shop.people).toContain((await all.requests.load(all.tenant, id)).subjectId);
    expect(shop.handed.slice(2)).toEqual(['customers/c1']);
    expect(shop.left).toEqual(['invoices/i1']);
    shop.ready = true;
    expect(latest(await closed(id))).toMatchObject({ customers: 'erased', invoices: 'retained' });
    expect([count('withdraw'), new Set(shop.itemKeys).size]).toEqual([1, 1]);
    expect(shop.rows.map(({ ref }) => ref)).toEqual(['i1']);
  });

  it('is told as it was done where its system was done with a part of it: the hold keeps the rest', async () => {
    const id = await offered();
    Object.assign(shop, { wasHanded: true, told: ['invoices'] });
    place();
    all.rules.holds.set('shop/customers', hold);
    await comes(id, () => count('apply') === 2);
    expect(shop.handed.slice(2)).toEqual(['invoices/i1']);
    shop.ready = true;
    expect(latest(await closed(id))).toMatchObject({ customers: 'retained', invoices: 'erased' });
  });

  it.each([
    ['not there', false, 'not-found'],
    ['gone', true, 'erased'],
  ])('is told as %s when its record is away, and somebody was handed the work: %s', async (_, wasHanded, told) => {
    const id = await offered();
    shop.wasHanded = wasHanded;
    shop.rows = shop.rows.filter(({ dataset }) => dataset !== 'invoices');
    place();
    await comes(id, (one) => latest(one)['invoices'] !== 'pending');
    shop.ready = true;
    expect(latest(await closed(id))).toMatchObject({ customers: 'erased', invoices: told });
  });

  it('is asked anew when the hold is gone before anybody heard what became of it', async () => {
    const id = await offered();
    place();
    shop.faults.down = { class: 'transient', code: 'unreachable', retryAfterMs: 1000 };
    await comes(id, () => count('withdraw') === 1);
    all.rules.holds.clear();
    shop.faults = { slow: 'offers' };
    await comes(id, () => count('apply') === 2);
    shop.ready = true;
    expect(latest(await closed(id))).toMatchObject({ customers: 'erased', invoices: 'erased' });
  });

  it('is not taken back once the system has begun: it is told as it is', async () => {
    const id = await offered();
    shop.ready = true;
    place();
    expect(latest(await closed(id))).toMatchObject({ customers: 'erased', invoices: 'erased' });
    expect(count('apply')).toBe(1);
  });
});
