/** Turns in an erasure's course: whose is it, holds, systems without a connector, two humans, refusal, and what needs no plan. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  approve,
  approveByTwo,
  byCustomer,
  byEmail,
  closed,
  connectShop,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
  thirdOfficer,
} from '../support/connected-systems.js';
import { differences, FAMILY, openShop, type Shop } from '../support/connected-shop.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];

let lethe: TestServer;
let shop: Shop;
let shopId: string;

const open = (type: string, identifiers: unknown[], more: object = {}): Promise<TestAnswer> =>
  lethe.post('/v1/requests', { type, regimes: ['eu-gdpr'], subject: { identifiers }, channel: 'mail', ...more });

beforeAll(async () => {
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
  shop = await openShop();
  shopId = await connectShop(lethe, shop);
}, 60_000);

afterAll(async () => {
  await lethe.close();
  await shop.drop();
});

describe('an identifier that two people use', () => {
  let id: string;
  let before: Map<string, string>;

  it('blocks the plan, shows whose records are in doubt, and nobody can approve', async () => {
    before = await shop.snapshot();
    id = await openProven(lethe, 'erasure', [byEmail(FAMILY)]);
    const plan = await planOf(lethe, id);
    // What is proven is no candidate, though Lethe knew it claimed before.
    const proven = plan.identifiers.map((one: Answer) => `${one.type} ${one.masked}`);
    expect(plan.candidates.filter((one: Answer) => proven.includes(`${one.type} ${one.masked}`))).toEqual([]);
    const blocker = plan.blockers.find((one: Answer) => one.dataset === 'customers');
    expect(blocker).toMatchObject({ code: 'ambiguous-identifier', connectionId: shopId, count: 2 });
    expect(blocker.records.sort()).toEqual(['3', '4']);
    const answer = await approve(lethe, id, plan.hash);
    expect([answer.status, answer.body.code]).toEqual([409, 'plan-blocked']);
  });

  it('is resolved by a proven account number: only that person’s rows go', async () => {
    // A mistyped one would widen the erasure: what the request does not contain is added by intent only.
    const attest = (more: object): Promise<TestAnswer> =>
      lethe.post(`/v1/requests/${id}/identify`, { identifier: byCustomer('3'), method: 'attest', ...more });
    for (const more of [{}, { note: 'Shown on the invoice.' }, { add: true }])
      expect((await attest(more)).body).toMatchObject({ status: 422, code: 'identifier-not-in-request' });
    expect((await attest({ note: 'Shown on the invoice.', add: true })).body).toMatchObject({ added: true });
    expect((await attest({})).body).toMatchObject({ added: false });
    const plan = await planOf(lethe, id);
    expect(plan.blockers).toEqual([]);
    await approveByTwo(lethe, id, plan.hash);
    const done = await closed(lethe, id);
    expect(outcomesOf(done, shopId)).toEqual(
      expect.arrayContaining(['customers erased 1', 'orders erased 1', 'order-lines erased 1']),
    );
    expect(differences(before, await shop.snapshot())).toEqual(['-customers/3', '-order_lines/1006', '-orders/106']);
  });
});

describe('two humans', () => {
  it('approve an erasure: not one twice, not a system, not an admin, not an auditor, and only what they read', async () => {
    const id = await openProven(lethe, 'erasure', [byEmail('p5001@example.test')]);
    const { hash } = await planOf(lethe, id);
    for (const as of ['admin', 'auditor', 'system'] as const) {
      const { status } = await lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { as });
      expect([as, status]).toEqual([as, 403]);
    }
    const other = await approve(lethe, id, 'a'.repeat(64));
    expect([other.status, other.body.code]).toEqual([409, 'plan-changed']);
    expect((await approve(lethe, id, hash)).body).toMatchObject({ approvals: 1, status: 'deciding' });
    expect((await approve(lethe, id, hash)).body.code).toBe('approver-repeated');
    expect((await lethe.get(`/v1/requests/${id}`)).body).toMatchObject({ status: 'deciding', targets: [] });
    // A new plan asks both again.
    const again = await planOf(lethe, id);
    expect((await approve(lethe, id, again.hash, 'officer2')).body).toMatchObject({ approvals: 1, status: 'deciding' });
    expect((await approve(lethe, id, again.hash)).body).toMatchObject({ approvals: 2, status: 'approved' });
    await closed(lethe, id);
  });
});

describe('a hold', () => {
  it('wins over the erasure until it is released; then what it kept goes by itself', async () => {
    const scope = {
      subject: { identifiers: [byEmail('p5002@example.test')] },
      connectionId: shopId,
      dataset: 'orders',
    };
    const reason = 'A claim about a delivery is announced.';
    const hold = await lethe.post('/v1/holds', {
      ...{ ground: 'gdpr-17-3-e', reason, scope, owner: 'legal', reviewOn: '2027-03-01' },
    });
    expect(hold.status).toBe(201);
    const id = await openProven(lethe, 'erasure', [byEmail('p5002@example.test')]);
    const plan = await planOf(lethe, id);
    const orders = plan.systems.flatMap((one: Answer) => one.datasets).find((one: Answer) => one.name === 'orders');
    expect(orders.decisions).toMatchObject([
      { action: 'retain', kind: 'exception', ruleId: `hold:${hold.body.id}`, reviewOn: '2027-03-01', count: 1 },
    ]);
    await approveByTwo(lethe, id, plan.hash);
    const done = await closed(lethe, id);
    expect(done.resolution).toBe('fulfilled-with-retention');
    expect(outcomesOf(done, shopId)).toEqual(expect.arrayContaining(['customers erased 1', 'orders retained 1']));
    expect((await shop.sql.query('SELECT id FROM orders WHERE id = 5002')).rowCount).toBe(1);
    const released = await lethe.post(
      `/v1/holds/${hold.body.id}/release`,
      { reason: 'Settled.' },
      { key: await thirdOfficer(lethe) },
    );
    expect(released.status).toBe(200);
    const cared = (one: Answer): boolean =>
      one.aftercare.some((care: Answer) => care.dataset === 'orders' && care.status === 'erased');
    // The clock stands still: the release itself is what resumes.
    const after = await requestWhen(lethe, id, (one) => cared(one) && one.certificates.length > 1);
    expect(after.certificates.length).toBeGreaterThan(1);
    expect((await shop.sql.query('SELECT id FROM orders WHERE id = 5002')).rowCount).toBe(0);
  });
});

/** Defines a purpose that rests on consent, and has the person give it. */
async function giveConsent(identifiers: object[]): Promise<string> {
  const purpose = 'letters';
  await lethe.put(`/v1/purposes/${purpose}`, { name: 'Letters', legalBasis: 'consent', model: 'opt-in' });
  const notice = { id: 'letters', version: '1', language: 'en', text: 'We write letters.', purposes: [purpose] };
  await lethe.post('/v1/notices', notice);
  const decisions = [{ purpose, decision: 'given' }];
  const collectedAt = lethe.clock.now().toISOString();
  const body = { subject: { identifiers }, decisions, notice: { id: 'letters', version: '1' }, method: 'form' };
  expect((await lethe.post('/v1/consents', { ...body, collectedAt, evidence: {} }, { as: 'system' })).status).toBe(201);
  return purpose;
}

