/** A system that pulls its work: erased by its own workers, believed after a second look, and never on their word alone. */
import { describe, expect, it } from '@jest/globals';
import {
  approveByTwo,
  byEmail,
  hasStatus,
  openProven,
  outcomesOf,
  planOf,
  requestWhen,
} from '../support/connected-systems.js';
import type { InboxSystem } from '../support/inbox-system.js';
import { inboxPerSpec, inboxTasks } from '../support/inbox-tasks.js';
import type { TestAnswer, TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];
/** Shared by two workers. */
const PEOPLE = Array.from({ length: process.env['LETHE_TEST_LONG'] === '1' ? 12 : 3 }, (_, index) => `o${index}`);
const INES = 'ines@example.test';

describe('the workers of a system that pulls its work', () => {
  let lethe: TestServer;
  let club: InboxSystem;
  const { approved, targetOf } = inboxTasks(() => ({ lethe, club }));

  inboxPerSpec((started) => {
    ({ lethe, club } = started);
  });

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
    const id = await approved('pia@example.test', 'access');
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
});

/** The rows as they were, but for one person's. */
function without(tables: Record<string, unknown[]>, email: string): Record<string, unknown[]> {
  const left = (rows: unknown[]): unknown[] => rows.filter((row) => (row as { email: string }).email !== email);
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, left(rows)]));
}
