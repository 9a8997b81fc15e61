/** What a job is, what a handler may answer, and the facts a job leaves in the ledger. */
import type { JsonObject, TenantId } from '#kernel';
import { declareEvents, type NewEvent } from '#ledger';

/** A job to be done once, handed over together with the events that cause it. */
export interface NewJob {
  /** UUIDv7; made when absent. */
  id?: string;
  /** Kind of work: chooses the handler. */
  queue: string;
  /** What is limited together across all processes, usually a connection id; empty or absent means no limit. */
  key?: string;
  /** Ids only: a job row is neither sealed nor shredded, so personal data must not be in it. */
  payload: JsonObject;
  /** Not before; the time of the append when absent. May lie months ahead. */
  runAt?: Date;
  /** Once per tenant: enqueueing the same key again changes nothing. Ids only. */
  dedupeKey?: string;
  /** Overrides the handler's own number of attempts. */
  maxAttempts?: number;
}

/**
 * `ready` waits for its time or a free slot, `running` is held under a lease, `dead` waits for an officer, `manual` was
 * handed to a human, `cancelled` will not be done. Only `done` means that it was done.
 */
export type JobState = 'ready' | 'running' | 'done' | 'dead' | 'manual' | 'cancelled';

/** A job as its handler sees it. */
export interface Job<Payload = unknown> {
  tenant: TenantId;
  id: string;
  queue: string;
  key: string;
  payload: Payload;
  /** 1 for the first attempt; counted when it starts, so that a crash counts too. */
  attempts: number;
  maxAttempts: number | null;
  /** Part of the key of an outside effect: an officer's retry is another effect, our own retry is the same one. */
  generation: number;
  /** Who holds a smaller number has lost the job. */
  fence: number;
  dedupeKey: string | null;
}

/** What became of one attempt. */
export type JobResult =
  | { kind: 'done' }
  | { kind: 'retry'; afterMs: number | undefined; code: string }
  | { kind: 'later'; runAt: Date }
  | { kind: 'dead'; code: string; errorClass: string }
  | { kind: 'settled' };

/** It is done. */
export const done = (): JobResult => ({ kind: 'done' });

/** Try again: after `afterMs` (e.g. a vendor's Retry-After), otherwise by the queue's backoff. `code` is kebab-case, never a message. */
export const retry = (code: string, afterMs?: number): JobResult => ({ kind: 'retry', code, afterMs });

/** Look again at `runAt`: a poll or a legal date. Counts no attempt and forgets earlier failures. */
export const later = (runAt: Date): JobResult => ({ kind: 'later', runAt });

/** It can't succeed as it stands; an officer decides. `code` and `errorClass` are kebab-case, never a message. */
export const dead = (code: string, errorClass = 'permanent'): JobResult => ({ kind: 'dead', code, errorClass });

/** The handler has committed the job's new state together with its own events (`JobContext.finish`). */
export const settled = (): JobResult => ({ kind: 'settled' });

/** What happens to a job that an officer should know. Ids and codes only. */
export const jobEvents = declareEvents('JobDied.v1', 'JobRetried.v1', 'JobTurnedManual.v1', 'JobAccepted.v1');

/** Stream of one job's facts. */
export function jobStream(id: string): string {
  return `job/${id}`;
}

const AGAIN = /\/again-([0-9a-f-]{36})$/;

/**
 * Key of a job that does again what a dead one could not, for work that no officer re-drives. The dead one needs nobody any
 * more when this one has ended: done, or dead itself. A chain keeps one key: that of the first, and of the last that died.
 */
export function againKey(dedupeKey: string, deadJob: string): string {
  return `${dedupeKey.replace(AGAIN, '')}/again-${deadJob}`;
}

/** The dead job that a job stands in for, by its key. */
export function standsFor(dedupeKey: string | null): string | undefined {
  return AGAIN.exec(dedupeKey ?? '')?.[1];
}

/** The fact that nobody will try this job again by itself. */
export function jobDied(job: Omit<Job, 'payload'>, code: string, errorClass: string): NewEvent {
  const { id, queue, key, attempts, generation, dedupeKey } = job;
  return {
    stream: jobStream(id),
    type: 'JobDied.v1',
    data: { jobId: id, queue, key, attempts, generation, dedupeKey, code, class: errorClass },
  };
}
