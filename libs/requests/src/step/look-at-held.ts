/** Whether what a hold keeps is there at all: an attempt whose answer was lost may have erased it before the hold came. */
import type { CaseFile } from '../case-file.js';
import { DECLARED_REF, type Fail, type Verification } from './connected.js';
import type { CallOptions, SystemCalls } from './connected-systems.js';
import { toTarget, type KeptTarget } from './kept-target.js';
import type { Work } from './prepare-erasure.js';
import type { TargetOutcome } from './step-outcomes.js';

type Calls = Pick<SystemCalls, 'verify'>;

/**
 * The outcomes of held records as the system shows them now: kept where the record is there, gone where it is not. Nothing
 * may be called retained that nobody has seen (design section 6). Throws as the call does; then nothing is said.
 */
export async function asSeen(
  calls: Calls,
  file: CaseFile,
  work: Work,
  held: readonly TargetOutcome[],
  options: CallOptions,
): Promise<TargetOutcome[]> {
  const doubted = held.filter(({ target }) => mayBeGone(work, work.kept[target]));
  if (doubted.length === 0) return [...held];
  const there = await look(calls, file, work, doubted, options);
  return held.map((outcome) =>
    doubted.includes(outcome) && !isThere(work.kept[outcome.target], there) ? goneOutcome(work, outcome) : outcome,
  );
}

/** Stripping takes no record away. What nobody could search and nobody was told to erase has not changed. */
function mayBeGone({ earlier }: Work, target: KeptTarget | undefined): boolean {
  if (!target || target.action === 'strip') return false;
  return earlier > 0 || target.ref !== DECLARED_REF;
}

/** Reads only, under a key of its own: a system that answers by key must not take the later second read for this one. */
async function look(
  calls: Calls,
  file: CaseFile,
  { tenant, connectionId, items, kept, step, job }: Work,
  doubted: readonly TargetOutcome[],
  options: CallOptions,
): Promise<Verification[]> {
  const asked = doubted.map(({ target }) => target);
  const itemKey = file.itemKey(tenant, `look|${step.planId}|${asked.join()}`, step.stepId, job.generation);
  const at = asked.flatMap((index) => kept[index] ?? []).map((target) => toTarget(target, itemKey));
  const said: Verification[] = [];
  const own = items.map((item) => ({ ...item, itemKey }));
  for await (const one of calls.verify(tenant, connectionId, own, at, options)) said.push(one);
  const silent = at.some(({ dataset }) => !said.some((one) => one.dataset === dataset));
  if (silent) throw Object.assign(new Error('no-verification'), { fail: SILENT });
  return said;
}

const SILENT: Fail = { class: 'bug', code: 'no-verification' };

function isThere(target: KeptTarget | undefined, said: readonly Verification[]): boolean {
  return said.some(
    (one) =>
      one.kind === 'residue' &&
      one.dataset === target?.dataset &&
      (one.ref === target.ref || target.ref === DECLARED_REF),
  );
}

const DONE = { erase: 'erased', anonymise: 'anonymised', detach: 'detached' } as const;

/** Gone before the hold: by an earlier attempt whose answer was lost, or by somebody else before the first one. */
function goneOutcome({ earlier, kept }: Work, { target, dataset, count }: TargetOutcome): TargetOutcome {
  const action = kept[target]?.action;
  const ours = earlier > 0 && (action === 'erase' || action === 'anonymise' || action === 'detach');
  return ours
    ? { target, dataset, kind: DONE[action], count, note: 'confirmed-on-retry' }
    : { target, dataset, kind: 'not-found', count: 0 };
}
