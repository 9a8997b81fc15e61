/** An approval lives 72 hours, and while its human may approve: what could not begin until then is asked again, before any write. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeSystem, type FakeSystem } from '../../../../test/support/fake-systems.js';
import {
  openDatabases,
  openRequests,
  type RequestsFixture,
  type SharedDatabases,
} from '../../../../test/support/requests-fixture.js';

const ada = { type: 'email', value: 'ada@example.test' };
const HOUR = 3_600_000;

describe('an approval that could not be carried out', () => {
  let shop: FakeSystem;
  let all: RequestsFixture;
  let shared: SharedDatabases;

  beforeAll(async () => {
    shared = await openDatabases();
  });
  afterAll(() => shared.base.close());
  beforeEach(async () => {
    shop = fakeSystem('shop', [{ name: 'customers' }]);
    shop.rows = [{ dataset: 'customers', ref: 'c17', ids: [ada] }];
    all = await openRequests(shared, [shop]);
  });
  afterEach(() => all.close());

  /** Nothing could begin for so long; then these are the office. */
  async function approvedFor(hours: number, office = ['officer', 'officer2']): Promise<string> {
    await all.worker.stop();
    const { id } = await all.open('erasure', ada.value, { receivedAt: '2026-11-02T08:00:00Z' });
    await all.attest(id, 'email', ada.value);
    const { hash } = await all.plan(id);
    await all.approve(id, hash, 'officer');
    await all.approve(id, hash, 'officer2');
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
