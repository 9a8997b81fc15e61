/** What was read for a package and is gone is read again: it changes nothing in the systems, and replaces what came before. */
import { newId } from '#kernel';
import { enqueue } from '#jobs';
import { READ_AGAIN, stepJob } from '../course/request-jobs.js';
import type { RequestState, StepState } from '../request-state.js';
import { fact, PARTS_MISSING } from '../request.js';
import type { Change } from '../requests.js';

/** Fails the steps with the job that runs them again: where that one dies, an officer decides as on any other. */
export function readAgain({ id: requestId, status }: RequestState, lost: readonly StepState[]): Change {
  if (status !== 'answering') return { events: [] };
  const again = lost.map(({ stepId, connectionId }) => ({ stepId, connectionId, jobId: newId() }));
  const code = PARTS_MISSING;
  const reasons = again.map(({ stepId }) => ({ code, stepId }));
  return {
    events: [
      ...again.map((step) => fact('StepFailed.v1', { requestId, ...step, code, class: 'transient' })),
      fact('RequestIncomplete.v1', { requestId, reasons }),
    ],
    rows: again.flatMap((step) => {
      const job = stepJob(requestId, step);
      return enqueue({ ...job, queue: READ_AGAIN, dedupeKey: `${job.dedupeKey}/${step.jobId}` });
    }),
  };
}