describe('a person who was erased', () => {
  it('is restricted: the evidence stays locked, answer and certificate say so, and a check denies', async () => {
    const purpose = 'parcel-tracking';
    const defined = { name: 'Tracking', description: 'Where the parcel is', legalBasis: 'contract', model: 'opt-in' };
    expect((await lethe.put(`/v1/purposes/${purpose}`, defined)).status).toBeLessThan(300);
    const identifiers = [byEmail('p5005@example.test')];
    const id = await openProven(lethe, 'erasure', identifiers);
    const subjectId = (await lethe.get(`/v1/requests/${id}`)).body.subjectId;
    const check = async (who: object, what = purpose): Promise<string> =>
      (await lethe.post('/v1/consents/check', { ...who, purpose: what }, { as: 'officer' })).body;
    expect(await check({ subjectId })).toMatchObject({ decision: 'permit' });
    const given = await giveConsent(identifiers);
    expect(await check({ subjectId }, given)).toMatchObject({ decision: 'permit' });
    await approveByTwo(lethe, id, (await planOf(lethe, id)).hash);
    const done = await closed(lethe, id);
    expect(outcomesOf(done, 'lethe')).toEqual(expect.arrayContaining(['identity erased 1', 'cases retained 1']));
    expect(await check({ subjectId })).toMatchObject({ decision: 'deny', reason: 'unknown' });
    expect(await check({ subjectId }, given)).toMatchObject({ decision: 'deny', reason: 'unknown' });
    expect(await check({ subject: { identifiers } })).toMatchObject({ decision: 'deny' });
    const letter = (await lethe.get(`/v1/requests/${id}/answers/${done.answers.length}?format=text`)).body;
    expect(letter).toContain('restricted and used for nothing else');
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`);
    const own = body.body.targets.find((one: Answer) => one.connectionId === 'lethe');
    expect(own.outcomes).toContainEqual(expect.objectContaining({ dataset: 'cases', reason: 'evidence-restricted' }));
  });
});

describe('a system without a connector', () => {
  it('is named in the plan, a task with owner and day, and in the answer; without its proof nothing is closed', async () => {
    const system = { name: 'Paper archive', legalEntity: 'Archive Ltd', country: 'DE', role: 'processor' };
    const registered = await lethe.post(
      '/v1/admin/systems',
      { ...system, owner: 'Post room', why: 'folders on paper' },
      { as: 'admin' },
    );
    expect(registered.status).toBe(201);
    const id = await openProven(lethe, 'erasure', [byEmail('p5003@example.test')]);
    const plan = await planOf(lethe, id);
    expect(plan.unsearched).toMatchObject([{ name: 'Paper archive', owner: 'Post room', why: 'folders on paper' }]);
    await approveByTwo(lethe, id, plan.hash);
    const waiting = await requestWhen(lethe, id, (one) =>
      one.targets.some((target: Answer) => target.connectionId === shopId && target.status === 'done'),
    );
    await sleep(500);
    expect((await lethe.get(`/v1/requests/${id}`)).body.resolution).toBeNull();
    expect(waiting.tasks).toMatchObject([
      { kind: 'unsearched-system', system: 'Paper archive', owner: 'Post room', status: 'open', dueOn: '2026-11-16' },
    ]);
    const complete = `/v1/requests/${id}/tasks/${waiting.tasks[0].id}/complete`;
    const proof = { outcome: 'done', proof: 'Folder shredded, minute 12.' };
    expect((await lethe.post(complete, proof)).body.code).toBe('approver-cannot-attest');
    expect((await lethe.post(complete, proof, { as: 'system' })).status).toBe(403);
    expect((await lethe.post(complete, proof, { key: await thirdOfficer(lethe) })).status).toBe(200);
    await closed(lethe, id);
    const { items } = (await lethe.get(`/v1/requests/${id}/answers`)).body;
    const letter = (await lethe.get(`/v1/requests/${id}/answers/${items.length}?format=text`)).body;
    expect(letter).toContain('Paper archive');
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`);
    expect(JSON.stringify(body.body)).toContain('Paper archive');
  });
});

