/** The endpoint of a connected system that Lethe calls: verifies a pushed task and writes the answer. No framework. */
import type { ClaimedTask, ReportedOutcome, TaskAnswer, TaskRecord } from './task-types.js';
import { verifyWebhook, type SignedCall, type VerifyOptions } from './verify-webhook.js';

/** A task as it is pushed. `handle` comes back when a call asks how work stands that was taken on before. */
export type PushedTask = ClaimedTask & { handle?: unknown };

/** `check`: Lethe asks whether the endpoint is there and shares the secret; there is nothing to do. */
export type ReceivedTask = { id: string; timestamp: Date } & ({ kind: 'check' } | { kind: 'task'; task: PushedTask });

/** An answer to send back as it is: status and JSON body. */
export interface TaskReply {
  status: 200 | 202;
  body: string;
}

/**
 * Reads a pushed call. `id` is new for every attempt, so a known one is a replay; `task.idempotencyKey` names the effect and
 * is the same for every attempt at it.
 *
 * @throws WebhookRefused; answer 401
 */
export async function receiveTask(call: SignedCall, options: VerifyOptions): Promise<ReceivedTask> {
  const { id, timestamp, payload } = await verifyWebhook(call, options);
  const body = payload as { type?: unknown };
  if (body.type === 'check') return { id, timestamp, kind: 'check' };
  return { id, timestamp, kind: 'task', task: payload as PushedTask };
}

/** The work is done: outcomes for every dataset, and the records of a `read`. */
export async function taskDone({ outcomes, records = [] }: TaskAnswer): Promise<TaskReply> {
  const all: TaskRecord[] = [];
  for await (const record of records) all.push(record);
  const said: (ReportedOutcome & { count: number })[] = outcomes.map((one) => ({ count: 0, ...one }));
  return { status: 200, body: JSON.stringify({ outcomes: said, records: all }) };
}

/** The work was taken on. Lethe asks again with the handle, after `pollAfterSeconds` (default 60) at the earliest. */
export function taskTakenOn(handle: unknown, pollAfterSeconds = 60): TaskReply {
  return { status: 202, body: JSON.stringify({ handle, pollAfterSeconds }) };
}

/** The endpoint is there. */
export const checkPassed = (): TaskReply => ({ status: 200, body: JSON.stringify({ ok: true }) });
