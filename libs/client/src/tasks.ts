/** The worker of a connected system: pulls its tasks from Lethe and does them one after another. */
import { LetheProblem, type LetheClient } from './client.js';
import { HeldTask } from './held-task.js';
import { mayPass, pause, repeated } from './repeated.js';
import type { ClaimedTask, TaskAnswer } from './task-types.js';

/** How a worker works. */
export interface WorkerOptions {
  /** Seconds after which another worker may take over a task whose worker is silent. Default 60. */
  leaseSeconds?: number;
  /** Seconds a call waits for work, at most 30. Default 30. */
  waitSeconds?: number;
  /** Ends the worker after the task in its hands. */
  signal?: AbortSignal;
}

/**
 * Claimed tasks as they come, for ever or until the signal aborts: `for await (const held of tasks(client, connectionId))`.
 * The lease is renewed until the next one is asked for; a task that was neither completed nor released is given back then.
 * An unreachable Lethe is asked again.
 *
 * @throws LetheProblem when the key may not work for the connection
 */
export async function* tasks(
  client: LetheClient,
  connectionId: string,
  { leaseSeconds = 60, waitSeconds = 30, signal }: WorkerOptions = {},
): AsyncGenerator<HeldTask, void, undefined> {
  while (!signal?.aborted) {
    const task = await next(client, connectionId, { leaseSeconds, waitSeconds, ...(signal ? { signal } : {}) });
    if (!task) continue;
    const held = new HeldTask(client, task, leaseSeconds);
    try {
      yield held;
    } finally {
      held.stop();
    }
  }
}

/** Answers one task: outcomes for every dataset (a forgotten one is `failed`), and the records of a `read`. What it throws gives the task back. */
export type TaskHandler = (
  task: Pick<
    ClaimedTask,
    'id' | 'kind' | 'identifiers' | 'datasets' | 'decisions' | 'rules' | 'idempotencyKey' | 'mustFinishBy'
  >,
  held: HeldTask,
) => Promise<TaskAnswer>;

/** Seconds before a task is offered again whose handler threw. */
const AGAIN_S = 30;

/**
 * Works until the signal aborts: hands each task to the handler, sends records and outcomes, completes. A handler that
 * throws gives the task back; one that has lost its lease is told by `held.signal` and nothing of it is sent.
 *
 * @throws LetheProblem when the key may not work for the connection
 */
export async function workTasks(
  client: LetheClient,
  connectionId: string,
  handler: TaskHandler,
  options: WorkerOptions = {},
): Promise<void> {
  for await (const held of tasks(client, connectionId, options)) {
    try {
      await answer(held, handler);
    } catch (error) {
      if (held.signal.aborted) continue;
      // Without a key that works nothing can be done; any other trouble is this task's, and the next one may go well.
      if (error instanceof LetheProblem && (error.status === 401 || error.status === 403)) throw error;
      await held.release('handler-failed', AGAIN_S).catch(() => undefined);
    }
  }
}

async function answer(held: HeldTask, handler: TaskHandler): Promise<void> {
  const { outcomes, records } = await handler(held.task, held);
  if (records) await held.upload(records);
  await held.complete(outcomes).catch((error: unknown) => {
    if (!(error instanceof LetheProblem) || error.code !== 'outcomes-missing') throw error;
    // What the handler forgot is a failure that the office sees now, and not when the task is overdue.
    const failed = { kind: 'failed', retryable: false, code: 'no-outcome' } as const;
    const missing = error.document['missing'] as string[];
    return held.complete([...outcomes, ...missing.map((dataset) => ({ dataset, ...failed }))]);
  });
}

async function next(
  client: LetheClient,
  connectionId: string,
  { leaseSeconds, waitSeconds, signal }: Required<Omit<WorkerOptions, 'signal'>> & { signal?: AbortSignal },
): Promise<ClaimedTask | undefined> {
  try {
    const query = { connectionId, wait: waitSeconds, limit: 10 };
    const listed = await client.GET('/v1/tasks', { params: { query }, ...(signal ? { signal } : {}) });
    for (const { id } of listed.data?.items ?? []) {
      const claimed = await claim(client, id, leaseSeconds);
      if (claimed) return claimed;
    }
    return undefined;
  } catch (error) {
    if (signal?.aborted) return undefined;
    if (!mayPass(error)) throw error;
    await pause(1_000, signal);
    return undefined;
  }
}

/** Undefined when another worker was quicker. */
async function claim(client: LetheClient, id: string, leaseSeconds: number): Promise<ClaimedTask | undefined> {
  try {
    return await repeated((headers) =>
      client.POST('/v1/tasks/{id}/claim', { params: { path: { id } }, body: { leaseSeconds }, headers }),
    );
  } catch (error) {
    if (error instanceof LetheProblem && [404, 409].includes(error.status)) return undefined;
    throw error;
  }
}
