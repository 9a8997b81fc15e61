/** One attempt of one job: from its handler to the committed result. */
import type { Clock } from '#kernel';
import type { EventStore } from '#ledger';
import type { Chance } from './backoff.js';
import { appendFenced, changeRows, FenceLost } from './change-job.js';
import type { ClaimedJob } from './claim-jobs.js';
import { NothingLeaves, PayloadInvalid, WorkerStopping, type JobContext, type Registration } from './job-handler.js';
import { dead, done, settled, type JobResult } from './job.js';
import type { Leases } from './leases.js';
import { isExhausted, released, resultOf, settle } from './settle-job.js';
import type { Settlements } from './settlements.js';

/** What an attempt needs of its worker. */
export interface Attempting {
  store: EventStore;
  clock: Clock;
  chance: Chance;
  /** Pseudonym under which a job's death is recorded. */
  actorRef: string;
  leases: Leases;
  settlements: Settlements;
}

/** Runs the handler and settles the job. Throws `FenceLost` when somebody else has it by now; then nothing was written. */
export async function runJob(worker: Attempting, registration: Registration, job: ClaimedJob): Promise<void> {
  const abort = worker.leases.hold(job);
  try {
    const result = await attempt(worker, registration, job, abort.signal);
    await commit(worker, registration, job, result);
  } finally {
    worker.leases.drop(job);
  }
}

type Outcome = JobResult | { kind: 'released' };

async function attempt(
  worker: Attempting,
  registration: Registration,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<Outcome> {
  if (isExhausted(job, registration)) return dead('lease-expired', 'crashed');
  try {
    return await registration.run(job, contextOf(worker, registration, job, signal));
  } catch (error) {
    if (error instanceof FenceLost || signal.reason instanceof FenceLost) throw new FenceLost();
    if (error instanceof NothingLeaves) return { kind: 'released' };
    if (error instanceof PayloadInvalid) return dead('payload-invalid');
    // What fails while we stop fails because we stop.
    return signal.reason instanceof WorkerStopping ? { kind: 'released' } : resultOf(error);
  }
}

async function commit(
  worker: Attempting,
  registration: Registration,
  job: ClaimedJob,
  outcome: Outcome,
): Promise<void> {
  const now = worker.clock.now();
  if (outcome.kind === 'released') return worker.settlements.settle(job.tenant, released(job, now));
  const settlement = settle(job, outcome, registration, now, worker.chance);
  if (!settlement) return;
  const { change, events } = settlement;
  if (events.length === 0) return worker.settlements.settle(job.tenant, change);
  await appendFenced(worker.store, { tenant: job.tenant, actorRef: worker.actorRef, events, rows: changeRows(change) });
}

function contextOf(worker: Attempting, registration: Registration, job: ClaimedJob, signal: AbortSignal): JobContext {
  const { tenant, id, fence, leaseMs } = job;
  return {
    signal,
    fence,
    heartbeat: async () => {
      // The worker claims nothing meanwhile; this is for what was under way, a lane of a hundred messages for one.
      if (!worker.store.writable) throw new NothingLeaves();
      await worker.leases.renew(job);
    },
    append: async (append) => {
      const rows = changeRows({ id, fence, from: 'running', to: 'running', leaseMs });
      await appendFenced(worker.store, { ...append, tenant, rows: [...(append.rows ?? []), ...rows] });
    },
    finish: async (append, result = done()) => {
      const settlement = settle(job, result, registration, worker.clock.now(), worker.chance);
      if (!settlement) throw new TypeError('finish takes a result that is not settled yet');
      await appendFenced(worker.store, {
        ...append,
        tenant,
        events: [...append.events, ...settlement.events],
        rows: [...(append.rows ?? []), ...changeRows(settlement.change)],
      });
      return settled();
    },
  };
}
