/** From the result of an attempt to the change of the job and the facts it leaves: pure. */
import { DomainError } from '#kernel';
import type { NewEvent } from '#ledger';
import { backoffMs, type Backoff, type Chance } from './backoff.js';
import type { JobChange } from './change-job.js';
import type { ClaimedJob } from './claim-jobs.js';
import { dead, jobDied, retry, standsFor, type JobResult } from './job.js';

/** When to give up, and how long to wait before. */
export interface Attempts {
  maxAttempts: number;
  backoff: Backoff;
}

export interface Settlement {
  change: JobChange;
  events: NewEvent[];
}

/** True when the job was started more often than allowed: its process died under it each time. */
export function isExhausted(job: ClaimedJob, attempts: Attempts): boolean {
  return job.attempts > (job.maxAttempts ?? attempts.maxAttempts);
}

/** A thrown error as a result. Only codes and class names pass: a message could hold a person's data. */
export function resultOf(error: unknown): JobResult {
  if (error instanceof DomainError) {
    const { retryable, retryAfter } = error.details;
    if (retryable === false) return dead(error.code);
    return retry(error.code, retryAfter === undefined ? undefined : retryAfter * 1000);
  }
  const name = error instanceof Error && /^[A-Za-z]{1,60}$/.test(error.name) ? error.name : 'Error';
  return retry(`unexpected-${name}`);
}

/** The change a result asks for. `undefined` when the handler committed it itself. */
export function settle(
  job: ClaimedJob,
  result: JobResult,
  attempts: Attempts,
  now: Date,
  chance: Chance,
): Settlement | undefined {
  const at = { id: job.id, fence: job.fence, from: 'running' as const };
  switch (result.kind) {
    case 'settled':
      return undefined;
    case 'done':
      return { change: { ...at, to: 'done', ...ended(job, now) }, events: [] };
    case 'later':
      return { change: { ...at, to: 'ready', runAt: result.runAt, attempts: 0 }, events: [] };
    case 'dead':
      return died(job, result.code, result.errorClass, now);
    case 'retry': {
      if (job.attempts >= (job.maxAttempts ?? attempts.maxAttempts)) return died(job, result.code, 'exhausted', now);
      const runAt = new Date(now.getTime() + (result.afterMs ?? backoffMs(attempts.backoff, job.attempts, chance)));
      return { change: { ...at, to: 'ready', runAt, errorCode: result.code, errorClass: 'transient' }, events: [] };
    }
  }
}

function died(job: ClaimedJob, code: string, errorClass: string, now: Date): Settlement {
  return {
    change: {
      id: job.id,
      fence: job.fence,
      from: 'running',
      to: 'dead',
      errorCode: code,
      errorClass,
      ...ended(job, now),
    },
    events: [jobDied(job, code, errorClass)],
  };
}

function ended({ dedupeKey }: ClaimedJob, finishedAt: Date): Pick<JobChange, 'finishedAt' | 'standsFor'> {
  const before = standsFor(dedupeKey);
  return before === undefined ? { finishedAt } : { finishedAt, standsFor: before };
}

/** Back to the others at a graceful stop: no attempt counted. */
export function released(job: ClaimedJob, now: Date): JobChange {
  return { id: job.id, fence: job.fence, from: 'running', to: 'ready', runAt: now, attempts: job.attempts - 1 };
}
