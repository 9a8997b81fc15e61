/** What the approved plan keeps as it is: settled here and never handed to a connected system, which might change it. Pure. */
import { DECLARED_REF, type Op } from './connected.js';
import { toTarget, type KeptTarget } from './kept-target.js';
import type { TargetOutcome } from './step-outcomes.js';
import { reasonOf } from './step-outcomes.js';
import type { StepState } from '../request-state.js';

/**
 * True when nothing may be done to the record: it is kept, and no field of it goes beyond the duty. A system that nobody
 * can search is told of its whole datasets, and is the only one who can count what stays in them.
 */
function isLeftAlone({ action, fields, ref }: KeptTarget): boolean {
  if (ref === DECLARED_REF) return false;
  return action === 'retain' || (action === 'strip' && fields?.length === 0);
}

/** Outcomes of open targets that nobody has to be asked about. */
export function leftAlone(open: ReadonlyMap<number, KeptTarget>): TargetOutcome[] {
  return [...open].flatMap(([target, kept]): TargetOutcome[] => {
    if (!isLeftAlone(kept)) return [];
    const { dataset, count, ruleId = 'kept', until = null, citation } = kept;
    const cited = citation === undefined ? {} : { citation };
    return [{ target, dataset, kind: 'retained', count, ruleId, until, reason: reasonOf(ruleId), ...cited }];
  });
}

/** The erasure as a connected system is told it: with what must stay, for those that erase several records together. */
export function erasureOf(kept: readonly KeptTarget[], held: ReadonlySet<number>, itemKey: string): Op {
  const stays = kept.filter((target, index) => held.has(index) || isLeftAlone(target));
  if (stays.length === 0) return { kind: 'erasure' };
  return {
    kind: 'erasure',
    kept: stays.map((target) => ({ ...toTarget(target, itemKey), action: 'retain' as const })),
  };
}

/** A target whose record stayed as it was: by its plan, or by a hold that came later. */
export function asKept(target: KeptTarget, index: number, { settled, outcomes }: StepState): KeptTarget {
  const byHold = outcomes.some(({ reason, targets }) => reason === 'hold' && targets.includes(index));
  const stayed = settled.get(index) === 'retained' && (byHold || target.action !== 'strip');
  return stayed || isLeftAlone(target) ? { ...target, action: 'retain' } : target;
}
