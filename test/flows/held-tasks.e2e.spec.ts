/** A hold that comes while a system has a task that it has not begun: the task is taken back, and what is held stays. */
import { describe, expect, it } from '@jest/globals';
import { byEmail, hasStatus, outcomesOf, requestWhen, thirdOfficer } from '../support/connected-systems.js';
import { declaredDatasets, type InboxSystem } from '../support/inbox-system.js';
import { inboxPerSpec, inboxTasks } from '../support/inbox-tasks.js';
import type { TestAnswer, TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

describe('a hold on what a system is to erase', () => {
  let lethe: TestServer;
  let club: InboxSystem;
  const { approved, call, offered, targetOf, taskOf } = inboxTasks(() => ({ lethe, club }));

  inboxPerSpec((started) => {
    ({ lethe, club } = started);
  });

  async function hold(scope: object): Promise<string> {
    const { status, body } = await lethe.post('/v1/holds', {
      ...{ ground: 'gdpr-17-3-e', reason: 'A claim is announced.', owner: 'legal', reviewOn: '2099-03-01' },
      scope,
    });
    expect(status).toBe(201);
    return body.id;
  }
  const on = (email: string): object => ({ subject: { identifiers: [byEmail(email)] } });
  async function release(id: string): Promise<void> {
    const key = await thirdOfficer(lethe);
    expect((await lethe.post(`/v1/holds/${id}/release`, { reason: 'The claim is settled.' }, { key })).status).toBe(
      200,
    );
  }
  const ended = (task: string): Promise<unknown> =>
    until('the task is taken back', async () => {
      const { rows } = await lethe.superuser.query('SELECT state, why, asked FROM inbox_task WHERE id = $1', [task]);
      return rows[0].state === 'ended' && rows[0];
    });
  const rowsOf = async (email: string): Promise<string[]> => {
    const tables = Object.entries(await club.snapshot());
    return tables.flatMap(([name, rows]) =>
      rows.flatMap((row) => ((row as { email: string }).email === email ? [name] : [])),
    );
  };
  async function member(id: number, email: string): Promise<void> {
    await club.query('INSERT INTO members VALUES ($1, $2, $2)', [id, email]);
    await club.query(`INSERT INTO bookings VALUES ($1, $2, 'court 3')`, [id, email]);
    await club.query(`INSERT INTO notes VALUES ($1, $2, 'prefers evenings')`, [id, email]);
  }

  it('takes back the task that nobody has begun; its records stay until the release, and go then', async () => {
    await member(30, 'kim@example.test');
    const request = await approved('kim@example.test');
    const task = await offered('apply');
    const placed = await hold(on('kim@example.test'));
    const claimed = await call(task, 'claim', { leaseSeconds: 30 });
    expect([claimed.status, claimed.body.code]).toEqual([409, 'task-taken']);
    expect(await ended(task)).toEqual({ state: 'ended', why: 'task-withdrawn', asked: null });
    const first = club.worker();
    const kept = await requestWhen(lethe, request, hasStatus('closed'));
    expect(
      targetOf(kept)
        .outcomes.slice(-3)
        .map(({ kind, reason }: TestAnswer['body']) => [kind, reason]),
    ).toEqual(Array(3).fill(['retained', 'hold']));
    // Nobody was handed the task, so nobody is asked what became of it.
    expect(first.lines.filter((line) => line.startsWith('claimed'))).toEqual([]);
    expect(await rowsOf('kim@example.test')).toEqual(['members', 'bookings', 'notes']);
    await first.kill();
    await release(placed);
    // What goes after the release is told anew, and a second hold takes that back, too.
    const later = await offered('apply');
    const again = await hold({ connectionId: club.connectionId });
    expect(await ended(later)).toMatchObject({ why: 'task-withdrawn' });
    await release(again);
    club.worker();
    await until('her records are gone', async () => (await rowsOf('kim@example.test')).length === 0, 60_000);
  }, 180_000);

  it('asks anew for what a hold on one dataset does not keep', async () => {
    await member(31, 'lou@example.test');
    const request = await approved('lou@example.test');
    const task = await taskOf(request);
    // It is asked once an hour by now.
    lethe.clock.advance(6 * 3_600_000);
    await until('it waits', async () => {
      const { rows } = await lethe.superuser.query(
        `SELECT FROM job JOIN inbox_task t ON t.job = job.id WHERE t.id = $1 AND job.state = 'ready' AND run_at > $2`,
        [task, new Date(lethe.clock.now().getTime() + 1_800_000)],
      );
      return rows.length > 0;
    });
    await hold({ ...on('lou@example.test'), connectionId: club.connectionId, dataset: 'members' });
    // Nobody claims it: whoever waits is woken by the hold.
    expect(await ended(task)).toMatchObject({ why: 'task-withdrawn' });
    club.worker();
    const closed = await requestWhen(lethe, request, hasStatus('closed'));
    expect(outcomesOf(closed, club.connectionId)).toEqual(
      expect.arrayContaining(['bookings erased 1', 'members retained 0', 'notes erased 1']),
    );
    expect(await rowsOf('lou@example.test')).toEqual(['members']);
  }, 120_000);

  it('comes too late for a task that somebody holds: what becomes of it is told as it is', async () => {
    await member(32, 'max@example.test');
    const request = await approved('max@example.test');
    const task = await taskOf(request);
    const { body } = await call(task, 'claim', { leaseSeconds: 600 });
    await hold(on('max@example.test'));
    await requestWhen(lethe, request, (one) => targetOf(one).outcomes.at(-1)?.note === 'claimed');
    for (const { name } of declaredDatasets) await club.query(`DELETE FROM ${name} WHERE email = 'max@example.test'`);
    const outcomes = declaredDatasets.map(({ name: dataset }) => ({ dataset, kind: 'erased', count: 1 }));
    expect((await call(task, 'complete', { fence: body.fence, outcomes })).body.state).toBe('done');
    club.worker();
    const closed = await requestWhen(lethe, request, hasStatus('closed'));
    expect(outcomesOf(closed, club.connectionId)).toContain('members erased 1');
    expect(await rowsOf('max@example.test')).toEqual([]);
  }, 120_000);

  it('takes back a task whose claim has run out, and hands it to nobody else', async () => {
    await member(33, 'nik@example.test');
    const task = await taskOf(await approved('nik@example.test'));
    const { body } = await call(task, 'claim', { leaseSeconds: 30 });
    await hold(on('nik@example.test'));
    await lethe.superuser.query('UPDATE inbox_task SET lease_until = clock_timestamp() WHERE id = $1', [task]);
    expect(await ended(task)).toMatchObject({ why: 'task-withdrawn' });
    const late = await call(task, 'heartbeat', { fence: body.fence });
    expect([late.status, late.body.code]).toEqual([409, 'lease-lost']);
    expect(await rowsOf('nik@example.test')).toEqual(['members', 'bookings', 'notes']);
  }, 120_000);
});
