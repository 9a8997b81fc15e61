/** The end of what was kept: erased, or back to the people who decide. Pure. */
import type { NewEvent } from '#ledger';
import type { RequestState } from '../request-state.js';
import { fact, type RequestEventData } from '../request.js';

/**
 * A kept group that could not be erased on its day reopens its request (practice, section 4): the certificate said until
 * when, and somebody has to see that it is not so.
 */
export function aftercareEnded(
  state: RequestState,
  ended: Omit<RequestEventData['AftercareDone.v1'], 'requestId'>,
): NewEvent[] {
  const requestId = state.id;
  const events = [fact('AftercareDone.v1', { requestId, ...ended })];
  if (ended.kind === 'failed' && state.status === 'closed')
    events.push(fact('RequestReopened.v1', { requestId, cause: 'aftercare-failed' }));
  return events;
}

/**
 * What follows at once when a request is closed although something that it kept, in this round or an earlier one, could
 * not be erased meanwhile: nobody decided about that yet.
 */
export function reopenedAtOnce({ id: requestId, aftercare }: RequestState): NewEvent[] {
  const undecided = aftercare.some(({ done, decided }) => done?.kind === 'failed' && !decided);
  return undecided ? [fact('RequestReopened.v1', { requestId, cause: 'aftercare-failed' })] : [];
}
