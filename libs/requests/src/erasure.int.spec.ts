/** One erasure over two systems, from receipt to closed; and everything that must send it back or keep it open. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { fakeSystem, type FakeSystem } from '../../../test/support/fake-systems.js';
import {
  openDatabases,
  openRequests,
  type RequestsFixture,
  type SharedDatabases,
} from '../../../test/support/requests-fixture.js';
import type { RequestView } from './reading/request-view.js';

const ada = { type: 'email', value: 'ada@example.test' };
const customer = { type: 'customerId', value: '17' };

describe('an erasure', () => {
  let shop: FakeSystem;
  let warehouse: FakeSystem;
  let all: RequestsFixture;
  let shared: SharedDatabases;

  beforeAll(async () => {
    shared = await openDatabases();
  });
  afterAll(() => shared.base.close());

  beforeEach(async () => {
    shop = fakeSystem('shop', [{ name: 'customers' }, { name: 'invoices', action: 'erase' }]);
    warehouse = fakeSystem('warehouse', [{ name: 'sales' }]);
    shop.rows = [
      { dataset: 'customers', ref: 'c17', ids: [ada, customer] },
      { dataset: 'invoices', ref: 'i1', ids: [customer], startsOn: '2024-03-12' },
      { dataset: 'customers', ref: 'c18', ids: [{ type: 'email', value: 'bob@example.test' }] },
    ];
    warehouse.rows = [{ dataset: 'sales', ref: 's1', ids: [customer] }];
    all = await openRequests(shared, [shop, warehouse]);
  });
  afterEach(() => all.close());

  async function planned(): Promise<{ id: string; hash: string }> {
    const { id } = await all.open('erasure', ada.value, { receivedAt: '2026-11-02T08:00:00Z' });
    await all.attest(id, 'email', ada.value);
    const { hash } = await all.plan(id);
    return { id, hash };
  }

  async function approved(): Promise<string> {
    const { id, hash } = await planned();
    await all.approve(id, hash, 'officer');
    await all.approve(id, hash, 'officer2');
    return id;
  }

  it('reaches every system over the chain of identifiers, and only this person', async () => {
    const opened = await all.open('erasure', ada.value, { receivedAt: '2026-11-02T08:00:00Z' });
    expect(opened).toMatchObject({ status: 'identifying', dueOn: '2026-12-02' });
    const id = await approvedFrom(opened.id);
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view).toMatchObject({ status: 'closed', resolution: 'fulfilled-with-retention' });
    expect(view.targets.map((one) => [one.connectionId, one.status, one.verification.status])).toEqual(
      expect.arrayContaining([
        ['shop', 'done', 'clean'],
        ['warehouse', 'done', 'clean'],
        ['lethe', 'done', 'clean'],
      ]),
    );
    expect(view.targets.at(-1)?.connectionId).toBe('lethe');
    expect(warehouse.rows).toEqual([]);
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18']);
    expect([...shop.changed.values(), ...warehouse.changed.values()]).toEqual([1, 1, 1]);
    expect(view.targets.find((one) => one.connectionId === 'shop')?.horizon).toContainEqual({
      dataset: 'customers',
      layer: 'backup',
      until: '2027-01-01',
    });
    // The person is gone here as well.
    expect(await all.subjects.lookup(all.tenant, [ada])).toEqual([]);
  });

  async function approvedFrom(id: string): Promise<string> {
    await all.attest(id, 'email', ada.value);
    const plan = await all.plan(id);
    expect(plan.identifiers).toContainEqual({
      type: 'customerId',
      masked: '***',
      strength: 'derived',
      from: { connectionId: 'shop', dataset: 'customers', depth: 1 },
    });
    await all.approve(id, plan.hash, 'officer');
    await all.approve(id, plan.hash, 'officer2');
    return id;
  }

  it('writes nothing while planning', async () => {
    const { id } = await planned();
    await all.plan(id);
    expect([...shop.calls, ...warehouse.calls].every((call) => call === 'locate')).toBe(true);
  });

  it('needs two different humans, and never a system key', async () => {
    const { id, hash } = await planned();
    await expect(all.approve(id, hash, 'robot', 'system')).rejects.toMatchObject({ status: 403 });
    expect(await all.approve(id, hash, 'officer')).toMatchObject({ status: 'deciding', approvals: 1, needed: 2 });
    await expect(all.approve(id, hash, 'officer')).rejects.toMatchObject({ status: 409, code: 'approver-repeated' });
  });

  it('does nothing for a claimed identifier', async () => {
    const { id } = await all.open('erasure', ada.value);
    await expect(all.plan(id)).rejects.toMatchObject({ code: 'request-not-identified' });
  });

  it('keeps what a duty covers, strips beyond it, and erases it by itself when the day is over', async () => {
    all.rules.duties.set('shop/invoices', {
      ruleId: 'de-invoice',
      dutyId: 'de-invoice',
      citation: '§ 14b UStG',
      stripFields: ['email'],
    });
    const id = await approved();
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.resolution).toBe('fulfilled-with-retention');
    const outcome = view.targets
      .find((one) => one.connectionId === 'shop')
      ?.outcomes.find((one) => one.dataset === 'invoices');
    expect(outcome).toMatchObject({
      kind: 'retained',
      count: 1,
      citation: '§ 14b UStG',
      until: '2032-12-31',
      reason: 'legal-duty',
    });
    expect(shop.rows.find((row) => row.ref === 'i1')?.stripped).toEqual(['email']);
    all.clock.set(new Date('2032-12-31T22:59:00Z'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(shop.rows.some((row) => row.ref === 'i1')).toBe(true);
    all.clock.set(new Date('2032-12-31T23:30:00Z'));
    const after = await all.until(id, (one) =>
      one.aftercare.some((care) => care.dataset === 'invoices' && care.status === 'erased'),
    );
    expect(after.aftercare.find((care) => care.dataset === 'invoices')).toMatchObject({
      status: 'erased',
      until: '2032-12-31',
    });
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18']);
  });

  it('is sent back before any write when something new appears between the approvals', async () => {
    const { id, hash } = await planned();
    await all.approve(id, hash, 'officer');
    warehouse.rows.push({ dataset: 'sales', ref: 's9', ids: [customer, { type: 'phone', value: '+491701234567' }] });
    await expect(all.approve(id, hash, 'officer2')).rejects.toMatchObject({ status: 409, code: 'plan-changed' });
    const fresh = await all.planOf(id);
    expect(fresh.hash).not.toBe(hash);
    expect((await all.view(id)).approvals).toBe(0);
    expect([...shop.calls, ...warehouse.calls]).not.toContain('apply');
  });

  it('is sent back by the first job when the table map changes after the last approval', async () => {
    await all.worker.stop();
    const id = await approved();
    shop.view.configVersion = 2;
    all.worker.start();
    const view = await all.until(id, (one) => one.status === 'deciding');
    expect(view).toMatchObject({ status: 'deciding', approvals: 0, plan: { cause: 'first-write' } });
    expect([...shop.calls, ...warehouse.calls]).not.toContain('apply');
  });

  it('runs more rows of the same person inside the band, and lists them', async () => {
    await all.worker.stop();
    const id = await approved();
    warehouse.rows.push({ dataset: 'sales', ref: 's2', ids: [customer] });
    all.worker.start();
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.targets.find((one) => one.connectionId === 'warehouse')).toMatchObject({ added: 1, status: 'done' });
    expect(warehouse.rows).toEqual([]);
  });

  it('asks again when a system is silent', async () => {
    const { id, hash } = await planned();
    warehouse.faults.down = { class: 'transient', code: 'deadline-exceeded' };
    await expect(all.approve(id, hash, 'officer')).rejects.toMatchObject({
      code: 'plan-unconfirmed',
      details: { extra: { silent: [{ connectionId: 'warehouse', code: 'deadline-exceeded' }] } },
    });
  });

  it('blocks on a record that may be another’s until an officer excludes it', async () => {
    shop.rows.push({ dataset: 'customers', ref: 'c99', ids: [ada], blockedBy: 'ambiguous-identifier' });
    const { id, hash } = await planned();
    await expect(all.approve(id, hash, 'officer')).rejects.toMatchObject({ code: 'plan-blocked' });
    await all.exclude(id, { connectionId: 'shop', ref: 'c99' });
    const plan = await all.plan(id);
    expect(plan.blockers).toEqual([]);
    await all.approve(id, plan.hash, 'officer');
    await all.approve(id, plan.hash, 'officer2');
    await all.until(id, (one) => one.status === 'closed');
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18', 'c99']);
  });

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
    all.clock.advance(1500);
    await all.until(id, asked(1));
    expect(shop.rows).toHaveLength(3);
    shop.ready = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
    all.clock.advance(1500);
    const view = await all.until(id, (one) => one.status === 'closed');
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
      code: 'approver-repeated',
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

  it('holds no personal data in the clear anywhere in the ledger', async () => {
    const id = await approved();
    await all.until(id, (one) => one.status === 'closed');
    const text = JSON.stringify(await all.store.read(all.tenant, 0, 500));
    for (const canary of ['ada@example', '"c17"', '"i1"', '"s1"', '"17"']) expect(text).not.toContain(canary);
    expect(text).toContain('TargetOutcomeRecorded.v1');
  });
});
