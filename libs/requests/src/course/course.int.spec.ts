/** The other turns of a request: access, things done at once, codes, clocks, refusal, withdrawal, reopening, duplicates, released holds. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '#kernel';
import type { RequestView } from '../reading/request-view.js';
import { ada, approveByTwo, customer, planned as plannedOf } from '../../../../test/support/approved-erasure.js';
import { fakeSystem, type FakeSystem } from '../../../../test/support/fake-systems.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';

describe('a request', () => {
  const open = requestsPerSpec();
  let shop: FakeSystem;
  let all: RequestsFixture;

  beforeEach(async () => {
    shop = fakeSystem('shop', [{ name: 'customers' }, { name: 'orders' }]);
    shop.rows = [
      { dataset: 'customers', ref: 'c17', ids: [ada, customer] },
      { dataset: 'customers', ref: 'c18', ids: [{ type: 'email', value: 'bob@example.test' }] },
    ];
    all = await open([shop]);
  });

  const officer = (): ReturnType<RequestsFixture['by']> => all.by('officer');

  const planned = (type?: string): Promise<{ id: string; hash: string }> => plannedOf(all, type);

  it('for access needs one approval, changes nothing and packs only this person’s records', async () => {
    const { id, hash } = await planned('access');
    expect(await all.approve(id, hash, 'officer')).toMatchObject({ status: 'approved', needed: 1 });
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view).toMatchObject({ status: 'closed', resolution: 'fulfilled', package: { records: 1 } });
    expect(all.collected.packaged.get('shop')).toEqual(['customers/c17']);
    expect(shop.calls).not.toContain('apply');
    const outcomes = view.targets.find((one) => one.connectionId === 'shop')?.outcomes;
    expect(outcomes).toEqual([
      { dataset: 'customers', kind: 'provided', count: 1 },
      { dataset: 'orders', kind: 'not-found', count: 0 },
    ]);
  });

  it.each(['objection', 'withdrawal'])('of kind %s is done at once, without proof, and closed', async (type) => {
    const opened = await all.open(type, ada.value, { purposes: ['newsletter'] });
    expect(opened.status).toBe('closed');
    expect(all.collected.stopped).toEqual([{ subject: expect.any(String), purposes: ['newsletter'] }]);
    expect(await all.view(opened.id)).toMatchObject({ status: 'closed', resolution: 'fulfilled', owner: null });
    await all.until(opened.id, () => all.collected.answered.length > 0);
    expect(all.collected.answered).toEqual([expect.stringContaining('/completion')]);
  });

  it.each([
    ['rectification', { regimes: ['eu-gdpr'] }, 'request-type-not-available', '/type'],
    ['portability', { regimes: ['eu-gdpr'] }, 'request-type-not-available', '/type'],
    ['erasure', { regimes: ['eu-gdpr', 'gdpr'] }, 'regime-unknown', '/regimes/1'],
    ['erasure', { territory: 'XX' }, 'territory-invalid', '/territory'],
    ['erasure', { territory: 'XX-BE' }, 'territory-invalid', '/territory'],
  ])('of kind %s with %j is refused with %s at %s', async (type, more, code, pointer) => {
    const extra = {
      'request-type-not-available': { types: ['access', 'erasure', 'objection', 'withdrawal'] },
      'regime-unknown': { regimes: ['eu-gdpr', 'uk-gdpr', 'us-ca', 'br-lgpd'] },
    }[code];
    await expect(all.open(type, ada.value, more)).rejects.toMatchObject({
      ...{ status: 422, code, details: { errors: [{ pointer, code }], ...(extra ? { extra } : {}) } },
    });
  });

  it('marks a late entry, refuses a future one, and counts from the receipt', async () => {
    const late = await all.open('erasure', ada.value, { receivedAt: '2026-10-01T22:30:00Z' });
    expect(await all.view(late.id)).toMatchObject({ backdated: true, dueOn: '2026-11-02', overdue: false });
    await expect(all.open('erasure', ada.value, { receivedAt: '2027-01-01T00:00:00Z' })).rejects.toMatchObject({
      code: 'received-at-in-future',
    });
    all.clock.set(new Date('2026-11-03T09:00:00Z'));
    expect(await all.view(late.id)).toMatchObject({ overdue: true, owner: 'privacy-office' });
  });

  it('accepts a code once, within ten minutes and five tries', async () => {
    const { id } = await all.open('erasure', ada.value);
    const first = await all.codes.issue(all.tenant, id, ada);
    const wrong = first.code === '00000000' ? '00000001' : '00000000';
    for (let attempt = 0; attempt < 5; attempt++)
      await expect(all.prove(id, ada.value, wrong)).rejects.toMatchObject({ code: 'verification-code-invalid' });
    await expect(all.prove(id, ada.value, first.code)).rejects.toMatchObject({ code: 'verification-code-invalid' });
    const second = await all.codes.issue(all.tenant, id, ada);
    all.clock.advance(10 * 60_000);
    await expect(all.prove(id, ada.value, second.code)).rejects.toMatchObject({ code: 'verification-code-invalid' });
    const third = await all.codes.issue(all.tenant, id, ada);
    await expect(all.prove(id, 'bob@example.test', third.code)).rejects.toMatchObject({
      code: 'verification-code-invalid',
    });
    expect(await all.prove(id, ada.value, third.code)).toMatchObject({
      status: 'deciding',
      identifier: { strength: 'verified' },
    });
    await expect(all.prove(id, ada.value, third.code)).rejects.toMatchObject({ code: 'verification-code-invalid' });
  });

  it('extends from the original day, and never pauses in California', async () => {
    const { id } = await all.open('erasure', ada.value, { regimes: ['eu-gdpr', 'us-ca'] });
    const before = await all.view(id);
    await expect(all.course.extend(officer(), id, { regime: 'uk-gdpr', reason: 'complexity' })).rejects.toMatchObject({
      ...{ status: 422, code: 'regime-not-of-request' },
      details: { extra: { regimes: ['eu-gdpr', 'us-ca'] } },
    });
    await all.course.extend(officer(), id, { regime: 'eu-gdpr', reason: 'complexity' });
    const after = await all.view(id);
    expect(after.clocks.find((one) => one.regime === 'eu-gdpr' && one.kind === 'respond')).toMatchObject({
      extendedDueOn: '2027-02-02',
    });
    expect(after.extended).toEqual(['eu-gdpr']);
    expect(before.dueOn).toBe('2026-12-02');
    await expect(all.course.pause(officer(), id, { regime: 'us-ca', reason: 'identity' })).rejects.toMatchObject({
      status: 422,
      code: 'pause-not-allowed-by-regime',
    });
    await all.until(id, () => all.collected.answered.some((one) => one.endsWith('/extension')));
    expect(all.collected.answered.some((one) => one.endsWith('/extension'))).toBe(true);
  });

  it('is refused with an exception the law knows, answered and closed', async () => {
    const { id } = await all.open('erasure', ada.value);
    await expect(
      all.course.refuse(officer(), id, { reason: 'no', exception: 'because', resolution: 'refused' }),
    ).rejects.toMatchObject({ code: 'exception-unknown' });
    // One of another law is none here, nor is one of another right.
    for (const [type, exception] of [
      ['erasure', 'ccpa-105-d-8'],
      ['access', 'gdpr-17-3-b'],
    ] as const) {
      const other = await all.open(type, ada.value);
      await expect(
        all.course.refuse(officer(), other.id, { reason: 'no', exception, resolution: 'refused' }),
      ).rejects.toMatchObject({
        code: 'exception-unknown',
        details: { extra: { exceptions: expect.arrayContaining(['gdpr-12-5-b']) } },
      });
    }
    await all.course.refuse(officer(), id, {
      reason: 'a claim is pending',
      exception: 'gdpr-17-3-e',
      resolution: 'refused',
    });
    expect(await all.until(id, (one) => one.status === 'closed')).toMatchObject({ resolution: 'refused' });
    expect(all.collected.answered.some((one) => one.endsWith('/refusal'))).toBe(true);
    await expect(all.plan(id)).rejects.toMatchObject({ code: 'request-closed' });
  });

  it('stops unsent work when the person withdraws, and never runs it later', async () => {
    await all.worker.stop();
    const { id, hash } = await planned();
    await approveByTwo(all, id, hash);
    await all.course.withdraw(officer(), id, { reason: 'changed her mind' });
    all.worker.start();
    expect(await all.until(id, (one) => one.status === 'closed')).toMatchObject({
      resolution: 'withdrawn',
      targets: [],
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(shop.calls).not.toContain('apply');
    expect(shop.rows).toHaveLength(2);
  });

  it('is reopened, planned anew and carried out again', async () => {
    const { id, hash } = await planned();
    await approveByTwo(all, id, hash);
    await all.until(id, (one) => one.status === 'closed');
    shop.rows.push({ dataset: 'orders', ref: 'o1', ids: [ada] });
    await all.course.reopen(officer(), id, { reason: 'an order turned up', cause: 'late-find' });
    const { hash: again } = await all.plan(id);
    await approveByTwo(all, id, again);
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view.status).toBe('closed');
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18']);
  });

  it('collapses into an open one only when both are proven to be the same person’s', async () => {
    const first = await all.open('erasure', ada.value);
    const impostor = await all.open('erasure', ada.value);
    expect((await all.view(impostor.id)).mergedInto).toBeNull();
    await all.attest(first.id, 'email', ada.value);
    await all.subscriptions.caughtUp(all.tenant, 'request-summary', (await all.view(first.id)).position);
    expect(await all.attest(impostor.id, 'email', ada.value)).toMatchObject({ status: 'closed', mergedInto: first.id });
    expect(await all.view(first.id)).toMatchObject({ status: 'deciding' });
  });

  it('is a case of its own where the earlier one would not do all that it asks for', async () => {
    const phone = { type: 'phone', value: '+4520123456' };
    const first = await all.open('erasure', ada.value);
    await all.attest(first.id, 'email', ada.value);
    await all.subscriptions.caughtUp(all.tenant, 'request-summary', (await all.view(first.id)).position);
    const other = await all.open('erasure', ada.value);
    // Whoever owns this telephone named her mailbox, and did not show that it is theirs.
    expect(await all.attest(other.id, phone.type, phone.value)).toMatchObject({ mergedInto: null });
    const law = await all.open('erasure', ada.value, { regimes: ['eu-gdpr', 'uk-gdpr'] });
    expect(await all.attest(law.id, 'email', ada.value)).toMatchObject({ mergedInto: null });
    await all.worker.stop();
    for (const { id } of [first, law]) await all.course.withdraw(officer(), id, { reason: 'she changed her mind' });
    const again = await all.open('erasure', ada.value);
    expect(await all.attest(again.id, 'email', ada.value)).toMatchObject({ status: 'deciding', mergedInto: null });
  });

  it('never lets an unproven one swallow another', async () => {
    const impostor = await all.open('erasure', ada.value);
    const real = await all.open('erasure', ada.value);
    await all.subscriptions.caughtUp(all.tenant, 'request-summary', (await all.view(impostor.id)).position);
    expect(await all.attest(real.id, 'email', ada.value)).toMatchObject({ status: 'deciding', mergedInto: null });
  });

  it('goes on by itself when a hold is released, and only with what was decided', async () => {
    all.rules.holds.set('shop/customers', { id: 'h1', ground: 'GDPR art. 17(3)(e)', reviewOn: '2027-01-01' });
    const { id, hash } = await planned();
    await approveByTwo(all, id, hash);
    const held = await all.until(id, (one) => one.status === 'closed');
    expect(held.targets.find((one) => one.connectionId === 'shop')?.outcomes[0]).toMatchObject({
      kind: 'retained',
      reason: 'hold',
    });
    all.clock.advance(2 * 3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(shop.rows).toHaveLength(2);
    shop.rows.push({ dataset: 'customers', ref: 'new', ids: [ada] });
    all.rules.holds.clear();
    all.clock.advance(2 * 3_600_000);
    await all.until(id, (one) => one.aftercare.some((care) => care.status === 'erased' && care.ruleId === 'hold:h1'));
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18', 'new']);
  });

  it('goes on at the moment of a release, on a clock that stands still', async () => {
    const holdId = newId();
    all.rules.holds.set('shop/customers', { id: holdId, ground: 'GDPR art. 17(3)(e)', reviewOn: '2027-01-01' });
    const { id, hash } = await planned();
    await approveByTwo(all, id, hash);
    const release = (hold: string): Promise<unknown> =>
      all.store.append({
        tenant: all.tenant,
        actorRef: 'member:officer',
        events: [
          {
            stream: `hold/${hold}`,
            type: 'HoldReleased.v1',
            data: { id: hold, scope: { subjectId: null, connectionId: 'shop', dataset: 'customers' }, reason: {} },
          },
        ],
      });
    const erased = (view: RequestView): boolean => view.aftercare.some((care) => care.status === 'erased');
    await all.until(id, (one) => one.status === 'closed');
    // Another hold over the same records is released while this one stands.
    await release(newId());
    expect(erased(await all.until(id, erased, 300))).toBe(false);
    expect(shop.rows).toHaveLength(2);
    all.rules.holds.clear();
    await release(holdId);
    expect(erased(await all.until(id, erased))).toBe(true);
    expect(shop.rows.map((row) => row.ref)).toEqual(['c18']);
  });
});
