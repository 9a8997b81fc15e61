/** A system that pulls its work: erased by its own process, believed after a second look, and never on its word alone. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AnswerLater, ConnectorCalls } from '#connectors';
import { newId, type SubjectId } from '#kernel';
import {
  approve,
  approveByTwo,
  byEmail,
  hasStatus,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
} from '../support/connected-systems.js';
import { connectInbox, declaredDatasets, taskKey, type InboxSystem } from '../support/inbox-system.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];
/** Shared by two workers. */
const PEOPLE = Array.from({ length: process.env['LETHE_TEST_LONG'] === '1' ? 12 : 3 }, (_, index) => `o${index}`);
const INES = 'ines@example.test';

describe('a system that pulls its work', () => {
  let lethe: TestServer;
  let club: InboxSystem;
  let ticking: NodeJS.Timeout;

  beforeAll(async () => {
    lethe = await startTestServer();
    club = await connectInbox(lethe);
    // Time passes, as it does: a job that was at work when its answer came looks again two seconds later.
    ticking = setInterval(() => lethe.clock.advance(100), 100);
  }, 90_000);
  afterEach(() => club.stopWorkers());
  afterAll(async () => {
    clearInterval(ticking);
    await club.close();
    await lethe.close();
  });

  async function approved(email: string, system = club, type: 'erasure' | 'access' = 'erasure'): Promise<string> {
    const id = await openProven(lethe, type, [byEmail(email)]);
    const plan = await planOf(lethe, id);
    expect(plan.systems.map((one: Answer) => one.connectionId)).toContain(system.connectionId);
    if (type === 'erasure') await approveByTwo(lethe, id, plan.hash);
    else expect((await approve(lethe, id, plan.hash)).status).toBe(200);
    return id;
  }

  const targetOf = (request: Answer): Answer =>
    request.targets.find((one: Answer) => one.connectionId === club.connectionId);

  /** The task of this kind that can be claimed now. */
  async function offered(kind: string, key = club.key): Promise<string> {
    for (let turn = 0; turn < 60; turn++) {
      const { status, body } = await lethe.get(`/v1/tasks?connectionId=${club.connectionId}&wait=1`, { key });
      expect(status).toBe(200);
      const found = body.items.find((one: Answer) => one.kind === kind);
      if (found) return found.id;
    }
    throw new Error(`no task ${kind} was offered`);
  }

  /** The open task of a request. */
  async function taskOf(request: string): Promise<string> {
    for (let turn = 0; turn < 100; turn++) {
      const { rows } = await lethe.superuser.query('SELECT id FROM inbox_task WHERE request = $1', [request]);
      if (rows[0]) return rows[0].id;
      await sleep(50);
    }
    throw new Error('no task was opened');
  }

  const call = (id: string, what: string, body: unknown, key = club.key): Promise<TestAnswer> =>
    lethe.post(`/v1/tasks/${id}/${what}`, body, { key });

  it('is planned by what it declares, uncounted, and erased by its own process', async () => {
    const id = await openProven(lethe, 'erasure', [byEmail(INES)]);
    const plan = await planOf(lethe, id);
    const planned = plan.systems.find((one: Answer) => one.connectionId === club.connectionId);
    expect(planned.isolation).toBe('self-reported');
    expect(
      planned.datasets.map((one: Answer) => [one.name, one.searched, one.decisions[0].action, one.decisions[0].count]),
    ).toEqual([
      ['members', false, 'erase', 0],
      ['bookings', false, 'erase', 0],
      ['notes', false, 'erase', 0],
    ]);
    const before = await club.snapshot();
    const worker = club.worker();
    await approveByTwo(lethe, id, plan.hash);
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(await club.snapshot()).toEqual(without(before, INES));
    expect(outcomesOf(request, club.connectionId)).toEqual([
      ...['bookings erased 2', 'members erased 1', 'notes not-found 0'],
    ]);
    const target = targetOf(request);
    expect(target.outcomes.map((one: Answer) => one.note)).toEqual(Array(3).fill('self-reported'));
    expect(target.verification).toMatchObject({ status: 'clean' });
    expect(target.horizon.map((one: Answer) => [one.dataset, one.layer])).toContainEqual(['members', 'backup']);
    const kinds = worker.lines.filter((line) => line.startsWith('claimed')).map((line) => line.split(' ')[1]);
    expect(kinds).toEqual(['apply', 'verify']);
  }, 90_000);

  it('gives identifiers to a claim only, and the access log knows it before', async () => {
    await approved('kim@example.test');
    const id = await offered('apply');
    const listed = await lethe.get(`/v1/tasks?connectionId=${club.connectionId}`, { key: club.key });
    expect(JSON.stringify(listed.body)).not.toContain('kim@');
    const { rows: sealed } = await lethe.superuser.query('SELECT * FROM inbox_task WHERE id = $1', [id]);
    expect(JSON.stringify(sealed)).not.toContain('kim@');
    const reads = async (): Promise<number> =>
      Number(
        (await lethe.superuser.query(`SELECT count(*) FROM access_entry WHERE purpose = 'task.claim'`)).rows[0].count,
      );
    const before = await reads();
    const claimed = await call(id, 'claim', { leaseSeconds: 30 });
    expect(claimed.status).toBe(200);
    expect(claimed.body).toMatchObject({
      ...{
        id,
        kind: 'apply',
        fence: 1,
        identifiers: [{ type: 'email', value: 'kim@example.test', strength: 'verified' }],
      },
      datasets: declaredDatasets.map(({ name }) => ({ name, action: 'erase' })),
    });
    expect(await reads()).toBe(before + 1);
    const { rows } = await lethe.superuser.query(`SELECT count(*) FROM idempotency WHERE response LIKE '%kim@%'`);
    expect(Number(rows[0].count)).toBe(0);
    await call(id, 'release', { fence: 1 });
  });

  it('shows its tasks to its own key only: to others they do not exist', async () => {
    const id = await offered('apply');
    const other = await taskKey(lethe, 'somebody else');
    const list = await lethe.get(`/v1/tasks?connectionId=${club.connectionId}`, { key: other.key });
    expect([list.status, list.body.code]).toEqual([404, 'not-found']);
    for (const [what, body] of [
      ['claim', {}],
      ['heartbeat', { fence: 1 }],
      ['outcomes', { fence: 1, outcomes: [{ dataset: 'members', kind: 'erased' }] }],
      ['records', { fence: 1, part: 0, sha256: sha256('x'), content: 'x' }],
      ['complete', { fence: 1 }],
      ['release', { fence: 1 }],
    ] as const) {
      const answer = await call(id, what, body, other.key);
      expect([what, answer.status, answer.body.code]).toEqual([what, 404, 'not-found']);
    }
    // A role of a human is no key of a system.
    expect((await call(id, 'claim', {}, lethe.tenant.keys.officer)).status).toBe(403);
  });

  it('takes the words of the task only: no dataset, kind or rule that was not given', async () => {
    const id = await offered('apply');
    const { body: claimed } = await call(id, 'claim', { leaseSeconds: 30 });
    const said = async (outcome: unknown): Promise<unknown[]> => {
      const { status, body } = await call(id, 'outcomes', { fence: claimed.fence, outcomes: [outcome] });
      return [status, body.errors?.[0]?.code];
    };
    expect(await said({ dataset: 'payroll', kind: 'erased' })).toEqual([422, 'dataset-not-asked']);
    expect(await said({ dataset: 'members', kind: 'clean' })).toEqual([422, 'kind-not-of-task']);
    expect(await said({ dataset: 'members', kind: 'retained', ruleId: 'de-invoice' })).toEqual([422, 'rule-not-given']);
    expect(await said({ dataset: 'members', kind: 'erased', ref: '7' })).toEqual([422, 'record-not-asked']);
    expect((await said({ dataset: 'members', kind: 'done' }))[0]).toBe(400);
    expect((await said({ dataset: 'members', kind: 'erased', count: 1 }))[0]).toBe(200);
    const given = await call(id, 'release', { fence: claimed.fence, reason: 'maintenance' });
    expect(given.body).toMatchObject({ state: 'open' });
    const lost = await call(id, 'complete', { fence: claimed.fence });
    expect([lost.status, lost.body.code]).toEqual([409, 'lease-lost']);
  });

  it('keeps what its worker reports in several calls at once', async () => {
    const id = await offered('apply');
    const { body: claimed } = await call(id, 'claim', { leaseSeconds: 30 });
    const { fence } = claimed;
    const said = declaredDatasets.map(({ name: dataset }) =>
      call(id, 'outcomes', { fence, outcomes: [{ dataset, kind: 'not-found' }] }),
    );
    expect((await Promise.all(said)).map(({ status }) => status)).toEqual([200, 200, 200]);
    const all = await call(id, 'outcomes', { fence, outcomes: [{ dataset: 'notes', kind: 'erased', count: 1 }] });
    expect(all.body).toMatchObject({ state: 'claimed', missing: [] });
    await call(id, 'release', { fence });
  });

  it('lets one of two claim, and the next one after the lease: the first has lost it', async () => {
    const id = await offered('apply');
    const both = await Promise.all([call(id, 'claim', { leaseSeconds: 1 }), call(id, 'claim', { leaseSeconds: 1 })]);
    expect(new Set(both.map((one) => one.status))).toEqual(new Set([200, 409]));
    const first = both.find((one) => one.status === 200)?.body;
    expect(both.find((one) => one.status === 409)?.body.code).toBe('task-taken');
    const longer = await call(id, 'heartbeat', { fence: first.fence, leaseSeconds: 1 });
    expect(longer.body.leaseUntil > first.leaseUntil).toBe(true);
    await sleep(1_100);
    const second = (await call(id, 'claim', { leaseSeconds: 30 })).body;
    expect(second.fence).toBe(first.fence + 1);
    // The idempotency key of the effect is the same: a system that knows it does nothing twice.
    expect(second.idempotencyKey).toBe(first.idempotencyKey);
    for (const [what, body] of [
      ['heartbeat', { fence: first.fence }],
      ['outcomes', { fence: first.fence, outcomes: [{ dataset: 'members', kind: 'erased' }] }],
      ['complete', { fence: first.fence, outcomes: [{ dataset: 'members', kind: 'erased' }] }],
      ['release', { fence: first.fence }],
    ] as const) {
      const answer = await call(id, what, body);
      expect([what, answer.status, answer.body.code]).toEqual([what, 409, 'lease-lost']);
    }
    await call(id, 'release', { fence: second.fence });
    const { rows } = await lethe.superuser.query(
      `SELECT bytes::jsonb -> 'data' ->> 'tookOver' AS over FROM event WHERE stream = $1 AND type = 'TaskClaimed.v1' ORDER BY position DESC LIMIT 1`,
      [`task/${id}`],
    );
    expect(rows).toEqual([{ over: 'true' }]);
  });

  describe('whose word is not enough', () => {
    it('lies: rows that a second look finds make the request incomplete, never erased', async () => {
      await club.query(`INSERT INTO members VALUES (10, 'lena@example.test', 'Lena')`);
      const id = await approved('lena@example.test');
      const liar = club.worker({ lies: true });
      const request = await requestWhen(lethe, id, hasStatus('incomplete'));
      expect(targetOf(request).failure.code).toBe('residue');
      expect(outcomesOf(request, club.connectionId)).toContain('members failed 0');
      expect(outcomesOf(request, club.connectionId).join()).not.toContain('members erased');
      expect(liar.lines.some((line) => line.startsWith('did verify'))).toBe(true);
      await liar.kill();
      // Told again by an officer, an honest worker does what the liar did not.
      club.worker();
      const retried = await lethe.post(`/v1/requests/${id}/targets/${club.connectionId}/retry`, {
        reason: 'It is still there.',
      });
      expect(retried.status).toBe(200);
      const closed = await requestWhen(lethe, id, hasStatus('closed'));
      expect(outcomesOf(closed, club.connectionId)).toContain('members erased 1');
      expect((await club.query(`SELECT * FROM members WHERE email LIKE 'lena%'`)).rows).toEqual([]);
    }, 90_000);

    it('forgets a dataset: it is a failure, and the request says which', async () => {
      const id = await approved('mia@example.test');
      club.worker({ forgets: 'notes' });
      const request = await requestWhen(lethe, id, hasStatus('incomplete'));
      expect(targetOf(request).failure.code).toBe('no-outcome');
      const notes = targetOf(request).outcomes.filter((one: Answer) => one.dataset === 'notes');
      expect(notes.map((one: Answer) => [one.kind, one.reason])).toEqual([['failed', 'no-outcome']]);
    }, 90_000);
  });

  it('is killed in the middle: another worker takes over under the same key, and all rows are gone once', async () => {
    await club.query(`INSERT INTO members VALUES (20, 'nora@example.test', 'Nora')`);
    const before = await club.snapshot();
    const id = await approved('nora@example.test');
    const first = club.worker({ stalls: 'apply', leaseSeconds: 1 });
    const claim = await first.said(/^claimed apply/);
    await first.kill();
    const second = club.worker();
    expect(await second.said(/^claimed apply/)).toBe(`claimed apply ${Number(claim.split(' ')[2]) + 1}`);
    await requestWhen(lethe, id, hasStatus('closed'));
    expect(await club.snapshot()).toEqual(without(before, 'nora@example.test'));
  }, 90_000);

  it('is shared by two workers: every task is done by one of them', async () => {
    const people = PEOPLE.map((name) => `${name}@example.test`);
    for (const [index, email] of people.entries())
      await club.query('INSERT INTO members VALUES ($1, $2, $2)', [100 + index, email]);
    const ids = [];
    for (const email of people) ids.push(await approved(email));
    const workers = [club.worker(), club.worker()];
    for (const id of ids) await requestWhen(lethe, id, hasStatus('closed'));
    const did = workers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('claimed')));
    expect(did.filter((line) => line === 'claimed apply 1')).toHaveLength(people.length);
    expect(did.filter((line) => line === 'claimed verify 1')).toHaveLength(people.length);
  }, 90_000);

  it('hands in records, goes on after a cut, and the package holds every one', async () => {
    const long = 'x'.repeat(2_000);
    for (let row = 0; row < 400; row++)
      await club.query('INSERT INTO notes VALUES ($1, $2, $3)', [1000 + row, 'pia@example.test', `${row} ${long}`]);
    const id = await approved('pia@example.test', club, 'access');
    const first = club.worker({ cutAfterParts: 300, leaseSeconds: 1 });
    await first.said('cut');
    const { rows: cut } = await lethe.superuser.query(
      `SELECT t.parts, p.content FROM inbox_task t JOIN inbox_part p ON p.task = t.id AND p.part = 0 WHERE t.kind = 'read'`,
    );
    expect(cut[0].parts).toBeGreaterThan(0);
    expect(cut[0].content).not.toContain('pia@');
    const second = club.worker();
    // It went on behind what had arrived.
    expect(await second.said(/^did read/)).toBe(`did read ${cut[0].parts}`);
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toEqual([
      'bookings not-found 0',
      'members not-found 0',
      'notes provided 400',
    ]);
  }, 90_000);

  it('begins an upload anew, and whoever takes over sees what is here', async () => {
    const id = await approved('pim@example.test', club, 'access');
    const task = await offered('read');
    const { body: first } = await call(task, 'claim', { leaseSeconds: 30 });
    expect(first.received).toEqual({ parts: 0, bytes: 0, sha256: null });
    const line = (ref: string): string => `${JSON.stringify({ dataset: 'notes', ref, fields: {} })}\n`;
    const hand = (fence: number, part: number, content: string, more = {}): Promise<TestAnswer> =>
      call(task, 'records', { fence, part, sha256: sha256(content), content, ...more });
    for (const [part, ref] of ['1', '2', '3'].entries()) await hand(first.fence, part, line(ref));
    await call(task, 'release', { fence: first.fence });
    const { body: second } = await call(task, 'claim', { leaseSeconds: 30 });
    const hashes = ['1', '2', '3'].map((ref) => sha256(line(ref))).join('');
    expect(second.received).toMatchObject({ parts: 3, sha256: sha256(hashes) });
    const { fence } = second;
    expect((await hand(fence, 0, line('4'))).body.code).toBe('part-out-of-order');
    expect((await hand(fence, 1, line('4'), { restart: true })).status).toBe(400);
    expect((await hand(fence, 0, '')).status).toBe(400);
    expect((await hand(first.fence, 0, line('4'), { restart: true })).body.code).toBe('lease-lost');
    expect((await hand(fence, 0, line('4'), { restart: true })).body.received.parts).toBe(1);
    const outcomes = declaredDatasets.map(({ name: dataset }) =>
      dataset === 'notes' ? { dataset, kind: 'provided', count: 1 } : { dataset, kind: 'not-found' },
    );
    expect((await call(task, 'complete', { fence, outcomes })).body.state).toBe('done');
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toContain('notes provided 1');
  }, 90_000);

  it('is told how a person has decided, one decision after the other', async () => {
    await club.query(`INSERT INTO members VALUES (50, 'rob@example.test', 'Rob')`);
    const tenant = lethe.tenant.tenant.id;
    const calls = lethe.server.app.get(ConnectorCalls);
    const about = { subject: newId() as SubjectId };
    const tell = (itemKey: string, allowed: boolean): Promise<unknown> => {
      const decisions = [{ purpose: 'news', allowed, state: allowed ? 'given' : 'withdrawn' }];
      const people = [{ itemKey, ids: [{ type: 'email', value: 'rob@example.test' }], decisions }];
      return calls.obey(tenant, club.connectionId, people, { about });
    };
    await expect(tell('obey/1', true)).rejects.toBeInstanceOf(AnswerLater);
    await expect(tell('obey/2', false)).rejects.toBeInstanceOf(AnswerLater);
    // The later one is not offered while the earlier one is open: two workers could turn them round.
    const { body } = await lethe.get(`/v1/tasks?connectionId=${club.connectionId}&limit=100`, { key: club.key });
    expect(body.items.filter((one: Answer) => one.kind === 'obey')).toHaveLength(1);
    const { rows } = await lethe.superuser.query(`SELECT id FROM inbox_task WHERE item_key = 'obey/2'`);
    expect((await call(rows[0].id, 'claim', {})).body.code).toBe('task-taken');
    const workers = [club.worker(), club.worker()];
    const settled = async (itemKey: string, allowed: boolean): Promise<unknown> => {
      for (;;) {
        const answer = await tell(itemKey, allowed).catch((error: unknown) => error);
        if (!(answer instanceof AnswerLater)) return answer;
        await sleep(50);
      }
    };
    expect(await settled('obey/2', false)).toEqual([{ itemKey: 'obey/2', kind: 'obeyed' }]);
    expect(await settled('obey/1', true)).toEqual([{ itemKey: 'obey/1', kind: 'obeyed' }]);
    const obeyed = workers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('obeys')));
    expect(obeyed.sort()).toEqual(['obeys news=false', 'obeys news=true']);
  }, 90_000);

  it('is offered nothing any more of a request that was withdrawn', async () => {
    const id = await approved('sam@example.test');
    const task = await taskOf(id);
    expect((await call(task, 'claim', { leaseSeconds: 30 })).status).toBe(200);
    const withdrawn = await lethe.post(`/v1/requests/${id}/withdraw`, { reason: 'Changed her mind.' });
    expect(withdrawn.status).toBe(200);
    for (let turn = 0; turn < 100; turn++) {
      const { rows } = await lethe.superuser.query('SELECT state, why, asked FROM inbox_task WHERE id = $1', [task]);
      if (rows[0].state !== 'claimed') {
        expect(rows[0]).toEqual({ state: 'ended', why: 'task-cancelled', asked: null });
        const late = await call(task, 'complete', { fence: 1, outcomes: [] });
        expect([late.status, late.body.code]).toEqual([409, 'lease-lost']);
        return;
      }
      await sleep(50);
    }
    throw new Error('the task was not taken back');
  }, 90_000);

  it('hands a rule back that keeps records, and only the one that was given', async () => {
    const policy = {
      ...{ connectionId: club.connectionId, dataset: 'bookings', action: 'erase' },
      duty: { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' },
      overrides: { enable: ['de-invoice'] },
    };
    const { status, body } = await lethe.put('/v1/retention/policies/bookings', policy);
    expect([body.code, [200, 201].includes(status)]).toEqual([undefined, true]);
    const before = await club.snapshot();
    const id = await approved('jan@example.test');
    club.worker();
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toEqual([
      ...['bookings retained 1', 'members erased 1', 'notes erased 1'],
    ]);
    const kept = targetOf(request).outcomes.find((one: Answer) => one.kind === 'retained');
    expect(kept.citation).toContain('§ 14b');
    expect(await club.snapshot()).toEqual({ ...without(before, 'jan@example.test'), bookings: before['bookings'] });
  }, 90_000);

  it('declares anew what it holds, for later plans, and not while a request works by the old declaration', async () => {
    const path = `/v1/admin/connections/${club.connectionId}/redeclare`;
    const declare = (datasets: unknown[]): Promise<TestAnswer> => lethe.post(path, { datasets }, { as: 'admin' });
    const photos = { name: 'photos', title: 'Club photos', action: 'erase' };
    const planned = async (id: string): Promise<string[]> =>
      (await planOf(lethe, id)).systems
        .find((one: Answer) => one.connectionId === club.connectionId)
        .datasets.map((one: Answer) => one.name);
    const [working, planning] = [
      await approved('uma@example.test'),
      await openProven(lethe, 'erasure', [byEmail('vic@example.test')]),
    ];
    const { hash } = await planOf(lethe, planning);
    await offered('apply');
    const refused = await declare([...declaredDatasets, photos]);
    expect([refused.status, refused.body.code]).toEqual([409, 'connection-in-use']);
    expect(refused.body.requestIds).toContain(working);
    const { rows: open } = await lethe.superuser.query(`SELECT DISTINCT request FROM inbox_task WHERE state <> 'done'`);
    for (const { request } of open)
      if (request !== null) await lethe.post(`/v1/requests/${request}/withdraw`, { reason: 'Changed her mind.' });
    const declared = await declare([...declaredDatasets, photos]);
    expect([declared.status, declared.body]).toEqual([200, { id: club.connectionId, status: 'enabled' }]);
    // A plan that was made by the old declaration is not approved any more.
    const approval = await approve(lethe, planning, hash);
    expect([approval.status, approval.body.code]).toEqual([409, 'plan-changed']);
    expect(await planned(planning)).toContain('photos');
    expect((await declare([...declaredDatasets, photos])).status).toBe(200);
    const { rows } = await lethe.superuser.query(
      `SELECT bytes::jsonb -> 'data' AS data FROM event WHERE type = 'ConnectionRedeclared.v1' ORDER BY position`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].data).toMatchObject({ id: club.connectionId, configVersion: 2, before: { answerWithinDays: 14 } });
    expect(rows[0].data.after.datasets).toHaveLength(4);
    expect((await declare([photos, photos])).status).toBe(400);
    expect((await lethe.post(path, { datasets: [photos] })).status).toBe(403);
    expect((await declare(declaredDatasets)).status).toBe(200);
  }, 90_000);

  it('does not answer in time: the request is incomplete and says so', async () => {
    const id = await approved('quinn@example.test');
    await offered('apply');
    lethe.clock.advance(15 * 86_400_000);
    const request = await requestWhen(lethe, id, hasStatus('incomplete'));
    expect(targetOf(request).failure.code).toBe('task-overdue');
    const listed = await lethe.get(`/v1/tasks?connectionId=${club.connectionId}`, { key: club.key });
    expect(listed.body.items).toEqual([]);
  }, 90_000);
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The rows as they were, but for one person's. */
function without(tables: Record<string, unknown[]>, email: string): Record<string, unknown[]> {
  const left = (rows: unknown[]): unknown[] => rows.filter((row) => (row as { email: string }).email !== email);
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, left(rows)]));
}
