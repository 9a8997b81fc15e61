/** One erasure over two systems, from receipt to closed; and everything that must send it back or keep it open. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  ada,
  approved as approvedOf,
  approveByTwo,
  customer,
  planned as plannedOf,
  shopAndWarehouse,
} from '../../../test/support/approved-erasure.js';
import type { FakeSystem } from '../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../test/support/requests-fixture.js';

describe('an erasure', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let warehouse: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    ({ shop, warehouse } = shopAndWarehouse());
    all = await open([shop, warehouse]);
  });

  const received = { receivedAt: '2026-11-02T08:00:00Z' };
  const planned = (): Promise<{ id: string; hash: string }> => plannedOf(all, 'erasure', received);
  const approved = (): Promise<string> => approvedOf(all, received);

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
    await approveByTwo(all, id, plan.hash);
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
    await expect(all.exclude(id, { connectionId: 'shop', dataset: 'those of Ada Lake' })).rejects.toMatchObject({
      code: 'dataset-unknown',
    });
    await all.exclude(id, { connectionId: 'shop', dataset: 'customers', ref: 'c99' });
    const plan = await all.plan(id);
    expect(plan.blockers).toEqual([]);
    await approveByTwo(all, id, plan.hash);
    await all.until(id, (one) => one.status === 'closed');
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18', 'c99']);
  });

  it('holds no personal data in the clear anywhere in the ledger', async () => {
    const id = await approved();
    await all.until(id, (one) => one.status === 'closed');
    const text = JSON.stringify(await all.store.read(all.tenant, 0, 500));
    for (const canary of ['ada@example', '"c17"', '"i1"', '"s1"', '"17"']) expect(text).not.toContain(canary);
    expect(text).toContain('TargetOutcomeRecorded.v1');
  });
});
