/** A system that pulls its work: erased by its own process, believed after a second look, and never on its word alone. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approve, approveByTwo, byEmail, hasStatus, openProven, outcomesOf, planOf, requestWhen } from '../support/connected-systems.js';
import { connectInbox, declaredDatasets, taskKey, type InboxSystem } from '../support/inbox-system.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

type Answer = TestAnswer['body'];
const INES = 'ines@example.test';

describe('a system that pulls its work', () => {
  let lethe: TestServer;
  let club: InboxSystem;

  /** Time passes while somebody waits: a job that was at work when its answer came looks again two seconds later. */
  const moving: Pick<TestServer, 'get'> = {
    get: (path, call) => {
      lethe.clock.advance(100);
      return lethe.get(path, call);
    },
  };

  beforeAll(async () => {
    lethe = await startTestServer();
    club = await connectInbox(lethe);
  }, 60_000);
  afterAll(async () => {
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
      lethe.clock.advance(500);
    }
    throw new Error(`no task ${kind} was offered`);
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
    const request = await requestWhen(moving, id, hasStatus('closed'));
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
    await worker.kill();
  }, 40_000);

  it('gives identifiers to a claim only, and the access log knows it before', async () => {
    await approved('kim@example.test');
    const id = await offered('apply');
    const listed = await lethe.get(`/v1/tasks?connectionId=${club.connectionId}`, { key: club.key });
    expect(JSON.stringify(listed.body)).not.toContain('kim@');
    const { rows: sealed } = await lethe.superuser.query('SELECT * FROM inbox_task WHERE id = $1', [id]);
    expect(JSON.stringify(sealed)).not.toContain('kim@');
    const reads = async (): Promise<number> =>
      Number((await lethe.superuser.query(`SELECT count(*) FROM access_entry WHERE resource = 'task.claim' OR purpose = 'task.claim'`)).rows[0].count);
    const before = await reads();
    const claimed = await call(id, 'claim', { leaseSeconds: 30 });
    expect(claimed.status).toBe(200);
    expect(claimed.body).toMatchObject({
      ...{ id, kind: 'apply', fence: 1, identifiers: [{ type: 'email', value: 'kim@example.test', strength: 'verified' }] },
      datasets: declaredDatasets.map(({ name }) => ({ name, action: 'erase' })),
    });
    expect(await reads()).toBe(before + 1);
    const { rows } = await lethe.superuser.query(`SELECT count(*) FROM idempotency WHERE response LIKE '%kim@%'`);
    expect(Number(rows[0].count)).toBe(0);
  });
});

/** The rows as they were, but for one person's. */
function without(tables: Record<string, unknown[]>, email: string): Record<string, unknown[]> {
  const left = (rows: unknown[]): unknown[] => rows.filter((row) => (row as { email: string }).email !== email);
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, left(rows)]));
}
