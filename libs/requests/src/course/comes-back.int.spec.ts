/** What comes back after a decision: a hold between two attempts, an aftercare that failed. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RequestView } from '../reading/request-view.js';
import {
  ada,
  approved as approvedOf,
  approveByTwo,
  hold,
  invoiceDuty,
  shopOfAda,
} from '../../../../test/support/approved-erasure.js';
import type { FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';

const HOUR = 3_600_000;

describe('an erasure that was decided', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = shopOfAda();
    all = await open([shop]);
  });

  const approved = (): Promise<string> => approvedOf(all);

  it('keeps what a hold covers that came between two attempts, and erases it when the hold is gone', async () => {
    // The second attempt is a minute away, so that no attempt is at work while the hold comes.
    shop.faults = { applyDown: { class: 'transient', code: 'unreachable', retryAfterMs: 60_000 } };
    const id = await approved();
    await all.until(id, () => shop.calls.includes('apply'));
    all.rules.holds.set('shop/invoices', hold);
    shop.faults = {};
    const view = await all.untilLater(id, (one) => one.status === 'closed', 1_000);
    expect(view).toMatchObject({ status: 'closed', resolution: 'fulfilled-with-retention' });
    expect(shop.rows.map(({ ref }) => ref)).toEqual(['i1']);
    const outcomes = view.targets.find((one) => one.connectionId === 'shop')?.outcomes;
    expect(outcomes).toContainEqual(
      expect.objectContaining({
        dataset: 'invoices',
        kind: 'retained',
        count: 1,
        reason: 'hold',
        citation: 'GDPR art. 17(3)(e)',
      }),
    );
    all.rules.holds.clear();
    all.clock.advance(2 * HOUR);
    await all.until(id, () => shop.rows.length === 0);
    expect(shop.rows).toEqual([]);
  });

  it('says of a record that was erased before the hold came, although nobody heard of it, that it is gone', async () => {
    shop.faults = { dropsAnswerOnce: true };
    const id = await approved();
    await all.until(id, () => shop.faults.dropsAnswerOnce === false);
    all.rules.holds.set('shop/invoices', hold);
    all.clock.advance(60_000);
    const view = await all.until(id, (one) => one.status === 'closed');
    const outcomes = view.targets.find((one) => one.connectionId === 'shop')?.outcomes;
    expect(outcomes).toContainEqual(
      expect.objectContaining({ dataset: 'invoices', kind: 'erased', count: 1, note: 'confirmed-on-retry' }),
    );
    expect(outcomes?.filter(({ kind }) => kind === 'retained')).toEqual([]);
    expect(view.aftercare.filter(({ dataset }) => dataset === 'invoices')).toEqual([]);
  });

  it('erases on its day what a system had kept, also when the rest was taken over by hand', async () => {
    all.rules.duties.set('shop/invoices', invoiceDuty);
    shop.lateRow = { dataset: 'customers', ref: 'late', ids: [ada] };
    const id = await approved();
    await all.until(id, (one) => one.status === 'incomplete');
    await all.tasks.manual(all.by('officer'), id, 'shop', { reason: 'one row is left' });
    const { tasks } = await all.view(id);
    await all.tasks.complete(all.by('archivist'), id, tasks[0]!.id, { outcome: 'done', proof: 'deleted by hand' });
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view).toMatchObject({ resolution: 'fulfilled-with-retention' });
    const kept = view.aftercare.filter(({ connectionId }) => connectionId === 'shop');
    expect(kept).toMatchObject([{ dataset: 'invoices', until: '2026-12-31', status: 'waiting' }]);
    all.clock.set(new Date('2027-01-02T09:00:00Z'));
    await all.until(id, (one) =>
      one.aftercare.some(({ dataset, status }) => dataset === 'invoices' && status === 'erased'),
    );
    expect(shop.rows.filter(({ dataset }) => dataset === 'invoices')).toEqual([]);
  });

  it('keeps the identity that a hold covers which came after the approval, and erases it when the hold is gone', async () => {
    shop.faults = { applyDown: { class: 'transient', code: 'unreachable', retryAfterMs: 60_000 } };
    const id = await approved();
    await all.until(id, () => shop.calls.includes('apply'));
    all.rules.holds.set('lethe/identity', hold);
    shop.faults = {};
    const view = await all.untilLater(id, (one) => one.status === 'closed', 1_000);
    expect(view).toMatchObject({ status: 'closed', resolution: 'fulfilled-with-retention' });
    const { subjectId } = await all.requests.load(all.tenant, id);
    expect(await all.erasure.isReadable(all.tenant, subjectId)).toBe(true);
    const identity = (one: RequestView): string | undefined =>
      one.aftercare.find(({ dataset }) => dataset === 'identity')?.status;
    expect(identity(view)).toBe('waiting');
    expect(all.erasure.remembered).toEqual([]);
    all.rules.holds.clear();
    all.clock.advance(2 * HOUR);
    expect(identity(await all.until(id, (one) => identity(one) === 'erased'))).toBe('erased');
    expect(await all.erasure.isReadable(all.tenant, subjectId)).toBe(false);
    // What she stopped is marked before nobody can tell any more.
    expect(all.erasure.remembered).toEqual([subjectId]);
  });

  it('keeps evidence until its day though the hold on everything of hers is released before', async () => {
    for (const dataset of ['identity', 'consent-records', 'access-log', 'cases'])
      all.rules.holds.set(`lethe/${dataset}`, hold);
    const id = await approved();
    await all.until(id, (one) => one.status === 'closed');
    all.rules.holds.clear();
    const erased = (one: RequestView): string[] =>
      one.aftercare.flatMap(({ dataset, status }) => (status === 'erased' ? [dataset] : []));
    await all.untilLater(id, (one) => erased(one).includes('identity'), 60_000);
    all.clock.advance(100 * HOUR);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(erased(await all.view(id))).toEqual(['identity']);
    all.clock.set(new Date('2030-01-02T09:00:00Z'));
    const last = await all.untilLater(id, (one) => erased(one).length === 4, HOUR / 2);
    expect(erased(last).sort()).toEqual(['access-log', 'cases', 'consent-records', 'identity']);
  });

  it('is reopened when what was kept until its day cannot be erased then', async () => {
    all.rules.duties.set('shop/invoices', invoiceDuty);
    const id = await approved();
    await all.until(id, (one) => one.status === 'closed');
    shop.faults = { lies: true };
    all.clock.set(new Date('2027-01-02T09:00:00Z'));
    const view = await all.until(id, (one) => one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', owner: 'privacy-office', resolution: null });
    expect(shop.rows.map(({ ref }) => ref)).toEqual(['i1']);
  });

  it('is reopened as soon as it is answered when a kept record could not be erased while others were at work', async () => {
    all.rules.holds.set('shop/invoices', hold);
    all.connected.unsearched = [{ id: 'archive', name: 'Paper archive', owner: 'office', why: 'paper' }];
    const id = await approved();
    await all.until(id, (one) =>
      one.targets.some(({ connectionId, status }) => connectionId === 'shop' && status === 'done'),
    );
    all.rules.holds.clear();
    shop.faults = { lies: true };
    all.clock.advance(2 * HOUR);
    const failed = await all.until(id, (one) => one.aftercare.some(({ status }) => status === 'failed'));
    expect(failed).toMatchObject({ status: 'verifying', tasks: [{ status: 'open' }] });
    shop.faults = {};
    const body = { outcome: 'done' as const, proof: 'shredded' };
    await all.tasks.complete(all.by('archivist'), id, failed.tasks[0]!.id, body);
    const view = await all.until(id, (one) => one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', owner: 'privacy-office', resolution: null });
    expect(all.collected.answered).toContainEqual(expect.stringContaining('/partial-refusal'));
  });

  it('is reopened for what an earlier round kept and could not erase while it was withdrawn', async () => {
    all.rules.duties.set('shop/invoices', invoiceDuty);
    const id = await approved();
    await all.until(id, (one) => one.status === 'closed');
    await all.course.reopen(all.by('officer'), id, { reason: 'a letter was found', cause: 'late-find' });
    shop.faults = { lies: true };
    all.clock.set(new Date('2027-01-02T09:00:00Z'));
    await all.until(id, (one) => one.aftercare.some(({ status }) => status === 'failed'));
    const answers = all.collected.answered.length;
    await all.course.withdraw(all.by('officer'), id, { reason: 'the letter was somebody else’s' });
    const view = await all.until(id, (one) => all.collected.answered.length > answers && one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', owner: 'privacy-office', resolution: null });
    // People have it before them now: it stays closed once they close it.
    await all.course.withdraw(all.by('officer'), id, { reason: 'the shop does it by hand' });
    const closed = await all.until(id, (one) => all.collected.answered.length > answers + 1 && one.status === 'closed');
    expect(closed.status).toBe('closed');
  });

  it('asks the humans behind systems that cannot be searched again when it was reopened', async () => {
    all.connected.unsearched = [{ id: 'archive', name: 'Paper archive', owner: 'office', why: 'paper' }];
    const body = { outcome: 'done' as const, proof: 'shredded' };
    const id = await approved();
    const first = await all.until(id, (one) => one.tasks.length > 0);
    await all.tasks.complete(all.by('archivist'), id, first.tasks[0]!.id, body);
    await all.until(id, (one) => one.status === 'closed');
    await all.course.reopen(all.by('officer'), id, { reason: 'a letter was found', cause: 'late-find' });
    const { hash } = await all.plan(id);
    await approveByTwo(all, id, hash);
    const again = await all.until(id, (one) => one.tasks.length > 1 || one.status === 'closed');
    expect(again.tasks.map(({ status }) => status)).toEqual(['done', 'open']);
    expect(again.status).not.toBe('closed');
    await all.tasks.complete(all.by('archivist'), id, again.tasks[1]!.id, body);
    expect((await all.until(id, (one) => one.status === 'closed')).status).toBe('closed');
  });

  it('goes back to the office when a hold is gone and the table map keeps the record: nobody decided to delete it', async () => {
    Object.assign(
      shop.view.datasets.find(({ name }) => name === 'invoices')!,
      { action: 'retain' },
    );
    all.rules.holds.set('shop/invoices', hold);
    const id = await approved();
    await all.until(id, (one) => one.status === 'closed');
    all.rules.holds.clear();
    all.clock.advance(2 * HOUR);
    const view = await all.until(id, (one) => one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', owner: 'privacy-office', resolution: null });
    expect(shop.rows.map(({ ref }) => ref)).toEqual(['i1']);
  });
});
