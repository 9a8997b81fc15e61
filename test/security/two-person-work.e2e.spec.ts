/** The second human in the course of the work: approvals that are void, dead letters, tasks and holds, each decided by somebody else. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  approve,
  approveByTwo,
  byEmail,
  closed,
  connectShop,
  openProven,
  planOf,
  requestWhen,
  thirdOfficer,
} from '../support/connected-systems.js';
import { openShop, type Shop } from '../support/connected-shop.js';
import { connectMailing, type Mailing } from '../support/planted-plugins.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import {
  addMember,
  approvalsOf,
  codeOf,
  expectRefused,
  memberId,
  mint,
  planned,
  refusals,
  typesIn,
} from './two-person.js';

type Answer = TestAnswer['body'];
const HOUR = 3_600_000;

let lethe: TestServer;
let mailing: Mailing;

beforeAll(async () => {
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
  mailing = await connectMailing(lethe);
}, 60_000);
afterAll(async () => {
  await lethe.close();
  await mailing.close();
});

/** An officer, and the member to be removed. */
async function passingOfficer(): Promise<{ key: string; member: string }> {
  const key = await thirdOfficer(lethe);
  const { items } = (await lethe.get('/v1/admin/members', { as: 'admin' })).body;
  return { key, member: items.at(-1).id };
}

const approveWith = (id: string, hash: string, key: string): Promise<TestAnswer> =>
  lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { key });

describe('an approval', () => {
  it('is void when something is excluded after it, and the old hash is worth nothing', async () => {
    const { id, hash } = await planned(lethe, 'edited-1@example.test');
    expect((await approve(lethe, id, hash)).body).toMatchObject({ approvals: 1 });
    const exclusion = { connectionId: mailing.connectionId, identifierType: 'phone', reason: 'Shared line.' };
    expect((await lethe.post(`/v1/requests/${id}/exclusions`, exclusion, { as: 'officer2' })).status).toBe(201);
    expect(await typesIn(lethe, `request/${id}`)).toContain('ApprovalsVoided.v1');
    expect(await approvalsOf(lethe, id)).toBe(0);
    await expectRefused(lethe, await approve(lethe, id, hash, 'officer2'), [409, 'plan-missing'], id);
    const again = await planOf(lethe, id);
    expect(again.hash).not.toBe(hash);
    await expectRefused(lethe, await approve(lethe, id, hash, 'officer2'), [409, 'plan-changed'], id);
    expect((await approve(lethe, id, again.hash, 'officer2')).body).toMatchObject({ approvals: 1, status: 'deciding' });
  });

  it('is void when another plan is made', async () => {
    const { id, hash } = await planned(lethe, 'edited-2@example.test');
    expect((await approve(lethe, id, hash)).body).toMatchObject({ approvals: 1 });
    await planOf(lethe, id);
    expect(await approvalsOf(lethe, id)).toBe(0);
  });

  it.each([
    ['has left', 'remove', {}],
    ['may approve no more', 'roles', { roles: ['auditor'] }],
  ])('counts no more when its human %s before the second one', async (_, change, body) => {
    const { key, member } = await passingOfficer();
    const { id, hash } = await planned(lethe, `${change}-between@example.test`);
    expect((await approveWith(id, hash, key)).body).toMatchObject({ approvals: 1 });
    expect((await lethe.post(`/v1/admin/members/${member}/${change}`, body, { as: 'admin' })).status).toBe(200);
    const second = await approve(lethe, id, hash, 'officer2');
    expect(second.body).toMatchObject({ code: 'plan-changed', changes: [{ code: 'approver-gone' }] });
    expect(await approvalsOf(lethe, id)).toBe(0);
    // The same plan, to be approved by two who are here.
    const { hash: again } = second.body.plan;
    expect((await approve(lethe, id, again)).body).toMatchObject({ approvals: 1, status: 'deciding' });
    expect((await approve(lethe, id, again, 'officer2')).body).toMatchObject({ approvals: 2, status: 'approved' });
  });

  it('of who has left is not revived by an admin who alone adds the same human again', async () => {
    const xaver = { identifiers: [byEmail('xaver@office.example.test')] };
    const { body: added } = await addMember(lethe, 'Xaver', xaver);
    const minted = await mint(lethe, added.id);
    expect((await lethe.post(`/v1/admin/api-keys/${minted.id}/confirm`, {})).status).toBe(200);
    const { id, hash } = await planned(lethe, 'revived@example.test');
    expect((await approveWith(id, hash, minted.key)).body).toMatchObject({ approvals: 1 });
    expect((await lethe.post(`/v1/admin/members/${added.id}/remove`, {}, { as: 'admin' })).status).toBe(200);
    expect((await addMember(lethe, 'Xaver', xaver)).body).toMatchObject({ confirmed: false });
    const second = await approve(lethe, id, hash, 'officer2');
    expect(second.body).toMatchObject({ code: 'plan-changed', changes: [{ code: 'approver-gone' }] });
    expect(await approvalsOf(lethe, id)).toBe(0);
  });

  it('expires with its plan after 72 hours', async () => {
    const { id, hash } = await planned(lethe, 'expired@example.test');
    expect((await approve(lethe, id, hash)).body).toMatchObject({ approvals: 1 });
    lethe.clock.advance(72 * HOUR);
    await expectRefused(lethe, await approve(lethe, id, hash, 'officer2'), [409, 'plan-expired'], id);
    expect((await lethe.get(`/v1/requests/${id}`)).body.status).toBe('deciding');
  });
});

