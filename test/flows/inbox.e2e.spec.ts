/** A system that pulls its work: its tasks are its own, claimed under a lease, and take no more words than were given. */
import { createHash } from 'node:crypto';
import { describe, expect, it, jest } from '@jest/globals';
import { AnswerLater, ConnectorCalls } from '#connectors';
import { newId, type SubjectId } from '#kernel';
import { hasStatus, outcomesOf, requestWhen } from '../support/connected-systems.js';
import { declaredDatasets, taskKey, type InboxSystem } from '../support/inbox-system.js';
import { inboxPerSpec, inboxTasks } from '../support/inbox-tasks.js';
import type { TestAnswer, TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

type Answer = TestAnswer['body'];

describe('the tasks of a system that pulls its work', () => {
  let lethe: TestServer;
  let club: InboxSystem;
  const { approved, call, offered, targetOf, taskOf } = inboxTasks(() => ({ lethe, club }));

  inboxPerSpec((started) => {
    ({ lethe, club } = started);
  });

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

  it('is not ended by a worker that leaves datasets out: they are named, and the task stays its', async () => {
    const id = await taskOf(await approved('lou@example.test'));
    const { body: claimed } = await call(id, 'claim', { leaseSeconds: 30 });
    const { fence } = claimed;
    const early = await call(id, 'complete', { fence });
    const all = declaredDatasets.map(({ name }) => name);
    expect([early.status, early.body.code, early.body.missing]).toEqual([422, 'outcomes-missing', all]);
    await call(id, 'outcomes', { fence, outcomes: [{ dataset: 'members', kind: 'not-found' }] });
    const later = await call(id, 'complete', { fence, outcomes: [{ dataset: 'notes', kind: 'not-found' }] });
    expect([later.status, later.body.missing]).toEqual([422, ['bookings']]);
    const given = await call(id, 'release', { fence });
    expect([given.status, given.body.state]).toEqual([200, 'open']);
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
    const both = await Promise.all([call(id, 'claim', { leaseSeconds: 30 }), call(id, 'claim', { leaseSeconds: 30 })]);
    expect(new Set(both.map((one) => one.status))).toEqual(new Set([200, 409]));
    const first = both.find((one) => one.status === 200)?.body;
    expect(both.find((one) => one.status === 409)?.body.code).toBe('task-taken');
    const longer = await call(id, 'heartbeat', { fence: first.fence, leaseSeconds: 30 });
    expect(longer.body.leaseUntil > first.leaseUntil).toBe(true);
    // Leases run by the database's clock, which nobody moves.
    await lethe.superuser.query('UPDATE inbox_task SET lease_until = clock_timestamp() WHERE id = $1', [id]);
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

  it('begins an upload anew, and whoever takes over sees what is here', async () => {
    const id = await approved('pim@example.test', 'access');
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
    const settled = (itemKey: string, allowed: boolean): Promise<unknown> =>
      until(`${itemKey} is settled`, async () => {
        const answer = await tell(itemKey, allowed).catch((error: unknown) => error);
        return answer instanceof AnswerLater ? undefined : answer;
      });
    expect(await settled('obey/2', false)).toEqual([{ itemKey: 'obey/2', kind: 'obeyed' }]);
    expect(await settled('obey/1', true)).toEqual([{ itemKey: 'obey/1', kind: 'obeyed' }]);
    const obeyed = workers.flatMap(({ lines }) => lines.filter((line) => line.startsWith('obeys')));
    expect(obeyed.sort()).toEqual(['obeys news=false', 'obeys news=true']);
  }, 90_000);

  it('is told the later decision last, also when the clock was put back between both', async () => {
    const calls = lethe.server.app.get(ConnectorCalls);
    const about = { subject: newId() as SubjectId };
    const ids = [{ type: 'email', value: 'una@example.test' }];
    const tell = async (itemKey: string, allowed: boolean): Promise<string> => {
      const decisions = [{ purpose: 'news', allowed, state: allowed ? 'given' : 'withdrawn' }];
      const told = calls.obey(lethe.tenant.tenant.id, club.connectionId, [{ itemKey, ids, decisions }], { about });
      await expect(told).rejects.toBeInstanceOf(AnswerLater);
      return (await lethe.superuser.query('SELECT id FROM inbox_task WHERE item_key = $1', [itemKey])).rows[0].id;
    };
    const given = await tell('obey/una/1', true);
    const now = Date.now.bind(Date);
    const putBack = jest.spyOn(Date, 'now').mockImplementation(() => now() - 600_000);
    const withdrawn = await tell('obey/una/2', false).finally(() => putBack.mockRestore());
    expect(withdrawn < given).toBe(true);
    expect((await call(withdrawn, 'claim', {})).body.code).toBe('task-taken');
    expect(await offered('obey')).toBe(given);
    for (const id of [given, withdrawn]) {
      const { body } = await call(id, 'claim', { leaseSeconds: 30 });
      const outcomes = [{ dataset: 'consent', kind: 'obeyed' }];
      expect((await call(id, 'complete', { fence: body.fence, outcomes })).body.state).toBe('done');
    }
  });

  it('is told anew by a job that was started anew, and not held up by what the job told before', async () => {
    const calls = lethe.server.app.get(ConnectorCalls);
    const about = { subject: newId() as SubjectId, jobId: newId() };
    const tell = async (itemKey: string): Promise<void> => {
      const ids = [{ type: 'email', value: 'tom@example.test' }];
      const people = [{ itemKey, ids, decisions: [{ purpose: 'news', allowed: false, state: 'withdrawn' }] }];
      const told = calls.obey(lethe.tenant.tenant.id, club.connectionId, people, { about });
      await expect(told).rejects.toBeInstanceOf(AnswerLater);
    };
    for (const generation of [0, 0, 1, 1]) await tell(`obey/club/9/${generation}`);
    const { rows } = await lethe.superuser.query(
      `SELECT id, state, why FROM inbox_task WHERE item_key LIKE 'obey/club/9/%' ORDER BY id`,
    );
    expect(rows.map(({ state, why }) => [state, why])).toEqual([
      ['ended', 'task-cancelled'],
      ['open', null],
    ]);
    expect((await call(rows[1].id, 'claim', { leaseSeconds: 30 })).status).toBe(200);
    await call(rows[1].id, 'complete', { fence: 1, outcomes: [{ dataset: 'consent', kind: 'obeyed' }] });
  });

  it('is offered nothing any more of a request that was withdrawn', async () => {
    const id = await approved('sam@example.test');
    const task = await taskOf(id);
    expect((await call(task, 'claim', { leaseSeconds: 30 })).status).toBe(200);
    const withdrawn = await lethe.post(`/v1/requests/${id}/withdraw`, { reason: 'Changed her mind.' });
    expect(withdrawn.status).toBe(200);
    const taken = await until('the task is taken back', async () => {
      const { rows } = await lethe.superuser.query('SELECT state, why, asked FROM inbox_task WHERE id = $1', [task]);
      return rows[0].state !== 'claimed' && rows[0];
    });
    expect(taken).toEqual({ state: 'ended', why: 'task-cancelled', asked: null });
    const late = await call(task, 'complete', { fence: 1, outcomes: [] });
    expect([late.status, late.body.code]).toEqual([409, 'lease-lost']);
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
