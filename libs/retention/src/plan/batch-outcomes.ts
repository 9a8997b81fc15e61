/** From a connector's answers to counted outcomes of a batch. Silence is never "done". Pure. */
import { summed, type CountedOutcome } from './plan-state.js';
import type { RetentionAction, TargetOutcome, TargetVerification } from '../retention-systems.js';

/** What became of one record. `again`: another attempt may help. */
export type RecordOutcome = { kind: string; reason: string | null; again: boolean };

/** Kinds by which a record is as the policy wants it. A mask is no anonymisation, a hidden record is not erased. */
const DONE: Record<RetentionAction, readonly string[]> = {
  erase: ['erased', 'not-found'],
  anonymise: ['anonymised', 'not-found'],
  strip: ['retained', 'not-found'],
};

export function isDone(action: RetentionAction, outcome: Pick<CountedOutcome, 'kind'>): boolean {
  return DONE[action].includes(outcome.kind);
}

/**
 * One outcome per reference.
 * @param repeated an earlier attempt may have done the work: what is not there any more was erased by it
 */
export function outcomesOf(
  refs: readonly string[],
  answers: readonly TargetOutcome[],
  repeated: boolean,
): Map<string, RecordOutcome> {
  const missing: RecordOutcome = { kind: 'failed', reason: 'no-outcome', again: true };
  const outcomes = new Map<string, RecordOutcome>(refs.map((ref) => [ref, missing]));
  for (const answer of answers)
    for (const ref of answer.ref === undefined ? refs : [answer.ref])
      if (outcomes.has(ref)) outcomes.set(ref, outcomeOf(answer, repeated));
  return outcomes;
}

function outcomeOf({ kind, note, retryable = false, error }: TargetOutcome, repeated: boolean): RecordOutcome {
  const reason = codeOf(kind === 'failed' ? (error?.code ?? 'unstated') : note);
  if (kind === 'not-found' && reason === null && repeated)
    return { kind: 'erased', reason: 'confirmed-on-retry', again: false };
  // Retention has no way to ask again about work the vendor does later; the record counts as not done and stays due.
  return { kind, reason, again: retryable };
}

/** Records that must read as changed now. One that is not due any more was left alone on purpose. */
export function toVerify(action: RetentionAction, outcomes: ReadonlyMap<string, RecordOutcome>): string[] {
  return [...outcomes].flatMap(([ref, one]) => (isDone(action, one) && one.reason !== 'not-due' ? [ref] : []));
}

/** What still reads as before was not done, whatever was said. */
export function afterReading(
  outcomes: ReadonlyMap<string, RecordOutcome>,
  readings: readonly TargetVerification[],
  dataset: string,
): Map<string, RecordOutcome> {
  const result = new Map(outcomes);
  for (const reading of readings)
    if (reading.kind === 'residue' && reading.dataset === dataset && result.has(reading.ref))
      result.set(reading.ref, { kind: 'failed', reason: 'residue', again: true });
  return result;
}

const BY_ACTION: Record<RetentionAction, string> = { erase: 'erased', anonymise: 'anonymised', strip: 'retained' };

/** What a second reading alone shows as done, when no answer was heard; nothing for a system that says nothing. */
export function seenDone(
  { action, dataset }: { action: RetentionAction; dataset: string },
  targets: readonly { ref: string }[],
  readings: readonly TargetVerification[],
): CountedOutcome[] {
  const own = readings.filter((one) => one.dataset === dataset);
  const still = new Set(own.flatMap((one) => (one.kind === 'residue' ? [one.ref] : [])));
  const count = own.length === 0 ? 0 : targets.filter(({ ref }) => !still.has(ref)).length;
  return count === 0 ? [] : [{ kind: BY_ACTION[action], reason: 'confirmed-on-retry', count }];
}

/** Counts by kind and reason, with the records that somebody keeps. */
export function counted(outcomes: ReadonlyMap<string, RecordOutcome>, held: number): CountedOutcome[] {
  const single = [...outcomes.values()].map(({ kind, reason }) => ({ kind, reason, count: 1 }));
  return summed(held > 0 ? [...single, { kind: 'held', reason: null, count: held }] : single);
}

/** Codes pass; anything else could be a sentence with a person in it. */
function codeOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  return /^[a-z0-9][a-z0-9:-]{0,79}$/.test(text) ? text : 'unstated';
}
