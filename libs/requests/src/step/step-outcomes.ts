/** From a connector's answers to recorded outcomes by dataset. Pure. */
import type { CivilDate } from '#law';
import { DECLARED_REF, type Json, type Outcome } from './connected.js';
import type { KeptTarget } from './kept-target.js';
import { FINALITY, type DatasetOutcome } from './outcome.js';
import type { StepState } from '../request-state.js';

/** A connector's note: the reference leads to somebody else since it was located, so it was not touched. */
const CHANGED_HANDS = 'changed-hands';

/** One target's outcome, by its index in the step's kept list. */
export type TargetOutcome = Omit<DatasetOutcome, 'targets'> & {
  target: number;
  transient?: boolean;
  pollAfterMs?: number;
  handle?: Json;
};

/** Which targets an outcome speaks for: the one it names, or all of its dataset that were asked. */
export function targetOutcomes(outcome: Outcome, asked: ReadonlyMap<number, KeptTarget>): TargetOutcome[] {
  return [...asked]
    .filter(
      ([, target]) => target.dataset === outcome.dataset && (outcome.ref === undefined || target.ref === outcome.ref),
    )
    .map(([index, target]) => ({ target: index, ...recorded(outcome, target), ...courseOf(outcome) }));
}

/** How the attempt goes on; not recorded. */
function courseOf(outcome: Outcome): Pick<TargetOutcome, 'transient' | 'pollAfterMs' | 'handle'> {
  if (outcome.kind === 'failed') return { transient: outcome.retryable };
  return outcome.kind === 'pending' ? { pollAfterMs: outcome.pollAfterMs, handle: outcome.handle } : {};
}

function recorded(outcome: Outcome, target: KeptTarget): Omit<DatasetOutcome, 'targets'> {
  const { dataset, kind, note } = outcome;
  const base = {
    dataset,
    kind,
    // Nobody counted before the system did.
    count: kind === 'not-found' ? 0 : target.ref === DECLARED_REF ? outcome.count : target.count,
    ...(note === undefined ? {} : { note: noteOf(note) }),
  };
  switch (outcome.kind) {
    case 'retained': {
      const { citation, until = null } = target;
      return {
        ...base,
        ruleId: outcome.ruleId,
        until,
        reason: reasonOf(outcome.ruleId),
        ...(citation === undefined ? {} : { citation }),
      };
    }
    case 'refused-by-system':
      // The vendor's words may hold a name; they are not recorded.
      return {
        ...base,
        reason: 'refused-by-system',
        ...(outcome.until === undefined ? {} : { until: dayOf(outcome.until) }),
      };
    case 'failed':
      return { ...base, count: 0, reason: codeOf(outcome.error.code) };
    case 'pending':
      return { ...base, reason: 'pending', until: dayOf(outcome.mustFinishBy) };
    case 'unsupported':
      return { ...base, count: 0, reason: 'unsupported' };
    default:
      return base;
  }
}

/** Why a record stays, by the rule that keeps it: a code. */
export function reasonOf(ruleId: string): string {
  if (ruleId.startsWith('not-met:')) return codeOf(ruleId.slice('not-met:'.length));
  return ruleId.startsWith('hold:') ? 'hold' : 'legal-duty';
}

/** A connector's note is a code, or a code with what it is about: `kept-by-tryton:description`. Anything else could be a sentence. */
function noteOf(text: string): string {
  return /^[a-z0-9][a-z0-9-]{0,79}(:[a-z0-9._-]{1,120})?$/.test(text) ? text : 'unstated';
}

/** Codes pass, anything else could be a sentence with a person in it. */
function codeOf(text: string): string {
  return /^[a-z0-9][a-z0-9:-]{0,79}$/.test(text) ? text : 'unstated';
}

function dayOf(text: string): CivilDate | null {
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? text.slice(0, 10) : null;
}

/** One entry per dataset and equal outcome. */
export function grouped(outcomes: readonly TargetOutcome[]): DatasetOutcome[] {
  const groups = new Map<string, DatasetOutcome>();
  for (const { target, count, transient: _, pollAfterMs: __, handle: ___, ...rest } of outcomes) {
    const key = JSON.stringify(Object.entries(rest).sort(([one], [other]) => (one < other ? -1 : 1)));
    const group = groups.get(key) ?? { ...rest, count: 0, targets: [] };
    group.count += count;
    group.targets.push(target);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Targets that still need an attempt: without a final outcome. */
export function openTargets(
  kept: readonly KeptTarget[],
  settled: ReadonlyMap<number, DatasetOutcome['kind']>,
): Map<number, KeptTarget> {
  return new Map(
    [...kept.entries()].filter(([index]) => {
      const kind = settled.get(index);
      return kind === undefined || !['gone', 'kept'].includes(FINALITY[kind]);
    }),
  );
}

/** Targets found to be another person's at the moment of writing, in this attempt or an earlier one. */
export function othersNow(step: Pick<StepState, 'outcomes'>, outcomes: readonly TargetOutcome[]): Set<number> {
  const earlier = step.outcomes.flatMap(({ note, targets }) => (note === CHANGED_HANDS ? targets : []));
  return new Set([...earlier, ...outcomes.flatMap(({ note, target }) => (note === CHANGED_HANDS ? [target] : []))]);
}

/** What an attempt was about: nothing missing may pass for done. */
export function withMissing(outcomes: TargetOutcome[], asked: ReadonlyMap<number, KeptTarget>): TargetOutcome[] {
  const answered = new Set(outcomes.map((one) => one.target));
  const missing = [...asked].filter(([index]) => !answered.has(index));
  return [
    ...outcomes,
    ...missing.map(([target, { dataset }]) => ({
      target,
      dataset,
      kind: 'failed' as const,
      count: 0,
      reason: 'no-outcome',
    })),
  ];
}
