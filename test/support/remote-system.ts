/** A system with an endpoint of its own: a real HTTP server over its own PostgreSQL, written with the client's helpers. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@jest/globals';
import {
  checkPassed,
  receiveTask,
  taskDone,
  taskTakenOn,
  WebhookRefused,
  type PushedTask,
  type ReportedOutcome,
  type TaskAnswer,
  type TaskReply,
} from '@lethe/client';
import { declaredDatasets, enable, openClub, snapshotOf, taskKey } from './inbox-system.js';
import type { TestServer } from './test-server.js';

/** How the endpoint behaves; honest and quick when nothing is said. */
export interface RemoteManner {
  /** Says erased and keeps the rows. */
  lies?: boolean;
  /** Takes an erasure on and does it when it is asked with the handle. */
  takesOn?: boolean;
  /** What was taken on is not done yet, however often it is asked for. */
  busy?: boolean;
  /** Takes it on and never ends it by itself: the system calls back. */
  callsBack?: boolean;
  /** Answers this status so many times before it works. */
  fails?: { status: number; times: number };
  redirectTo?: string;
  /** Done first, while the call waits for its answer. */
  first?: (task: PushedTask) => Promise<void>;
  /** Does the work and cuts the connection before it has answered, once. */
  cutsOnce?: boolean;
}

/** One call as it arrived and was verified. */
export interface Arrived {
  id: string;
  kind: string;
  idempotencyKey: string;
  fence: number;
  taskId: string;
  handle?: unknown;
}

export interface RemoteSystem {
  connectionId: string;
  key: string;
  port: number;
  manner: RemoteManner;
  arrived: Arrived[];
  /** Codes of calls that were refused. */
  refused: string[];
  snapshot(): Promise<Record<string, unknown[]>>;
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  close(): Promise<void>;
}

type Api = Pick<TestServer, 'post'> & { server: { baseUrl: string }; clock: { now(): Date } };

/** Starts the endpoint and connects it. */
export async function connectRemote(lethe: Api, name = 'club by call'): Promise<RemoteSystem> {
  const club = await openClub();
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const manner: RemoteManner = {};
  const arrived: Arrived[] = [];
  const refused: string[] = [];
  const rowsOf = async (table: string, task: PushedTask): Promise<Record<string, unknown>[]> => {
    const emails = task.identifiers.map((one) => one.value);
    return (await club.superuser.query(`SELECT * FROM ${table} WHERE email = ANY($1) ORDER BY id`, [emails])).rows;
  };
  const work = async (task: PushedTask): Promise<TaskAnswer> => {
    const outcomes: ReportedOutcome[] = [];
    const records: NonNullable<TaskAnswer['records']> & unknown[] = [];
    for (const { name: dataset } of task.datasets) {
      const rows = await rowsOf(dataset, task);
      const count = rows.length;
      if (task.kind === 'verify') outcomes.push({ dataset, kind: count > 0 ? 'residue' : 'clean', count });
      else if (task.kind === 'read') {
        outcomes.push({ dataset, kind: count > 0 ? 'provided' : 'not-found', count });
        for (const { id, ...fields } of rows) (records as unknown[]).push({ dataset, ref: String(id), fields });
      } else {
        if (!manner.lies)
          await club.superuser.query(`DELETE FROM ${dataset} WHERE email = ANY($1)`, [
            task.identifiers.map((one) => one.value),
          ]);
        outcomes.push({ dataset, kind: count > 0 ? 'erased' : 'not-found', count });
      }
    }
    return { outcomes, records };
  };
  const answer = async (task: PushedTask): Promise<TaskReply> => {
    await manner.first?.(task);
    if (task.kind === 'apply' && manner.callsBack) return taskTakenOn({ job: task.id }, 3600);
    const waits = task.handle === undefined || manner.busy === true;
    if (task.kind === 'apply' && manner.takesOn && waits) return taskTakenOn({ job: task.id }, 1);
    return taskDone(await work(task));
  };
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    if (manner.redirectTo) return void response.writeHead(307, { location: manner.redirectTo }).end();
    try {
      const received = await receiveTask(
        { headers: request.headers, body },
        { secret, now: lethe.clock.now().getTime() },
      );
      if (received.kind === 'check') return send(response, checkPassed());
      const { task } = received;
      const { kind, idempotencyKey, fence, handle } = task;
      arrived.push({ id: received.id, kind, idempotencyKey, fence, taskId: task.id, handle });
      if (manner.fails && manner.fails.times-- > 0) return void response.writeHead(manner.fails.status).end();
      const reply = await answer(task);
      if (manner.cutsOnce) {
        manner.cutsOnce = false;
        return void request.socket.destroy();
      }
      send(response, reply);
    } catch (error) {
      if (!(error instanceof WebhookRefused)) throw error;
      refused.push(error.code);
      response.writeHead(401).end();
    }
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { id: keyId, key } = await taskKey(lethe, name);
  const declared = await lethe.post(
    '/v1/admin/remotes',
    {
      ...{ name, legalEntity: 'Club e.V.', country: 'DE', keyId, datasets: declaredDatasets },
      ...{ endpoint: `http://127.0.0.1:${port}/lethe`, allowInward: true, signingSecret: secret },
    },
    { as: 'admin' },
  );
  expect([declared.status, declared.body.errors]).toEqual([201, undefined]);
  await enable(lethe, declared.body.id);
  return {
    ...{ connectionId: declared.body.id, key, port, manner, arrived, refused },
    snapshot: () => snapshotOf(club),
    query: (text, values) => club.superuser.query(text, values),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await club.drop();
    },
  };
}

function send(response: ServerResponse, { status, body }: TaskReply): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
