/** What follows from the death of a request's job: an officer decides, its work is done again, or nobody needs it. Pure. */
import { againKey, type AfterDeath, type NewJob } from '#jobs';
import { againJob, CERTIFICATE, type RequestJob } from './request-jobs.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { LETHE_ITSELF } from '../request.js';
import { isActive, stepOf } from '../step/step-run.js';

/** A job that died, and when. */
export type Death = { jobId: string; at: Date };

/**
 * Only a step waits for somebody: an officer retries that very job, takes it over or accepts it. What the person is owed is
 * done again; all else stands in the request by now, as incomplete, reopened or ended.
 */
export function afterDeath(state: RequestState, about: RequestJob, died: Death): AfterDeath {
  if (about.part !== 'step') return owedBy(state, about, died) ?? 'over';
  const step = stepOf(state, about.partId);
  return step && isActive(state, step) ? 'waits' : 'over';
}

/** A letter, a stop or a certificate that failed is tried anew, an hour later, until it is done. */
function owedBy(state: RequestState, about: RequestJob, died: Death): NewJob | undefined {
  const closed = state.status === 'closed';
  switch (about.part) {
    case 'notice':
    case 'certificate':
    case 'file':
      return againJob(about, died);
    case 'stop':
      return closed ? undefined : againJob(about, died);
    case 'aftercare':
      return careOf(state, about.partId)?.connectionId === LETHE_ITSELF ? againJob(about, died) : undefined;
    case 'answer':
      // Closed in the same job: only its certificate is missing.
      return closed ? certificateFor(state.id, died) : againJob(about, died);
  }
  return undefined;
}

function certificateFor(requestId: string, { jobId, at }: Death): NewJob {
  const dedupeKey = againKey(`request/${requestId}/certificate`, jobId);
  return { queue: CERTIFICATE, payload: { requestId }, runAt: at, dedupeKey };
}

/** The group of a job's part, while it is kept. */
export function careOf(state: RequestState, partId: string): AftercareState | undefined {
  const [aftercareId] = partId.split('/');
  return state.aftercare.find((one) => one.aftercareId === aftercareId && one.done === undefined);
}
