/** An erasure whose systems lie, fail, answer nothing or need a human: it stays open, says why, and ends only by two. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { approved as approvedOf, customer, shopAndWarehouse } from '../../../test/support/approved-erasure.js';
import type { FakeSystem } from '../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../test/support/requests-fixture.js';
import type { RequestView } from './reading/request-view.js';

describe('an erasure that meets trouble', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let warehouse: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    ({ shop, warehouse } = shopAndWarehouse());
    all = await open([shop, warehouse]);
  });

  const received = { receivedAt: '2026-11-02T08:00:00Z' };
  const approved = (): Promise<string> => approvedOf(all, received);

  const faults: [string, FakeSystem['faults'], string][] = [
    ['says erased and keeps the row', { lies: true }, 'residue'],
    ['erases half', { half: true }, 'half-done'],
    ['refuses', { refuses: 'open sale' }, 'refused-by-system'],
    ['is down for good', { applyDown: { class: 'auth', code: 'credentials-rejected' } }, 'credentials-rejected'],
    ['answers outside the contract', { applyDown: { class: 'bug', code: 'foreign-dataset' } }, 'foreign-dataset'],
  ];
  it.each(faults)(
    'is never fulfilled when a system %s; the other one finishes, and the officer sees which and why',
    async (_, fault, code) => {
      shop.rows.push({ dataset: 'customers', ref: 'c20', ids: [customer] });
      shop.faults = fault;
      const id = await approved();
      const done =
        (connectionId: string, status: string) => (one: { targets: { connectionId: string; status: string }[] }) =>
          one.targets.some((target) => target.connectionId === connectionId && target.status === status);
      const view = await all.until(id, (one) => one.status === 'incomplete' && done('warehouse', 'done')(one));
      expect(view.status).toBe('incomplete');
      expect(view.targets.find((one) => one.connectionId === 'shop')).toMatchObject({
        status: 'failed',
        failure: { code },
      });
      expect(view.targets.find((one) => one.connectionId === 'warehouse')?.status).toBe('done');
      expect(view.targets.find((one) => one.connectionId === 'lethe')?.status).toBe('waiting');
      shop.faults = {};
      await all.tasks.retry(all.by('officer'), id, 'shop', { reason: 'repaired' });
      expect(await all.until(id, (one) => one.status === 'closed')).toMatchObject({
        status: 'closed',
        resolution: 'fulfilled-with-retention',
      });
      expect(shop.rows.map((row) => row.ref)).toEqual(['c18']);
    },
  );

  it('counts a lost answer as erased once the second read is empty, under the same key', async () => {
    shop.faults.dropsAnswerOnce = true;
    const id = await approved();
    await all.until(id, () => shop.faults.dropsAnswerOnce === false);
    all.clock.advance(60_000);
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.status).toBe('closed');
    const outcomes = view.targets.find((one) => one.connectionId === 'shop')?.outcomes ?? [];
    expect(outcomes.map((one) => [one.dataset, one.kind, one.note])).toEqual(
      expect.arrayContaining([
        ['customers', 'erased', 'confirmed-on-retry'],
        ['invoices', 'erased', 'confirmed-on-retry'],
      ]),
    );
    expect([...shop.changed.values()]).toEqual([1, 1]);
    expect(new Set(shop.itemKeys).size).toBe(1);
  });

  it('still knows by its file whom it has erased, when it crashed before it could mark what she stopped', async () => {
    all.erasure.crashesAfter = 'identity';
    const id = await approved();
    expect((await all.untilLater(id, (one) => one.status === 'closed', 60_000)).status).toBe('closed');
    expect(all.erasure.known).toEqual(Array(2).fill(expect.arrayContaining([customer.value])));
  });

  it.each([
    ['is asked by its own word', 'askable', { poll: 2, apply: 1 }],
    ['is told again under the same key when it cannot be asked', 'mute', { poll: 2, apply: 3 }],
  ] as const)('waits for a system that is still at it, which %s', async (_, slow, times) => {
    shop.faults.slow = slow;
    const id = await approved();
    const asked = (count: number) => (): boolean => shop.calls.filter((call) => call === 'poll').length >= count;
    const pending = (one: RequestView): boolean =>
      one.targets.some((target) => target.outcomes.some((outcome) => outcome.kind === 'pending'));
    expect(pending(await all.until(id, pending))).toBe(true);
    // When its next turn is, is written a moment after what was said of it.
    await all.until(id, () => {
      if (asked(1)()) return true;
      all.clock.advance(100);
      return false;
    });
    // The system that cannot be asked is told again in the same turn, and must not be ready before.
    const told = slow === 'mute' ? 2 : 1;
    await all.until(id, () => shop.calls.filter((call) => call === 'apply').length >= told);
    expect(shop.rows).toHaveLength(3);
    shop.ready = true;
    const view = await all.untilLater(id, (one) => one.status === 'closed', 100);
    expect(view.status).toBe('closed');
    const count = (name: string): number => shop.calls.filter((call) => call === name).length;
    expect({ poll: count('poll'), apply: count('apply') }).toEqual(times);
    expect(shop.handles).toEqual(slow === 'askable' ? [{ job: 'job-1' }, { job: 'job-1' }] : []);
    expect(new Set(shop.itemKeys).size).toBe(1);
    expect([...shop.changed.values()]).toEqual([1, 1]);
    expect(JSON.stringify(await all.store.read(all.tenant, 0, 500))).not.toContain('job-1');
  });

  it('finds at the second read what came during the first, and takes it along when an officer drives again', async () => {
    shop.lateRow = { dataset: 'customers', ref: 'late', ids: [customer] };
    const id = await approved();
    const view = await all.until(id, (one) => one.status === 'incomplete');
    expect(view.reasons).toContainEqual(expect.objectContaining({ code: 'residue' }));
    await all.tasks.retry(all.by('officer'), id, 'shop', { reason: 'a row came in between' });
    const after = await all.until(id, (one) => one.status === 'closed');
    expect(after.targets.find((one) => one.connectionId === 'shop')).toMatchObject({ status: 'done', added: 1 });
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18']);
  });

  it('waits for the humans behind systems that cannot be searched, and names them', async () => {
    all.connected.unsearched = [{ id: 'archive', name: 'Paper archive', owner: 'office', why: 'paper' }];
    const id = await approved();
    const view = await all.until(id, (one) => one.targets.filter((target) => target.status === 'done').length === 2);
    expect(view).toMatchObject({
      unsearched: [{ name: 'Paper archive' }],
      tasks: [{ status: 'open', owner: 'office' }],
    });
    expect(view.status).not.toBe('closed');
    const task = view.tasks[0]!.id;
    const body = { outcome: 'nothing-found' as const, proof: 'looked in folder A to C' };
    await expect(all.tasks.complete(all.by('officer2'), id, task, body)).rejects.toMatchObject({
      code: 'approver-cannot-attest',
    });
    await all.tasks.complete(all.by('archivist'), id, task, body);
    expect((await all.until(id, (one) => one.status === 'closed')).status).toBe('closed');
  });

  it('accepts a failure of an erasure only by two humans, and answers that part of it was refused', async () => {
    shop.faults.refuses = 'never';
    const id = await approved();
    await all.until(id, (one) => one.status === 'incomplete');
    expect(await all.tasks.accept(all.by('officer'), id, 'shop', { reason: 'cannot be done' })).toMatchObject({
      final: false,
    });
    await expect(all.tasks.accept(all.by('officer'), id, 'shop', { reason: 'again' })).rejects.toMatchObject({
      code: 'approver-repeated',
    });
    expect(await all.tasks.accept(all.by('officer2'), id, 'shop', { reason: 'agreed' })).toMatchObject({ final: true });
    expect(await all.until(id, (one) => one.status === 'closed')).toMatchObject({ resolution: 'refused' });
  });
});
