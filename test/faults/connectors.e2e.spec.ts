/** Connectors that fail or lie: the request is never called fulfilled, the others finish, and the officer sees which one and why. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { JobWorker } from '#jobs';
import {
  approveByTwo,
  approvedErasure,
  byEmail,
  closed,
  connectShop,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
  thirdOfficer,
} from '../support/connected-systems.js';
import { openShop, type Shop } from '../support/connected-shop.js';
import { connectMailing, type Fault, type Mailing } from '../support/planted-plugins.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];

let lethe: TestServer;
let shop: Shop;
let shopId: string;
let mailing: Mailing;
let person = 5000;

const mailingOf = (request: Answer): Answer =>
  request.targets.find((one: Answer) => one.connectionId === mailing.connectionId);
const shopOf = (request: Answer): Answer => request.targets.find((one: Answer) => one.connectionId === shopId);

/** An approved erasure of the next person, whom shop and mailing system both know, under a fault. */
async function erasureUnder(fault: Fault): Promise<string> {
  const email = `p${++person}@example.test`;
  for (const row of ['a', 'b']) mailing.rows.set(`${person}-${row}`, email);
  mailing.fault = 'none';
  const id = await approvedErasure(lethe, [byEmail(email)]);
  // Set after the last look and before any write: a system that fails earlier lets nobody approve.
  mailing.fault = fault;
  return id;
}

const left = (): string[] => [...mailing.rows.keys()].filter((id) => id.startsWith(`${person}-`));

/** The failure an officer reads, once there is one; by then the other system is done and nothing is closed. */
async function failureOf(id: string): Promise<Answer> {
  const request = await requestWhen(
    lethe,
    id,
    (one) => one.targets.length === 3 && mailingOf(one).failure !== null && shopOf(one).status === 'done',
  );
  expect(['acting', 'verifying', 'incomplete']).toContain(request.status);
  expect([request.resolution, request.certificates]).toEqual([null, []]);
  expect(request.answers.map((one: Answer) => one.kind)).toEqual(['acknowledgement']);
  expect(outcomesOf(request, shopId)).toContain('customers erased 1');
  const own = request.targets.find((one: Answer) => one.connectionId === 'lethe');
  expect([own.status, own.attempts]).toEqual(['waiting', 0]);
  expect(mailingOf(request).name).toBe('mailing');
  return request;
}

const decide = (id: string, how: 'retry' | 'manual' | 'accept', as: 'officer' | 'officer2' = 'officer') =>
  lethe.post(`/v1/requests/${id}/targets/${mailing.connectionId}/${how}`, { reason: 'Seen in the report.' }, { as });

beforeAll(async () => {
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
  shop = await openShop();
  shopId = await connectShop(lethe, shop);
  mailing = await connectMailing(lethe);
}, 240_000);

afterAll(async () => {
  await lethe.close();
  await Promise.all([shop.drop(), mailing.close()]);
});

describe('a connector that answers with an error', () => {
  it('becomes a dead letter with its code, and is done when an officer tries again', async () => {
    const id = await erasureUnder('error');
    const request = await failureOf(id);
    const stuck = await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    expect(mailingOf(stuck)).toMatchObject({
      status: 'failed',
      failure: { code: 'vendor-said-no', class: 'permanent', jobId: expect.any(String) },
    });
    expect(stuck.reasons).toContainEqual({ code: 'vendor-said-no', stepId: mailingOf(request).stepId });
    expect((await lethe.get(`/v1/requests/${id}/certificate`)).status).toBe(404);
    mailing.fault = 'none';
    expect((await decide(id, 'retry')).status).toBe(200);
    expect(outcomesOf(await closed(lethe, id), mailing.connectionId)).toEqual(['subscribers erased 2']);
    expect(left()).toEqual([]);
  });
});

describe.each<[Fault, string, string[]]>([
  ['keep', 'residue', ['a', 'b']],
  ['half', 'residue', ['b']],
])('a connector that says erased and does not (%s)', (fault, code, rest) => {
  it('is found out by reading again, and never counts as done', async () => {
    const id = await erasureUnder(fault);
    await failureOf(id);
    const stuck = await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    expect(left()).toEqual(rest.map((row) => `${person}-${row}`));
    expect(mailingOf(stuck)).toMatchObject({
      status: 'failed',
      failure: { code },
      verification: { status: 'residue', datasets: [{ dataset: 'subscribers', records: rest.length }] },
    });
    // It stays so however often the vendor is asked, until two humans or the vendor himself end it.
    expect((await decide(id, 'retry')).status).toBe(200);
    await requestWhen(lethe, id, (one) => one.status === 'incomplete' && mailingOf(one).attempts >= 2);
    mailing.fault = 'none';
    expect((await decide(id, 'retry')).status).toBe(200);
    const done = await closed(lethe, id);
    expect(mailingOf(done)).toMatchObject({ status: 'done', verification: { status: 'clean' } });
    expect(left()).toEqual([]);
  });
});

