/** Retention on a real PostgreSQL: a plan writes nothing, two people make it run, and a hold wins over all of it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CommandBus } from '@nestjs/cqrs';
import type { SubjectId } from '#kernel';
import { LiftRestriction, RestrictSubject } from '#subjects';
import { connectPlugin } from '../support/connect-plugin.js';
import { thirdOfficer } from '../support/connected-systems.js';
import { openOldShop, type OldShop } from '../support/old-shop.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const HOLD = { ground: 'gdpr-17-3-e', owner: 'legal department', reviewOn: '2027-06-30' };

describe('retention', () => {
  let lethe: TestServer;
  let old: OldShop;
  let shop: OldShop['sql'];
  let connectionId: string;

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-11-22T12:00:00Z') });
    old = await openOldShop();
    shop = old.sql;
    connectionId = await connectPlugin(lethe, { plugin: 'postgres', name: 'shop', ...old.connection });
  });
  afterAll(async () => {
    await lethe.close();
    await old.drop();
  });

  const define = (id: string, body: object): Promise<TestAnswer> =>
    lethe.put(`/v1/retention/policies/${id}`, { connectionId, ...body });
  const plan = (body: object): Promise<TestAnswer> => lethe.post('/v1/retention/plans', body);
  const approve = (id: string, hash: string, as: 'officer' | 'officer2' | 'admin' | 'system' = 'officer2') =>
    lethe.post(`/v1/retention/plans/${id}/approve`, { hash }, { as });
  const count = async (sql: string): Promise<number> =>
    Number((await shop.query<{ n: string }>(`SELECT count(*) AS n FROM ${sql}`)).rows[0]?.n);
  const finished = (id: string): Promise<TestAnswer> =>
    until('the plan is done', async () => {
      const answer = await lethe.get(`/v1/retention/plans/${id}`);
      return ['done', 'incomplete'].includes(answer.body.status) && answer;
    });
  const leaves = async (): Promise<string> =>
    JSON.stringify(await lethe.server.parts.store.read(lethe.tenant.tenant.id, 0, 1000));

  it('rests on a duty nobody read in the source only when a human enables it, and keeps before and after', async () => {
    const duty = { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' };
    const body = { dataset: 'invoices', duty, action: 'erase', stripFields: ['email', 'birthday'] };
    const refused = await define('invoices', body);
    expect([refused.status, refused.body.code]).toEqual([422, 'duty-not-enabled']);
    const enabled = await define('invoices', { ...body, overrides: { enable: ['de-invoice'] } });
    expect([enabled.status, enabled.body.version]).toEqual([200, 1]);
    expect((await define('invoices', { ...body, overrides: { enable: ['de-invoice'] } })).body.version).toBe(1);
    const changed = await define('invoices', {
      ...body,
      stripFields: ['email'],
      overrides: { enable: ['de-invoice'] },
    });
    expect(changed.body.version).toBe(2);
    const events = await lethe.server.parts.store.load(lethe.tenant.tenant.id, 'retention-policy/invoices');
    expect(events.map(({ data }) => [data['before'] === null, Object(data['after']).stripFields])).toEqual([
      [true, ['email', 'birthday']],
      [false, ['email']],
    ]);
    expect(await leaves()).toContain('DutyRowEnabled.v1');
    const list = await lethe.get('/v1/retention/policies', { as: 'auditor' });
    expect(list.body.items.map((item: { id: string }) => item.id)).toEqual(['invoices']);
  });

  it('refuses policies over what is not there, with a stable code', async () => {
    const period = { period: 'P3Y', action: 'erase' };
    const codes = await Promise.all(
      [
        { dataset: 'nothing', ...period },
        { dataset: 'customers', ...period },
        { dataset: 'orders', action: 'erase' },
        { dataset: 'orders', period: 'P3Y', action: 'strip' },
        { dataset: 'orders', period: 'P3Y', action: 'strip', stripFields: ['colour'] },
        { dataset: 'orders', ...period, connectionId: '00000000-0000-7000-8000-000000000000' },
        { dataset: 'orders', period: '3 years', action: 'erase' },
      ].map(async (body) => (await define('bad', body)).body.code),
    );
    expect(codes).toEqual([
      'dataset-unknown',
      'dataset-without-date',
      'duty-or-period-needed',
      'strip-fields-missing',
      'field-unknown',
      'connection-unknown',
      'body-invalid',
    ]);
  });

  it('plans without a write, and the plan says what each policy would do', async () => {
    await define('orders', { dataset: 'orders', period: 'P3Y', action: 'erase' });
    const { status, body } = await plan({ all: true });
    expect(status).toBe(201);
    expect(body).toMatchObject({ status: 'planned', counts: { due: 454, held: 0 }, blocked: [] });
    expect(
      body.items.map((item: Record<string, unknown>) => [item['policyId'], item['before'], item['count']]),
    ).toEqual([
      // Eight years from year end: what was issued in 2015 was kept until 31 December 2023.
      ['invoices', '2018-01-01', 4],
      ['orders', '2023-11-22', 450],
    ]);
    expect(await count('changes')).toBe(0);
  });

  it('runs only for another human with the very hash', async () => {
    const { body } = await plan({ policyId: 'orders' });
    const codes = [
      (await approve(body.id, body.hash, 'officer')).body.code,
      (await approve(body.id, body.hash, 'admin')).status,
      (await approve(body.id, body.hash, 'system')).status,
      (await approve(body.id, '0'.repeat(64))).body.code,
    ];
    expect(codes).toEqual(['approver-repeated', 403, 403, 'plan-changed']);
    lethe.clock.advance(73 * 3_600_000);
    expect((await approve(body.id, body.hash)).body.code).toBe('plan-expired');
    lethe.clock.advance(-73 * 3_600_000);
    expect(await count('changes')).toBe(0);
  });

  it('takes two credentials of one human for one, and a repeated call for one plan', async () => {
    const members = await lethe.get('/v1/admin/members', { as: 'admin' });
    const officer = members.body.items.find((one: { label: string }) => one.label === 'officer');
    const issued = await lethe.post(
      '/v1/admin/api-keys',
      { kind: 'personal', label: 'second', memberId: officer.id },
      { as: 'admin' },
    );
    // One admin alone makes no approver: another officer vouches for the token first.
    const vouched = await lethe.post(`/v1/admin/api-keys/${issued.body.id}/confirm`, {}, { as: 'officer2' });
    expect(vouched.status).toBe(200);
    const headers = { 'idempotency-key': 'the-same-call' };
    const { body } = await lethe.post('/v1/retention/plans', { policyId: 'orders' }, { headers });
    const again = await lethe.post('/v1/retention/plans', { policyId: 'orders' }, { headers });
    expect([again.status, again.body.id]).toEqual([201, body.id]);
    const refused = await lethe.post(
      `/v1/retention/plans/${body.id}/approve`,
      { hash: body.hash },
      { key: issued.body.key },
    );
    expect(refused.body.code).toBe('approver-repeated');
  });

  it('runs for nobody when its planner has left: two who are here decide', async () => {
    const key = await thirdOfficer(lethe);
    const { body } = await lethe.post('/v1/retention/plans', { policyId: 'orders' }, { key });
    const { items } = (await lethe.get('/v1/admin/members', { as: 'admin' })).body;
    expect((await lethe.post(`/v1/admin/members/${items.at(-1).id}/remove`, {}, { as: 'admin' })).status).toBe(200);
    const refused = await approve(body.id, body.hash);
    expect([refused.status, refused.body.code]).toEqual([409, 'planner-gone']);
    expect((await lethe.get(`/v1/retention/plans/${body.id}`)).body.status).toBe('planned');
    expect(await count('changes')).toBe(0);
  });

  it('runs for nobody who leaves while the approval is on its way', async () => {
    const key = await thirdOfficer(lethe);
    const { body } = await plan({ policyId: 'orders' });
    const { items } = (await lethe.get('/v1/admin/members', { as: 'admin' })).body;
    const { store } = lethe.server.parts;
    const append = store.append.bind(store);
    store.append = async (input) => {
      if (!input.events.some(({ type }) => type === 'RetentionPlanApproved.v1')) return append(input);
      store.append = append;
      expect((await lethe.post(`/v1/admin/members/${items.at(-1).id}/remove`, {}, { as: 'admin' })).status).toBe(200);
      return append(input);
    };
    const refused = await lethe.post(`/v1/retention/plans/${body.id}/approve`, { hash: body.hash }, { key });
    expect([refused.status, refused.body.code]).toEqual([409, 'version-conflict']);
    expect((await lethe.get(`/v1/retention/plans/${body.id}`)).body.status).toBe('planned');
  });

  it('stops at a hold on the dataset', async () => {
    const reason = 'Claim of Bob Lake about order 17';
    const nowhere = { connectionId: '00000000-0000-7000-8000-000000000000' };
    const refused = await lethe.post('/v1/holds', { ...HOLD, reason, scope: nowhere });
    expect([refused.status, refused.body.code]).toEqual([422, 'connection-unknown']);
    const placed = await lethe.post('/v1/holds', { ...HOLD, reason, scope: { connectionId, dataset: 'orders' } });
    expect(placed).toMatchObject({ status: 201, body: { reason, owner: 'legal department', newPerson: false } });
    const { body } = await plan({ policyId: 'orders' });
    expect(body.counts.due).toBe(0);
    expect(body.blocked).toMatchObject([{ policyId: 'orders', code: 'held', heldBy: [`hold:${placed.body.id}`] }]);
    expect((await approve(body.id, body.hash)).body.code).toBe('plan-empty');
    const list = await lethe.get('/v1/holds');
    expect(list.body.items).toMatchObject([{ reason, owner: 'legal department', citation: 'GDPR art. 17(3)(e)' }]);
    expect(await leaves()).not.toMatch(/Bob Lake|legal department/);
    const released = await lethe.post(`/v1/holds/${placed.body.id}/release`, { reason: 'settled' });
    expect(released.status).toBe(200);
    expect((await lethe.post(`/v1/holds/${placed.body.id}/release`, { reason: 'again' })).status).toBe(409);
    expect((await lethe.get('/v1/holds')).body.items).toEqual([]);
    const events = await lethe.server.parts.store.load(lethe.tenant.tenant.id, `hold/${placed.body.id}`);
    expect(events.at(-1)).toMatchObject({
      type: 'HoldReleased.v1',
      data: { id: placed.body.id, scope: { subjectId: null, connectionId, dataset: 'orders' } },
    });
  });

  it('asks again when more changed than the plan covers', async () => {
    const { body } = await plan({ policyId: 'orders' });
    await shop.query(`INSERT INTO orders SELECT n, 2, DATE '2019-01-01', NULL FROM generate_series(2001, 2200) n`);
    const refused = await approve(body.id, body.hash);
    expect([refused.status, refused.body.code]).toEqual([409, 'plan-changed']);
    expect(refused.body.changes).toEqual([{ code: 'count-outside-band', policyId: 'orders' }]);
    expect(refused.body.plan).toMatchObject({ status: 'planned', counts: { due: 650 } });
    // The planner stays the planner: officer2, who met the change, may approve the new plan.
    await shop.query('DELETE FROM orders WHERE id BETWEEN 2001 AND 2200; TRUNCATE changes');
    await define('orders', { dataset: 'orders', period: 'P2Y', action: 'erase' });
    const changed = await approve(body.id, body.hash);
    expect(changed.body.changes.map((one: { code: string }) => one.code)).toEqual([
      'policy-changed',
      'cut-off-changed',
    ]);
    expect(await count('changes')).toBe(0);
  });

  it('takes what is due exactly once, leaves a held person and everything younger, and takes theirs after release', async () => {
    const hold = await lethe.post('/v1/holds', {
      ...HOLD,
      reason: 'warranty claim',
      scope: { subject: { identifiers: [{ type: 'email', value: 'ada@example.test' }] } },
    });
    const planned = await plan({ all: true });
    expect(planned.body.counts).toEqual({ due: 451, held: 3 });
    expect(planned.body.items[1]).toMatchObject({ held: 3, heldBy: [`hold:${hold.body.id}`] });
    const approved = await approve(planned.body.id, planned.body.hash);
    expect([approved.status, approved.body.total]).toEqual([200, 451]);
    expect((await approve(planned.body.id, planned.body.hash)).body.code).toBe('plan-already-approved');
    const { body } = await finished(planned.body.id);
    expect(body).toMatchObject({
      status: 'done',
      done: 451,
      total: 451,
      outcomes: [{ kind: 'erased', reason: null, count: 451 }],
    });
    expect(body.items.map((item: { ended: string }) => item.ended)).toEqual(['verified', 'verified']);
    expect(await count('orders')).toBe(23);
    expect(await count('orders WHERE id <= 3 OR id > 1000')).toBe(23);
    expect(await count("invoices WHERE issued_on = DATE '2024-03-12' AND email IS NOT NULL")).toBe(5);
    expect([await count('changes'), await count('(SELECT DISTINCT line FROM changes) c')]).toEqual([451, 451]);
    expect((await lethe.superuser.query('SELECT 1 FROM retention_batch')).rowCount).toBe(0);

    await lethe.post(`/v1/holds/${hold.body.id}/release`, { reason: 'claim settled' });
    const next = await plan({ all: true });
    expect(next.body.counts).toEqual({ due: 3, held: 0 });
    await approve(next.body.id, next.body.hash);
    expect((await finished(next.body.id)).body.status).toBe('done');
    expect(await count('orders WHERE id <= 3')).toBe(0);
    const empty = await plan({ all: true });
    expect((await approve(empty.body.id, empty.body.hash)).body.code).toBe('plan-empty');
  });

  it('leaves a restricted person’s records until the restriction is lifted', async () => {
    await shop.query(`INSERT INTO orders VALUES (3001, 1, '2019-01-01', NULL), (3002, 2, '2019-01-01', NULL)`);
    const found = await lethe.post('/v1/subjects/lookup', {
      identifiers: [{ type: 'email', value: 'ada@example.test' }],
    });
    const subject = found.body.items[0].subjectId as SubjectId;
    const by = { tenant: lethe.tenant.tenant.id, actorRef: 'test' };
    const commands = lethe.server.app.get(CommandBus);
    const { restrictionId } = await commands.execute(new RestrictSubject(by, subject, 'accuracy-contested'));
    const restricted = await plan({ policyId: 'orders' });
    expect(restricted.body.items[0]).toMatchObject({ count: 1, held: 1, heldBy: [`restriction:${restrictionId}`] });
    await commands.execute(new LiftRestriction(by, subject, restrictionId, lethe.clock.now()));
    expect((await plan({ policyId: 'orders' })).body.counts).toEqual({ due: 2, held: 0 });
    const wrong = await approve(restricted.body.id, restricted.body.hash);
    expect(wrong.body.changes).toEqual([{ code: 'hold-changed', policyId: 'orders' }]);
    await shop.query('DELETE FROM orders WHERE id > 3000');
  });

  it('strips fields beyond the duty early, once, and not those the duty needs', async () => {
    await define('birthdays', { dataset: 'invoices', period: 'P1Y', action: 'strip', stripFields: ['email'] });
    await define('too-much', { dataset: 'invoices', period: 'P1Y', action: 'strip', stripFields: ['birthday'] });
    const planned = await plan({ all: true });
    const of = (body: { items: { policyId: string; count: number; before: string }[] }, id: string) =>
      body.items.find((item) => item.policyId === id);
    expect(of(planned.body, 'birthdays')).toMatchObject({ count: 5, before: '2025-11-22' });
    // The birthday is not among the fields beyond the duty: it stays as long as the invoice.
    expect(of(planned.body, 'too-much')).toMatchObject({ count: 0, before: '2018-01-01' });
    await approve(planned.body.id, planned.body.hash);
    const { body } = await finished(planned.body.id);
    expect([body.status, body.outcomes]).toEqual(['done', [{ kind: 'retained', reason: null, count: 5 }]]);
    expect(await count('invoices WHERE email IS NULL AND birthday IS NOT NULL')).toBe(5);
    expect(of((await plan({ all: true })).body, 'birthdays')).toMatchObject({ count: 0 });
  });

  it('says what a plan can not do when the system is away', async () => {
    await lethe.post(`/v1/admin/connections/${connectionId}/disable`, {}, { as: 'admin' });
    const { body } = await plan({ policyId: 'orders' });
    expect(body.blocked).toMatchObject([{ policyId: 'orders', code: 'connection-disabled' }]);
    await lethe.post(`/v1/admin/connections/${connectionId}/enable`, {}, { as: 'admin' });
  });

  it('says when a hold is about somebody nobody knew, and keeps its words out of the answer to a repeat', async () => {
    const scope = { subject: { identifiers: [{ type: 'email', value: 'adda@example.test' }] } };
    const headers = { 'idempotency-key': 'a-misspelt-address' };
    const place = (call = {}): Promise<TestAnswer> => lethe.post('/v1/holds', { ...HOLD, reason: 'x', scope }, call);
    expect((await place({ headers })).body).toMatchObject({ newPerson: true, reason: 'x' });
    expect((await place({ headers })).body).toMatchObject({ newPerson: true, reason: null, owner: null });
    expect((await place()).body).toMatchObject({ newPerson: false });
  });

  it('refuses holds without an exception, a scope or a review ahead', async () => {
    const base = { ...HOLD, reason: 'x', scope: { connectionId } };
    const codes = await Promise.all(
      [
        { ...base, ground: 'because' },
        { ...base, scope: {} },
        { ...base, scope: { dataset: 'orders' } },
        { ...base, scope: { connectionId, dataset: 'Orders of Bob Lake' } },
        { ...base, reviewOn: '2026-11-22' },
        { ...base, scope: { subjectId: '00000000-0000-7000-8000-000000000000' } },
      ].map(async (body) => (await lethe.post('/v1/holds', body)).body.code),
    );
    expect(codes).toEqual([
      'ground-unknown',
      'hold-scope-invalid',
      'hold-scope-invalid',
      'hold-scope-invalid',
      'review-in-past',
      'not-found',
    ]);
  });
});
