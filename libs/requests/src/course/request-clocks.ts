/** Deadlines and owners: every state that is not closed has both. Pure. */
import { addDays, clocksFor, leading, type CivilDate, type ClocksInput, type LegalClock } from '#law';
import type { RequestState } from '../request-state.js';

/** Who has to move next. `lethe` works by itself; a failure always hands over to the office. */
export type Owner = 'privacy-office' | 'lethe';

/** A request's clocks as of a day, the earliest first. Throws what `clocksFor` throws. */
export function clocksOf(state: ClockFacts, asOf: CivilDate): LegalClock[] {
  return clocksFor(clockInput(state, asOf));
}

/** What the clocks are computed from. */
export type ClockFacts = Pick<
  RequestState,
  'regimes' | 'type' | 'receivedOn' | 'territory' | 'extended' | 'pauses' | 'identifiedOn'
>;

/** The law's view of the request. */
export function clockInput(state: ClockFacts, asOf: CivilDate): ClocksInput {
  return {
    regimes: state.regimes,
    type: state.type,
    receivedOn: state.receivedOn,
    territory: state.territory ?? undefined,
    extended: state.extended,
    pauses: state.pauses,
    identifiedOn: state.identifiedOn,
    asOf,
  };
}

/** The day by which the person must have an answer: the earliest answer clock. */
export function dueOnOf(clocks: readonly LegalClock[], receivedOn: CivilDate): CivilDate {
  return leading(clocks)?.effectiveDueOn ?? receivedOn;
}

/** Days after receipt by which a state should be left; the legal day caps them all. House rule, not law. */
const PACE: Partial<Record<RequestState['status'], number>> = { received: 1, triage: 1, identifying: 10, deciding: 14 };

/** Owner and internal deadline of an open request; undefined once closed. */
export function chargeOf(state: RequestState, dueOn: CivilDate): { owner: Owner; deadline: CivilDate } | undefined {
  if (state.status === 'closed') return undefined;
  const troubled = state.status === 'answering' && state.incomplete.length > 0;
  const working = ['approved', 'acting', 'verifying', 'answering'].includes(state.status);
  const owner: Owner = working && !troubled ? 'lethe' : 'privacy-office';
  const pace = PACE[state.status];
  const paced = pace === undefined ? dueOn : addDays(state.receivedOn, pace);
  return { owner, deadline: paced < dueOn ? paced : dueOn };
}
