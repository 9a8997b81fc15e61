/** What a step lawfully keeps goes by itself one day, however the step ends: by its plugin, by hand, or accepted as it is. */
import { newId } from '#kernel';
import { enqueue } from '#jobs';
import type { CivilDate } from '#law';
import { FINALITY, type DatasetOutcome } from './outcome.js';
import { aftercareJob } from '../course/request-jobs.js';
import type { RequestState, StepState } from '../request-state.js';
import { fact } from '../request.js';
import type { Change } from '../requests.js';

/** Facts and jobs for the kept groups among a step's outcomes; `more` are not yet recorded. */
export function careForKept(
  state: RequestState,
  { stepId, connectionId, outcomes }: StepState,
  now: Date,
  more: readonly DatasetOutcome[] = [],
): Required<Pick<Change, 'events' | 'rows'>> {
  const kept = [...outcomes, ...more].filter((one) => FINALITY[one.kind] === 'kept');
  const cares = kept.map(({ dataset, count, ruleId = 'kept', citation = null, until = null, targets }) => ({
    ...{ aftercareId: newId(), stepId, connectionId, dataset, count, ruleId, citation, targets },
    until: until as CivilDate | null,
  }));
  return {
    events: cares.map((care) => fact('AftercareScheduled.v1', { requestId: state.id, ...care })),
    rows: cares.flatMap((care) => aftercareJob(state.id, care, state.timeZone, now).flatMap(enqueue)),
  };
}
