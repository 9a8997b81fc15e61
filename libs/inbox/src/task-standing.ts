/** From what a system said of its tasks to outcomes of a request: strict, and pure. */
import { oversteps, type Outcome, type Target, type Verification } from '#connectors';
import { outcomeFor, type TaskOutcome } from './task-outcome.js';
import { lookAgainMs, type EndOfTask, type TaskRow } from './task.js';

/** A task with what was said of it. */
export interface Answered {
  task: TaskRow;
  outcomes: TaskOutcome[];
}

/** The evidence is the system's own word: its outcomes say so. */
const SELF_REPORTED = 'self-reported';

/**
 * One outcome a target. A self-report is no outcome yet: it is pending with the note `reported` until a `verify` task,
 * claimed after it, has found nothing.
 */
export function standingOf(apply: Answered, verify: Answered | undefined, at: readonly Target[], now: Date): Outcome[] {
  return at.map((target) => ({ itemKey: target.itemKey, dataset: target.dataset, ref: target.ref, ...one(target) }));

  function one(target: Target): Standing {
    const { task, outcomes } = apply;
    if (task.state === 'ended') return failed(task.why ?? 'task-overdue');
    if (task.state !== 'done') return pending(task, now, task.state === 'claimed' ? 'claimed' : 'offered');
    const said = outcomeFor(outcomes, target);
    if (!said) return failed('no-outcome');
    if (oversteps(said, target)) return failed('system-overstepped');
    return needsLook(target, said) ? looked(target, said, verify) : told(said);
  }

  function looked(target: Target, said: TaskOutcome, second: Answered | undefined): Standing {
    // Not opened: something else failed, and what was done is looked at when that is mended.
    if (!second) return pending(apply.task, now, 'reported');
    if (second.task.state === 'ended') return failed(verifyEnd(second.task.why));
    if (second.task.state !== 'done') return pending(second.task, now, 'reported');
    const seen = outcomeFor(second.outcomes, target);
    if (!seen) return failed('no-verification');
    return seen.kind === 'clean' ? told(said) : failed(seen.kind === 'residue' ? 'residue' : 'verify-failed');
  }
}

/** An outcome without its place. */
type Placeless<One> = One extends Outcome ? Omit<One, 'itemKey' | 'dataset' | 'ref'> : never;
type Standing = Placeless<Outcome>;

const DONE = ['erased', 'anonymised', 'masked', 'detached', 'rectified', 'not-found'];

/** False for records that stay under a rule, or stay stripped: a second look could find nothing else. */
export const staysAway = (target: Pick<Target, 'action'>): boolean =>
  target.action !== 'retain' && target.action !== 'strip';

/** True when a system says that it is done: no outcome until a second look has found nothing. */
export const needsLook = (target: Target, said: TaskOutcome | undefined): boolean =>
  said !== undefined && DONE.includes(said.kind) && staysAway(target);

const verifyEnd = (why: EndOfTask | null): string => (why === 'task-overdue' || why === null ? 'verify-overdue' : why);

function failed(code: string): Standing {
  return { count: 0, kind: 'failed', retryable: false, error: { class: 'permanent', code } };
}

function pending(task: TaskRow, now: Date, note: string): Standing {
  return {
    count: 0,
    note,
    kind: 'pending',
    handle: { taskId: task.id },
    pollAfterMs: lookAgainMs(task, now),
    mustFinishBy: task.must_finish_by.toISOString(),
  };
}

/** The word as it was given, with the note of whose word it is. */
function told(said: TaskOutcome): Standing {
  const base = { count: said.count, note: SELF_REPORTED };
  switch (said.kind) {
    case 'retained':
      return { ...base, kind: said.kind, ruleId: said.ruleId };
    case 'refused-by-system':
      return { ...base, kind: said.kind, message: '', ...(said.until ? { until: said.until } : {}) };
    case 'failed':
      return failed(said.code);
    case 'detached':
      return { ...base, kind: said.kind };
    case 'provided':
    case 'obeyed':
    case 'clean':
    case 'residue':
      return failed('kind-not-of-task');
    case 'erased':
    case 'anonymised':
    case 'masked':
    case 'rectified':
    case 'restricted':
    case 'soft-deleted':
    case 'not-found':
    case 'unsupported':
      return { ...base, kind: said.kind };
  }
}

/** What the second look said, for every dataset that was acted on; what nobody looked at is not clean. */
export function verificationsOf(
  seen: readonly TaskOutcome[],
  at: readonly Target[],
  itemKey: string,
  datasets: readonly string[],
): Verification[] {
  return datasets.flatMap((dataset): Verification[] => {
    const dirty = at.filter(
      (target) => target.dataset === dataset && staysAway(target) && outcomeFor(seen, target)?.kind !== 'clean',
    );
    if (dirty.length === 0) return [{ itemKey, dataset, kind: 'clean' }];
    // Each by its name: whoever asks for one record must not read silence about it as gone.
    return dirty.map(({ ref }) => ({ itemKey, dataset, kind: 'residue', ref, by: 'identifier' }));
  });
}