describe('a refusal', () => {
  it('needs a reason the law knows, and tells the person why and where to complain; nothing is touched', async () => {
    const before = await shop.snapshot();
    const id = await openProven(lethe, 'erasure', [byEmail('p5004@example.test')]);
    const refuse = (exception: string): Promise<TestAnswer> =>
      lethe.post(`/v1/requests/${id}/refuse`, { exception, reason: 'The claim of 12 October is still open.' });
    expect((await refuse('because')).body.code).toBe('exception-unknown');
    const early = await Promise.all(['certificate', 'package'].map((what) => lethe.get(`/v1/requests/${id}/${what}`)));
    expect(early.map(({ status, body }) => [status, body.code, body.detail])).toEqual([
      [404, 'not-found', 'The certificate is issued when the request closes; this one is deciding.'],
      [404, 'not-found', 'Only an access request has a package.'],
    ]);
    expect((await refuse('gdpr-17-3-e')).status).toBe(200);
    const done = await closed(lethe, id);
    expect(done.resolution).toBe('refused');
    expect(done.answers.at(-1).kind).toBe('refusal');
    const letter = (await lethe.get(`/v1/requests/${id}/answers/${done.answers.length}?format=text`)).body;
    for (const words of ['17(3)(e)', 'The claim of 12 October', 'Berlin', 'court']) expect(letter).toContain(words);
    expect(differences(before, await shop.snapshot())).toEqual([]);
    expect((await approve(lethe, id, 'a'.repeat(64))).body.code).toBe('request-closed');
  });
});

describe('a withdrawal and an objection', () => {
  it.each(['withdrawal', 'objection'])(
    'of the kind %s work at once, without proof and without a plan',
    async (type) => {
      const purpose = `newsletter-${type}`;
      const legalBasis = type === 'withdrawal' ? 'consent' : 'legitimate-interest';
      const defined = { name: 'Newsletter', description: 'News by mail', legalBasis, model: 'opt-in' };
      const put = await lethe.put(`/v1/purposes/${purpose}`, defined);
      expect([put.body.errors, put.body.code]).toEqual([undefined, undefined]);
      const email = byEmail(`${type}@example.test`);
      const subject = { identifiers: [email] };
      await give(subject, purpose);
      const check = async (): Promise<string> => {
        const { body } = await lethe.post('/v1/consents/check', { subject, purpose }, { as: 'system' });
        return body.decision;
      };
      expect(await check()).toBe('permit');
      const opened = await open(type, [email], { purposes: [purpose] });
      expect([opened.status, opened.body.status]).toEqual([201, 'closed']);
      expect(await check()).toBe('deny');
      expect((await lethe.get(`/v1/requests/${opened.body.id}`)).body).toMatchObject({
        ...{ status: 'closed', resolution: 'fulfilled', identifiers: [{ strength: 'claimed' }] },
      });
    },
  );
});

async function give(subject: unknown, purpose: string): Promise<void> {
  const notice = { id: purpose, version: '1', language: 'en', text: 'We send news.', purposes: [purpose] };
  expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
  const given = await lethe.post('/v1/consents', {
    ...{ subject, decisions: [{ purpose, decision: 'given' }], notice: { id: purpose, version: '1' } },
    ...{ method: 'web-form', collectedAt: '2026-11-01T09:00:00Z', evidence: {} },
  });
  expect([given.status, given.body.errors]).toEqual([201, undefined]);
}