describe('a dead letter', () => {
  const stuck = async (email: string): Promise<string> => {
    mailing.rows.set(email, email);
    mailing.fault = 'none';
    const id = await openProven(lethe, 'erasure', [byEmail(email)]);
    await approveByTwo(lethe, id, (await planOf(lethe, id)).hash);
    mailing.fault = 'error';
    await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    return id;
  };
  const decide = (id: string, how: string, call: object = {}): Promise<TestAnswer> =>
    lethe.post(`/v1/requests/${id}/targets/${mailing.connectionId}/${how}`, { reason: 'Seen.' }, call);

  it('is accepted by two humans or not at all, and accepted is never erased', async () => {
    const id = await stuck('accepted@example.test');
    const minted = await mint(lethe, await memberId(lethe, 'officer2'));
    await expectRefused(lethe, await decide(id, 'accept', { as: 'system' }), [403, 'forbidden'], id);
    await expectRefused(lethe, await decide(id, 'accept', { key: minted.key }), [403, 'credential-unconfirmed'], id);
    expect((await decide(id, 'accept')).body).toMatchObject({ final: false });
    await expectRefused(lethe, await decide(id, 'accept'), [409, 'approver-repeated'], id);
    expect((await lethe.get(`/v1/requests/${id}`)).body.status).toBe('incomplete');
    expect((await decide(id, 'accept', { as: 'officer2' })).body).toMatchObject({ final: true });
    const done = await requestWhen(lethe, id, (one) => one.status === 'closed' && one.certificates.length > 0);
    expect(done.resolution).toBe('refused');
    const target = done.targets.find((one: Answer) => one.connectionId === mailing.connectionId);
    expect(target).toMatchObject({ status: 'accepted' });
    expect(target.outcomes.filter((one: Answer) => one.kind === 'erased')).toEqual([]);
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`);
    expect(body.body.status).not.toMatch(/^fulfilled/);
    const named = body.body.targets.find((one: Answer) => one.connectionId === mailing.connectionId);
    expect(JSON.stringify(named)).not.toMatch(/"erased"/);
    const { items } = (await lethe.get(`/v1/requests/${id}/answers`)).body;
    expect(items.at(-1).kind).toBe('partial-refusal');
    mailing.fault = 'none';
  });

  it('is accepted by two who are here: a first who has left counts no more', async () => {
    const id = await stuck('left@example.test');
    const { key, member } = await passingOfficer();
    expect((await decide(id, 'accept', { key })).body).toMatchObject({ final: false });
    expect((await lethe.post(`/v1/admin/members/${member}/remove`, {}, { as: 'admin' })).status).toBe(200);
    expect((await decide(id, 'accept')).body).toMatchObject({ final: false });
    expect((await decide(id, 'accept', { as: 'officer2' })).body).toMatchObject({ final: true });
    mailing.fault = 'none';
  });

  it('made manual is attested by somebody who neither ordered it nor made it so', async () => {
    const id = await stuck('manual@example.test');
    const third = await thirdOfficer(lethe);
    const another = await mint(lethe, await memberId(lethe, 'officer2'));
    await expectRefused(lethe, await decide(id, 'manual', { key: another.key }), [403, 'credential-unconfirmed'], id);
    expect((await decide(id, 'manual', { key: third })).status).toBe(200);
    const [task] = (await lethe.get(`/v1/requests/${id}/tasks`)).body.items;
    const complete = `/v1/requests/${id}/tasks/${task.id}/complete`;
    const proof = { outcome: 'done', proof: 'Deleted in the console.' };
    const attested: [number, string] = [409, 'approver-cannot-attest'];
    await expectRefused(lethe, await lethe.post(complete, proof, { key: third }), attested, task.id);
    await expectRefused(lethe, await lethe.post(complete, proof), attested, task.id);
    const added = await addMember(lethe, 'Nobody');
    const minted = await mint(lethe, added.body.id);
    await expectRefused(
      lethe,
      await lethe.post(complete, proof, { key: minted.key }),
      [403, 'credential-unconfirmed'],
      task.id,
    );
    expect((await lethe.get(`/v1/requests/${id}`)).body.status).toBe('incomplete');
    // Control: a fourth human, whom a second one vouched for.
    expect((await lethe.post(complete, proof, { key: await thirdOfficer(lethe) })).status).toBe(200);
    await closed(lethe, id);
    mailing.fault = 'none';
  });
});

describe('a hold', () => {
  let shop: Shop;
  let shopId: string;
  beforeAll(async () => {
    shop = await openShop();
    shopId = await connectShop(lethe, shop);
  }, 60_000);
  afterAll(async () => {
    // A system that stays silent would let nobody plan.
    await lethe.post(`/v1/admin/connections/${shopId}/disable`, {}, { as: 'admin' });
    await shop.drop();
  });

  it('is released by somebody who neither attested nor approved what it kept', async () => {
    const held = byEmail('p5002@example.test');
    const scope = { subject: { identifiers: [held] }, connectionId: shopId, dataset: 'orders' };
    const words = { ground: 'gdpr-17-3-e', reason: 'A claim.', owner: 'legal', reviewOn: '2027-03-01' };
    const hold = (await lethe.post('/v1/holds', { ...words, scope })).body.id;
    const id = await openProven(lethe, 'erasure', [held]);
    const another = await mint(lethe, await memberId(lethe, 'officer2'));
    const attest = { identifier: held, method: 'attest', note: 'Called back.' };
    const attested = await lethe.post(`/v1/requests/${id}/identify`, attest, { key: another.key });
    await expectRefused(lethe, attested, [403, 'credential-unconfirmed'], id);
    const third = await thirdOfficer(lethe);
    const { hash } = await planOf(lethe, id);
    expect((await approve(lethe, id, hash, 'officer2')).status).toBe(200);
    expect((await approveWith(id, hash, third)).body).toMatchObject({ status: 'approved' });
    expect((await closed(lethe, id)).resolution).toBe('fulfilled-with-retention');
    const release = (call: object): Promise<TestAnswer> =>
      lethe.post(`/v1/holds/${hold}/release`, { reason: 'Settled.' }, call);
    // `officer` attested who it is, the others approved.
    for (const call of [{ as: 'officer' }, { as: 'officer2' }, { key: third }]) {
      const answer = await release(call);
      expect(codeOf(answer)).toEqual([409, 'approver-repeated']);
    }
    expect(await refusals(lethe, 'approver-repeated', hold, { atLeast: 3 })).toHaveLength(3);
    const minted = await mint(lethe, await memberId(lethe, 'officer'));
    await expectRefused(lethe, await release({ key: minted.key }), [403, 'credential-unconfirmed'], hold);
    const left = async (): Promise<number | null> =>
      (await shop.sql.query('SELECT id FROM orders WHERE id = 5002')).rowCount;
    expect(await left()).toBe(1);
    expect((await release({ key: await thirdOfficer(lethe) })).status).toBe(200);
    await requestWhen(lethe, id, (one) =>
      one.aftercare.some((care: Answer) => care.dataset === 'orders' && care.status === 'erased'),
    );
    expect(await left()).toBe(0);
  });
});
