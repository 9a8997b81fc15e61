/** `kill -9` of the service with tasks that are open, claimed and pushed: none is lost, none is asked under another key. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  approveByTwo,
  byEmail,
  closed,
  hasStatus,
  openProven,
  planOf,
  requestWhen,
} from '../support/connected-systems.js';
import { connectInbox, TABLES, type InboxSystem } from '../support/inbox-system.js';
import { passLeases, passPushes } from '../support/pass-leases.js';
import { quietPort } from '../support/quiet-port.js';
import { connectRemote, type RemoteSystem } from '../support/remote-system.js';
import { ServiceProcess } from '../support/service-process.js';
import type { TestAnswer } from '../support/test-server.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1' || process.env['LETHE_TEST_FULL'] === '1';
/** While the workers are busy; one more falls before, when all tasks wait. */
const KILLS = LONG ? 3 : 1;
const PEOPLE = LONG ? 5 : 2;
/** Everybody else's erasure is honest. */
const LIED_TO = 'person0';
/** A push that was cut in the middle is repeated when its lease of a minute has run out: in the long form, that is waited for. */
const FINISH_MS = 180_000;
jest.setTimeout(600_000);

interface TaskSeen {
  id: string;
  connection: string;
  kind: string;
  item_key: string;
  request: string;
  state: string;
  fence: number;
}

