/** What a handler registers with, and what it is given. */
import type { Append } from '#ledger';
import type { Backoff } from './backoff.js';
import type { KeyLimit } from './choose-jobs.js';
import type { Job, JobResult } from './job.js';

/** How a queue is worked. */
export interface HandlerOptions<Payload> {
  /** Reads the stored payload, e.g. a zod `strictObject`. A payload it refuses makes the job `dead` with `payload-invalid`. */
  payload: { parse(value: unknown): Payload };
  /** Jobs of this queue that this process runs at once; default 8. */
  concurrency?: number;
  /** Limits of a key across all processes and queues: the same for every key, or by key. Default none. */
  perKey?: KeyLimit | ((key: string) => KeyLimit);
  /** Milliseconds without a sign of life after which another worker takes over; default 10 000. */
  lease?: number;
  /** Starts before the job is `dead`; default 8. */
  maxAttempts?: number;
  /** Default 1 s doubling up to 15 min, with full jitter. */
  backoff?: Backoff;
}

/** An append on behalf of a job: its tenant is the job's. */
export type JobAppend = Omit<Append, 'tenant' | 'side'>;

/** What a handler may do besides its work. */
export interface JobContext {
  /** Aborts when the job was lost (`FenceLost`) or the worker stops (`WorkerStopping`). Pass it to everything that waits. */
  signal: AbortSignal;
  /** Grows with every claim; hand it to systems that can compare it. */
  fence: number;
  /**
   * Renews the lease now. Call it before what can't be undone. Throws `FenceLost` when the job is no longer ours, and
   * `NothingLeaves` while nothing may be sent or recorded.
   */
  heartbeat(): Promise<void>;
  /** Appends facts in the middle of the work, guarded by the fence; the job stays running. Throws `FenceLost`, with nothing appended. */
  append(append: JobAppend): Promise<void>;
  /**
   * Appends facts and settles the job with `result` (default done) in one flush: both or neither. Throws `FenceLost`,
   * with nothing appended. Return what it returns.
   */
  finish(append: JobAppend, result?: JobResult): Promise<JobResult>;
}

/** At least once: an effect outside needs a key of its own (`itemKey`). What it throws counts as `retry`. */
export type JobHandler<Payload> = (job: Job<Payload>, context: JobContext) => Promise<JobResult>;

/** A registered queue with its defaults filled in. */
export interface Registration {
  concurrency: number;
  leaseMs: number;
  maxAttempts: number;
  backoff: Backoff;
  limit: (key: string) => KeyLimit;
  run: (job: Job<string>, context: JobContext) => Promise<JobResult>;
}

/** Aborts handlers when the worker stops; the job goes back without counting the attempt. */
export class WorkerStopping extends Error {
  override name = 'WorkerStopping';
}

/** Nothing may be recorded now, so nothing may be done outside either; the job goes back without counting the attempt. */
export class NothingLeaves extends Error {
  override name = 'NothingLeaves';
}

/** A stored payload its handler can't read: trying again would not help. */
export class PayloadInvalid extends Error {
  override name = 'PayloadInvalid';
}

/** Fills in the defaults and puts the parser before the handler. */
export function register<Payload>(options: HandlerOptions<Payload>, handler: JobHandler<Payload>): Registration {
  const { perKey = {} } = options;
  return {
    concurrency: options.concurrency ?? 8,
    leaseMs: options.lease ?? 10_000,
    maxAttempts: options.maxAttempts ?? 8,
    backoff: options.backoff ?? { baseMs: 1000, maxMs: 15 * 60_000 },
    limit: typeof perKey === 'function' ? perKey : () => perKey,
    run: async (job, context) => handler({ ...job, payload: read(options, job.payload) }, context),
  };
}

function read<Payload>(options: HandlerOptions<Payload>, text: string): Payload {
  try {
    return options.payload.parse(JSON.parse(text));
  } catch {
    throw new PayloadInvalid('the payload of the job is not what its handler reads');
  }
}