describe('a connector that erases nothing and sees nothing when it looks again', () => {
  it('is not found out by Lethe, whose certificate says whose word that is; the rows themselves show it', async () => {
    const id = await erasureUnder('blind');
    const done = await closed(lethe, id);
    expect(mailingOf(done)).toMatchObject({ status: 'done', verification: { status: 'clean' } });
    // What every test of this file looks at: the system itself, past the connector.
    expect(left()).toHaveLength(2);
    await requestWhen(lethe, id, (one) => one.certificates.length > 0);
    const { body } = (await lethe.get(`/v1/requests/${id}/certificate`)).body;
    const target = body.targets.find((one: Answer) => one.connectionId === mailing.connectionId);
    expect(target.verification).toMatch(/^L1, by reference and by identifier/);
    expect(target.verifications).toMatchObject([{ result: 'clean', level: 'L1' }]);
    expect(target.plugin).toMatchObject({ id: 'planted', contentHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(body.meaning.join(' ')).toContain('through the named connector, at the named time (level L1)');
  });
});

describe('a connector that reports a dataset that is not its own', () => {
  it('is stopped, and its part can become a task that somebody who did not approve proves', async () => {
    const id = await erasureUnder('foreign');
    await failureOf(id);
    const stuck = await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    expect(mailingOf(stuck).failure).toMatchObject({ code: 'foreign-dataset', class: 'bug' });
    expect((await decide(id, 'manual')).status).toBe(200);
    const { body: tasks } = await lethe.get(`/v1/requests/${id}/tasks`);
    expect(tasks.items).toMatchObject([{ kind: 'dead-letter', why: 'foreign-dataset', status: 'open' }]);
    const complete = `/v1/requests/${id}/tasks/${tasks.items[0].id}/complete`;
    const proof = { outcome: 'done', proof: 'Deleted in the vendor’s console, screenshot in the case.' };
    expect((await lethe.post(complete, proof)).body.code).toBe('approver-cannot-attest');
    expect((await lethe.post(complete, proof, { key: await thirdOfficer(lethe) })).status).toBe(200);
    const done = await closed(lethe, id);
    expect(mailingOf(done).status).toBe('done');
    expect(done.tasks).toMatchObject([{ status: 'done' }]);
  });
});

describe('a connector whose failure is accepted', () => {
  it('needs two different humans, and the answer is a refusal in part, never fulfilled', async () => {
    const id = await erasureUnder('error');
    await failureOf(id);
    await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    expect((await decide(id, 'accept')).body).toMatchObject({ final: false, status: 'incomplete' });
    expect((await decide(id, 'accept')).body.code).toBe('approver-repeated');
    expect((await lethe.get(`/v1/requests/${id}`)).body.status).toBe('incomplete');
    expect((await decide(id, 'accept', 'officer2')).body).toMatchObject({ final: true });
    const done = await closed(lethe, id);
    expect([done.resolution, mailingOf(done).status]).toEqual(['refused', 'accepted']);
    expect(done.answers.at(-1).kind).toBe('partial-refusal');
    await requestWhen(lethe, id, (one) => one.certificates.length > 0);
    const { body } = await lethe.get(`/v1/requests/${id}/certificate`);
    expect(body.body.status).not.toMatch(/^fulfilled/);
    expect(left()).toHaveLength(2);
  });
});

describe.each<[Fault, string]>([
  ['down', 'unreachable'],
  ['slow', 'deadline-exceeded'],
  ['crash', 'plugin-exited'],
])('a connector that is %s', (fault, code) => {
  it('is tried again and shown with its reason, and finishes by itself when it is back', async () => {
    const id = await erasureUnder(fault);
    const request = await failureOf(id);
    expect(mailingOf(request)).toMatchObject({ failure: { code, class: 'transient' }, outcomes: [] });
    mailing.fault = 'none';
    const done = await inTime(id, 'closed', 2000);
    expect(mailingOf(done)).toMatchObject({ status: 'done', failure: null });
    expect(left()).toEqual([]);
  });
});

describe('a connector that never comes back', () => {
  it('is given up after its attempts', async () => {
    const id = await erasureUnder('down');
    await failureOf(id);
    const stuck = await inTime(id, 'incomplete', 15 * 60_000);
    // The test clock jumps: a call under way at that moment is past its deadline, any other finds nobody there.
    const code = expect.stringMatching(/^(unreachable|deadline-exceeded)$/);
    expect(mailingOf(stuck)).toMatchObject({ status: 'failed', failure: { code, class: 'exhausted' } });
  });

  it('lets nobody plan, and holds back what is approved before any write, with its name', async () => {
    mailing.fault = 'none';
    const email = byEmail(`p${++person}@example.test`);
    const id = await openProven(lethe, 'erasure', [email]);
    const plan = await planOf(lethe, id);
    const worker = lethe.server.app.get(JobWorker, { strict: false });
    await worker.stop();
    await approveByTwo(lethe, id, plan.hash);
    mailing.fault = 'gone';
    worker.start();
    const reason = { code: 'unreachable', connectionId: mailing.connectionId };
    const held = await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    expect([held.reasons, held.targets]).toEqual([[reason], []]);
    expect((await shop.sql.query('SELECT 1 FROM customers WHERE id = $1', [person])).rowCount).toBe(1);
    const planned = await lethe.post(`/v1/requests/${id}/plan`, {});
    expect([planned.status, planned.body.code]).toEqual([409, 'plan-unconfirmed']);
    expect(planned.body.silent).toEqual([{ connectionId: mailing.connectionId, code: 'unreachable' }]);
    await inTime(id, 'incomplete', 15 * 60_000, (one) => one.reasons.length > 1);
    mailing.fault = 'none';
    // Given up by the job: the officer decides anew.
    await approveByTwo(lethe, id, (await planOf(lethe, id)).hash);
    expect(outcomesOf(await closed(lethe, id), shopId)).toContain('customers erased 1');
  });
});

describe('a connector that erases whatever it is handed', () => {
  const email = (): string => `p${person}@example.test`;

  it('is not handed what a hold keeps', async () => {
    const id = await planned(async () => {
      const scope = { subject: { identifiers: [byEmail(email())] }, connectionId: mailing.connectionId };
      const hold = { ground: 'gdpr-17-3-e', reason: 'A claim.', scope, owner: 'legal', reviewOn: '2027-03-01' };
      expect((await lethe.post('/v1/holds', hold)).status).toBe(201);
    });
    const done = await closed(lethe, id);
    expect(done.resolution).toBe('fulfilled-with-retention');
    expect(outcomesOf(done, mailing.connectionId)).toEqual(['subscribers retained 2']);
    expect(left()).toHaveLength(2);
  });

  it('is found out when it erases what was to be stripped: named, and never shown as erased', async () => {
    const id = await planned(async () => {
      const { status, body } = await lethe.put('/v1/retention/policies/mails', {
        ...{ connectionId: mailing.connectionId, dataset: 'subscribers', action: 'strip', stripFields: ['email'] },
        duty: { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' },
        overrides: { enable: ['de-invoice'] },
      });
      expect([status < 300, body.code]).toEqual([true, undefined]);
    });
    const stuck = await requestWhen(lethe, id, (one) => one.status === 'incomplete');
    expect(mailingOf(stuck)).toMatchObject({
      ...{ status: 'failed', failure: { code: 'plugin-overstepped' } },
      outcomes: [{ kind: 'failed', reason: 'plugin-overstepped', note: 'overstepped-by:planted' }],
    });
    expect(outcomesOf(stuck, mailing.connectionId)).toEqual(['subscribers failed 0']);
  });

  /** An approved erasure of the next person, after something came to keep the records. */
  async function planned(keep: () => Promise<void>): Promise<string> {
    person += 1;
    mailing.fault = 'none';
    for (const row of ['a', 'b']) mailing.rows.set(`${person}-${row}`, email());
    await keep();
    return approvedErasure(lethe, [byEmail(email())]);
  }
});

/** Lets the test clock run until the request is as wished: the waits between attempts are its. */
async function inTime(
  id: string,
  status: string,
  stepMs: number,
  wished: (request: Answer) => boolean = () => true,
): Promise<Answer> {
  const end = Date.now() + 100_000;
  for (;;) {
    const { body } = await lethe.get(`/v1/requests/${id}`);
    if (body.status === status && wished(body)) return body;
    if (Date.now() > end) throw new Error(`stayed ${body.status} ${JSON.stringify([body.reasons, body.targets])}`);
    lethe.clock.advance(stepMs);
    await sleep(200);
  }
}