describe(`tasks of a service that is killed ${KILLS + 1} times`, () => {
  let service: ServiceProcess;
  let club: InboxSystem;
  let remote: RemoteSystem;
  /** Person by request. */
  const requests = new Map<string, string>();
  const seen = new Map<string, TaskSeen>();
  /** How many calls the endpoint had seen at each kill. */
  const marks: number[] = [];

  beforeAll(async () => {
    // The same port after every start: a worker of a connected system is not told that Lethe has moved.
    const port = await quietPort();
    service = await ServiceProcess.prepare(() => ({ PORT: String(port) }));
    await service.start();
    const api = { ...calls(service), server: { baseUrl: service.baseUrl }, clock: { now: () => new Date() } };
    club = await connectInbox(api);
    remote = await connectRemote(api);
  });
  afterAll(async () => {
    await club.close();
    await service.close();
    await remote.close();
  });

  async function approved(person: string, at: number): Promise<string> {
    for (const system of [club, remote])
      await system.query('INSERT INTO members VALUES ($1, $2, $3)', [100 + at, `${person}@example.test`, person]);
    const id = await openProven(service, 'erasure', [byEmail(`${person}@example.test`)]);
    await approveByTwo(service, id, (await planOf(service, id)).hash);
    requests.set(id, person);
    return id;
  }

  /** All tasks, which must contain every earlier one as it was asked. */
  async function tasks(): Promise<TaskSeen[]> {
    const { rows } = await service.superusers.ledger.query<TaskSeen>(
      'SELECT id, connection, kind, item_key, request, state, fence::int AS fence FROM inbox_task ORDER BY id',
    );
    for (const { id, kind, connection, request, item_key } of seen.values())
      expect(rows).toContainEqual(expect.objectContaining({ id, kind, connection, request, item_key }));
    for (const row of rows) seen.set(row.id, row);
    return rows;
  }

  /** People who are said to be gone and whose rows are there. */
  async function falselyFulfilled(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [id, person] of requests) {
      const request = (await service.get(`/v1/requests/${id}`)).body;
      if (request.status === 'closed' && (await rowsOf(person)) > 0) wrong.push(person);
    }
    return wrong;
  }

  async function rowsOf(person: string): Promise<number> {
    let count = 0;
    for (const system of [club, remote])
      for (const table of TABLES)
        count += (await system.query(`SELECT FROM ${table} WHERE email = $1`, [`${person}@example.test`])).rows.length;
    return count;
  }

  async function kill(): Promise<void> {
    await service.end('SIGKILL');
    marks.push(remote.arrived.length);
    if (!LONG) {
      await passLeases(service);
      await passPushes(service, remote.connectionId);
    }
    await service.start();
    expect(await falselyFulfilled()).toEqual([]);
    await tasks();
  }

  const call = (id: string, what: string, body: unknown): Promise<TestAnswer> =>
    service.post(`/v1/tasks/${id}/${what}`, body, { key: club.key });
  const ofClub = ({ connection, kind }: TaskSeen): boolean => connection === club.connectionId && kind === 'apply';

  it('are all there afterwards, and a claim is still a claim', async () => {
    Object.assign(remote.manner, { takesOn: true, busy: true });
    for (let at = 0; at < PEOPLE; at += 1) await approved(`person${at}`, at);
    const offered = await until('a task for everybody', async () => {
      const open = (await tasks()).filter(ofClub);
      return open.length === PEOPLE && remote.arrived.length >= PEOPLE && open;
    });
    const [first] = offered;
    const claimed = await call(first!.id, 'claim', { leaseSeconds: 600 });
    expect([claimed.status, claimed.body.fence]).toEqual([200, 1]);
    await kill();
    remote.manner.busy = false;
    const after = (await tasks()).filter(ofClub);
    expect(after.map(({ state, fence }) => `${state} ${fence}`).sort()).toEqual([
      'claimed 1',
      ...Array.from({ length: PEOPLE - 1 }, () => 'open 0'),
    ]);
    // The holder was not disturbed, and nobody else can take it.
    expect((await call(first!.id, 'heartbeat', { fence: 1, leaseSeconds: 600 })).status).toBe(200);
    expect((await call(first!.id, 'claim', { leaseSeconds: 600 })).body.code).toBe('task-taken');
    expect((await call(first!.id, 'release', { fence: 1 })).status).toBe(200);
  });

  it('are done by workers that live through it, and every honest request ends', async () => {
    const worker = club.worker({ slowMs: 200, liesTo: `${LIED_TO}@example.test` });
    for (let turn = 1; turn <= KILLS; turn += 1) {
      const before = worker.lines.length;
      await until('work under way', () => worker.lines.length > before || worker.lines.length >= PEOPLE * 4);
      await kill();
    }
    for (const [id, person] of requests) {
      if (person === LIED_TO) continue;
      expect((await closed(service, id, FINISH_MS)).resolution).toMatch(/^fulfilled/);
      expect([person, await rowsOf(person)]).toEqual([person, 0]);
    }
    // Nobody else was touched.
    expect(await rowsOf('jan')).toBe(6);
    await until('all tasks are over', async () => (await tasks()).every(({ state }) => state === 'done'));
    const all = await tasks();
    // One to act and one to look again, for each person in each system.
    expect(all.map(({ connection, kind, request }) => `${connection} ${kind} ${request}`).sort()).toEqual(
      [...requests.keys()]
        .flatMap((request) =>
          [club, remote].flatMap((system) =>
            ['apply', 'verify'].map((kind) => `${system.connectionId} ${kind} ${request}`),
          ),
        )
        .sort(),
    );
  });

  it('kept the key of their effect in every call that the system saw', async () => {
    await tasks();
    const keys = new Map<string, Set<string>>();
    for (const { taskId, idempotencyKey } of remote.arrived)
      keys.set(taskId, (keys.get(taskId) ?? new Set()).add(idempotencyKey));
    for (const [taskId, used] of keys) {
      const task = seen.get(taskId);
      expect([...used]).toEqual([`${task?.kind}:${task?.item_key}`]);
    }
    // Asked again, by another process of Lethe: otherwise this would show nothing.
    const [mark = 0] = marks;
    const earlier = new Set(remote.arrived.slice(0, mark).map(({ taskId }) => taskId));
    expect(remote.arrived.slice(mark).filter(({ taskId }) => earlier.has(taskId)).length).toBeGreaterThan(0);
    process.stdout.write(
      `${KILLS + 1} kills, ${PEOPLE} requests, ${seen.size} tasks, ${remote.arrived.length} calls to the endpoint\n`,
    );
  });

  it('make nobody fulfilled whose system only says so', async () => {
    const id = [...requests.keys()].find((request) => requests.get(request) === LIED_TO)!;
    const request = await requestWhen(service, id, hasStatus('incomplete', 'closed'), FINISH_MS);
    expect([request.status, (await rowsOf(LIED_TO)) > 0]).toEqual(['incomplete', true]);
    const target = request.targets.find((one: TestAnswer['body']) => one.connectionId === club.connectionId);
    expect(target.failure.code).toBe('residue');
  });
});

const calls = (service: ServiceProcess): Pick<ServiceProcess, 'post'> => ({
  post: (path, body, call) => service.post(path, body, call),
});
