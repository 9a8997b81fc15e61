/** Requests that lead to tasks for a system without a plugin, and calls about these tasks with the system's key. */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { approve, approveByTwo, byEmail, openProven, planOf } from './connected-systems.js';
import { connectInbox, type InboxSystem } from './inbox-system.js';
import { startTestServer, type TestAnswer, type TestServer } from './test-server.js';
import { until } from './until.js';

type Answer = TestAnswer['body'];

export interface InboxTasks {
  /** A request of the person, planned with the system and approved. */
  approved(email: string, type?: 'erasure' | 'access'): Promise<string>;
  /** The system's part of a request. */
  targetOf(request: Answer): Answer;
  /** The task of this kind that can be claimed now. */
  offered(kind: string, key?: string): Promise<string>;
  /** The open task of a request. */
  taskOf(request: string): Promise<string>;
  call(id: string, what: string, body: unknown, key?: string): Promise<TestAnswer>;
}

/** `now` tells server and system once the spec has started them. */
export function inboxTasks(now: () => { lethe: TestServer; club: { connectionId: string; key: string } }): InboxTasks {
  return {
    async approved(email, type = 'erasure') {
      const { lethe, club } = now();
      const id = await openProven(lethe, type, [byEmail(email)]);
      const plan = await planOf(lethe, id);
      expect(plan.systems.map((one: Answer) => one.connectionId)).toContain(club.connectionId);
      if (type === 'erasure') await approveByTwo(lethe, id, plan.hash);
      else expect((await approve(lethe, id, plan.hash)).status).toBe(200);
      return id;
    },
    targetOf: (request) => request.targets.find((one: Answer) => one.connectionId === now().club.connectionId),
    async offered(kind, key = now().club.key) {
      const { lethe, club } = now();
      const open = `/v1/tasks?connectionId=${club.connectionId}&wait=1`;
      const ofKind = async (): Promise<Answer> => {
        const { status, body } = await lethe.get(open, { key });
        expect(status).toBe(200);
        return body.items.find((one: Answer) => one.kind === kind);
      };
      return (await until(`a task ${kind} is offered`, ofKind, 60_000)).id;
    },
    async taskOf(request) {
      const { superuser } = now().lethe;
      return until('a task was opened', async () => {
        const { rows } = await superuser.query('SELECT id FROM inbox_task WHERE request = $1', [request]);
        return rows[0]?.id;
      });
    },
    call: (id, what, body, key = now().club.key) => now().lethe.post(`/v1/tasks/${id}/${what}`, body, { key }),
  };
}

/** Time passes, as it does: a job that was at work when its answer came looks again two seconds later. Call the answer to stop. */
export function ticking({ clock }: Pick<TestServer, 'clock'>): () => void {
  const timer = setInterval(() => clock.advance(100), 100);
  return () => clearInterval(timer);
}

/** A server with one system that pulls its work, for a whole spec; time passes, and no worker outlives its test. */
export function inboxPerSpec(started: (all: { lethe: TestServer; club: InboxSystem }) => void): void {
  let lethe: TestServer;
  let club: InboxSystem;
  let stopTicking: () => void;
  beforeAll(async () => {
    lethe = await startTestServer();
    club = await connectInbox(lethe);
    stopTicking = ticking(lethe);
    started({ lethe, club });
  }, 90_000);
  afterEach(() => club.stopWorkers());
  afterAll(async () => {
    stopTicking();
    await club.close();
    await lethe.close();
  });
}
