/** What follows from new facts of an acting request: incomplete, Lethe itself, or the answer. Pure apart from new ids. */
import { enqueue } from '#jobs';
import type { NewEvent } from '#ledger';
import { evolve } from '../request-evolve.js';
import { answerJob, stepJob } from './request-jobs.js';
import type { RequestState } from '../request-state.js';
import { fact, LETHE_ITSELF, type RequestEvent } from '../request.js';
import type { Change } from '../requests.js';
import { verdictOf } from './verdict.js';

/** Applies `events` to `state` (which is changed) and adds what they lead to. */
export function withNextMove(state: RequestState, change: Change): Change {
  const before = { status: state.status, incomplete: JSON.stringify(state.incomplete) };
  withEvents(state, change.events);
  const events = [...change.events];
  const rows = [...(change.rows ?? [])];
  // The person withdrew, or the answer is on its way: late facts are kept, and move nothing any more.
  if (['answering', 'closed'].includes(before.status)) return { ...change, events, rows };
  const verdict = verdictOf(state);
  switch (verdict.kind) {
    case 'wait':
      break;
    case 'incomplete':
      if (before.status === 'incomplete' && before.incomplete === JSON.stringify(verdict.reasons)) break;
      events.push(fact('RequestIncomplete.v1', { requestId: state.id, reasons: verdict.reasons }));
      break;
    case 'lethe': {
      const own = state.steps.find((step) => step.connectionId === LETHE_ITSELF);
      if (own) rows.push(...enqueue(stepJob(state.id, own)));
      break;
    }
    case 'answer':
      events.push(fact('AnsweringStarted.v1', { requestId: state.id, resolution: verdict.resolution }));
      rows.push(...enqueue(answerJob(state.id, state.version)));
  }
  return { ...change, events, rows };
}

/** Folds facts that are about to be appended into `state`. */
export function withEvents(state: RequestState, events: readonly NewEvent[]): void {
  for (const event of events) evolve(state, asRequestEvent(event));
}

function asRequestEvent({ type, data }: NewEvent): RequestEvent {
  return { type, data } as unknown as RequestEvent;
}
