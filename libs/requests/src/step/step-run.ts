/** What every kind of step shares: begin an attempt, record facts, finish with what follows. */
import { dead, later, retry, type Job, type JobContext, type JobResult } from '#jobs';
import type { NewEvent } from '#ledger';
import { AnswerLater, type CallAbout, type Fail } from './connected.js';
import { withNextMove } from '../course/next-move.js';
import type { PlanHead } from '../plan/plan.js';
import type { RequestState, StepState } from '../request-state.js';
import { fact, streamOf } from '../request.js';
import type { Change, Requests } from '../requests.js';

export type StepJob = Job<{ requestId: string; stepId: string }>;

/** An attempt under way. `earlier`: attempts before this one, so a record that is gone may be our own doing. */
export interface Attempt {
  job: StepJob;
  context: JobContext;
  state: RequestState;
  step: StepState;
  earlier: number;
}

/**
 * Revision of the connection that the approved plan was made on: open work ends on the version that was approved. An
 * officer's re-drive takes what serves now, because a broken version is why he was asked.
 */
export function revisionOf({ state, step, job }: Attempt): { configVersion?: number } {
  const head = state.plan?.head as PlanHead | undefined;
  const planned = head?.systems.find((one) => one.connectionId === step.connectionId);
  return planned && job.generation === 0 ? { configVersion: planned.configVersion } : {};
}

export const ACTOR = 'system:requests';

/** Whom the calls of an attempt are about, and which job waits for their answers. */
export function aboutOf({ job, state }: Pick<Attempt, 'job' | 'state'>): CallAbout {
  return { requestId: state.id, subject: state.subjectId, jobId: job.id };
}

/** Records the attempt before anything is done; undefined when nothing is to be done any more. */
export async function beginAttempt(
  requests: Requests,
  job: StepJob,
  context: JobContext,
): Promise<Attempt | undefined> {
  const { requestId, stepId } = job.payload;
  const before = await requests.load(job.tenant, requestId);
  const known = stepOf(before, stepId);
  if (!known || !isActive(before, known)) return undefined;
  const state = await record(requests, { job, context }, () => [
    fact('StepStarted.v1', { requestId, stepId, attempt: known.attempts + 1, generation: job.generation }),
  ]);
  const step = stepOf(state, stepId);
  return step ? { job, context, state, step, earlier: known.attempts } : undefined;
}

/** A withdrawn or closed request's unsent work stops; a finished step has nothing left. */
export function isActive(state: RequestState, step: StepState): boolean {
  return !step.finished && step.handled === undefined && state.withdrawn === undefined && state.status !== 'closed';
}

/** By its id, or by the part of a job that runs it again, which begins with its id. */
export function stepOf(state: RequestState, part: string): StepState | undefined {
  return state.steps.find(({ stepId }) => part === stepId || part.startsWith(`${stepId}/`));
}

/** Appends in the middle of an attempt, under the job's fence. */
export async function record(
  requests: Requests,
  { job, context }: Pick<Attempt, 'job' | 'context'>,
  events: (state: RequestState) => NewEvent[],
): Promise<RequestState> {
  const { requestId } = job.payload;
  return requests.appending(
    job.tenant,
    requestId,
    (state) => ({ events: events(state) }),
    (change, state) =>
      context.append({
        actorRef: ACTOR,
        events: change.events,
        rows: change.rows ?? [],
        expect: { [streamOf(requestId)]: state.version },
      }),
  );
}

/** Appends the last facts of an attempt with what follows from them, and settles the job in the same flush. */
export async function finishAttempt(
  requests: Requests,
  { job, context }: Attempt,
  events: (state: RequestState) => Change,
  result?: JobResult,
): Promise<JobResult> {
  const { requestId } = job.payload;
  let answer: JobResult | undefined;
  await requests.appending(
    job.tenant,
    requestId,
    (state) => withNextMove(state, events(state)),
    async (change, state) => {
      const append = {
        actorRef: ACTOR,
        events: change.events,
        rows: change.rows ?? [],
        expect: { [streamOf(requestId)]: state.version },
      };
      answer = await context.finish(append, result);
    },
  );
  return answer ?? result ?? { kind: 'done' };
}

/** A connector's failure as a job's: a system at work is asked again, passing ones are tried again, the others wait for an officer. Anything else is rethrown. */
export function failureResult(error: unknown): JobResult {
  if (error instanceof AnswerLater) return later(error.at);
  const fail = (error as { fail?: Fail } | null)?.fail;
  if (!fail) throw error;
  return resultOfFail(fail);
}

export function resultOfFail(fail: Fail): JobResult {
  switch (fail.class) {
    case 'transient':
    case 'rate-limit':
      return retry(fail.code, fail.retryAfterMs);
    case 'config':
    case 'auth':
    case 'permanent':
    case 'bug':
      return dead(fail.code, fail.class);
  }
}
