/** An approval lives 72 hours, and while its human may approve: what could not begin until then is asked again, before any write. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ada, approved } from '../../../../test/support/approved-erasure.js';
import { fakeSystem, type FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';

const HOUR = 3_600_000;

describe('an approval that could not be carried out', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = fakeSystem('shop', [{ name: 'customers' }]);
    shop.rows = [{ dataset: 'customers', ref: 'c17', ids: [ada] }];
    all = await open([shop]);
  });

  /** Nothing could begin for so long; then these are the office. */
  async function approvedFor(hours: number, office = ['officer', 'officer2']): Promise<string> {
    await all.worker.stop();
    const id = await approved(all, { receivedAt: '2026-11-02T08:00:00Z' });
    all.clock.advance(hours * HOUR);
    all.office.approvers = office;
    all.worker.start();
    return id;
  }

  it('asks both humans again after 72 hours and an hour of grace', async () => {
    const id = await approvedFor(73.1);
    const view = await all.until(id, (one) => one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', approvals: 0, plan: { cause: 'first-write' } });
    expect(shop.calls).not.toContain('apply');
    expect(shop.rows).toHaveLength(1);
  });

  it('asks again when one of the two has left meanwhile', async () => {
    const id = await approvedFor(1, ['officer2', 'officer3']);
    const view = await all.until(id, (one) => one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', approvals: 0, plan: { cause: 'first-write' } });
    expect(shop.rows).toHaveLength(1);
  });

  it('(control) begins within them', async () => {
    const id = await approvedFor(71);
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.status).toBe('closed');
    expect(shop.rows).toEqual([]);
  });
});
