/** What was read for a package and lost before it came into one: it is read again, and an officer decides where nobody answers. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RequestView } from '../reading/request-view.js';
import { planned, shopOfAda } from '../../../../test/support/approved-erasure.js';
import type { FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';
import { until } from '../../../../test/support/until.js';

const MINUTE = 60_000;
const broken = { class: 'permanent', code: 'no-such-table' } as const;

describe('what was read for a package and lost', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = shopOfAda();
    all = await open([shop]);
    all.connected.unsearched = [{ id: 'archive', name: 'Paper archive', owner: 'office', why: 'paper' }];
  });

  /** An access request whose records are lost while its humans are still at work. */
  async function lost(): Promise<string> {
    const { id, hash } = await planned(all, 'access');
    await all.approve(id, hash, 'officer');
    const { tasks } = await all.until(id, () => all.collected.packaged.has('shop'));
    all.collected.packaged.delete('shop');
    await all.tasks.complete(all.by('archivist'), id, tasks[0]!.id, { outcome: 'nothing-found', proof: 'looked' });
    return id;
  }

  const isBroken = ({ reasons }: RequestView): boolean => reasons.some(({ code }) => code === broken.code);

  async function retried(id: string): Promise<RequestView> {
    shop.faults = {};
    await all.tasks.retry(all.by('officer'), id, 'shop', { reason: 'the table is back' });
    return all.untilLater(id, ({ status }) => status === 'closed', MINUTE);
  }

  it('is read again', async () => {
    const id = await lost();
    const view = await all.untilLater(id, ({ status }) => status === 'closed', MINUTE);
    expect(view).toMatchObject({ status: 'closed', resolution: 'fulfilled', reasons: [], package: { records: 1 } });
    expect(all.collected.packaged.get('shop')).toEqual(['customers/c1', 'invoices/i1']);
    expect(view.targets[0]?.outcomes).toEqual([
      { dataset: 'customers', kind: 'provided', count: 1 },
      { dataset: 'invoices', kind: 'provided', count: 1 },
    ]);
    expect(shop.readKeys.size).toBe(2);
  });

  it('asks an officer where nobody answers, and the list of requests says so too', async () => {
    const id = await lost();
    shop.faults = { readDown: broken };
    const view = await all.untilLater(id, isBroken, MINUTE);
    expect(view).toMatchObject({ status: 'incomplete', reasons: [{ code: broken.code }] });
    await until('the list says so too', async () => {
      const { items } = await all.search({ open: true, limit: 10 });
      return items.find((one) => one.id === id)?.status === 'incomplete';
    });
    expect(await retried(id)).toMatchObject({ resolution: 'fulfilled', package: { records: 1 } });
    expect(shop.readKeys.size).toBe(3);
  });

  it('asks an officer also when a build before heard of the end of that job and did not know whose it was', async () => {
    const id = await lost();
    shop.faults = { readDown: { class: 'transient', code: 'unreachable', retryAfterMs: 60 * MINUTE } };
    await all.untilLater(id, () => shop.readKeys.size === 2, MINUTE);
    await all.worker.stop();
    const { rowCount } = await all.base.ledger.superuser.query(
      `UPDATE job SET state = 'dead', finished_at = $2, last_error_code = $3, last_error_class = $4
       WHERE tenant = $1 AND queue = 'request-read-again' AND state = 'ready'`,
      [all.tenant, all.clock.now(), broken.code, broken.class],
    );
    expect([rowCount, isBroken(await all.view(id))]).toEqual([1, false]);
    await all.lookAtDeadJobs();
    expect(await all.view(id)).toMatchObject({ status: 'incomplete', reasons: [{ code: broken.code }] });
    all.worker.start();
    expect(await retried(id)).toMatchObject({ resolution: 'fulfilled', package: { records: 1 } });
  });
});
