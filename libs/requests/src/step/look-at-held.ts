/** Whether what stays is there at all: a lost attempt may have erased it before its hold came, or another request since the plan. */
import type { CaseFile } from '../case-file.js';
import { isLookedAfter } from '../course/request-jobs.js';
import { DECLARED_REF, type Dataset, type Fail, type Located, type Target, type Verification } from './connected.js';
import type { CallOptions, SystemCalls } from './connected-systems.js';
import { actionAfter, toTarget, type KeptTarget } from './kept-target.js';
import type { Work } from './prepare-erasure.js';
import type { TargetOutcome } from './step-outcomes.js';

type Calls = Pick<SystemCalls, 'verify' | 'locate'>;

/**
 * The outcomes of records that stay as the system shows them now: kept where the record is there, gone where it is not.
 * Nothing may be called retained that nobody has seen (design section 6). Throws as the calls do; then nothing is said.
 */
export async function asSeen(
  calls: Calls,
  file: CaseFile,
  work: Work,
  stays: readonly TargetOutcome[],
  options: CallOptions,
): Promise<TargetOutcome[]> {
  const doubted = stays.filter((outcome) => mayBeGone(work, outcome));
  if (doubted.length === 0) return [...stays];
  const gone = await look(calls, file, work, doubted, options);
  return stays.map((outcome) => (gone.has(outcome) ? goneOutcome(work, outcome) : outcome));
}

/**
 * Stripping takes no record away. What nobody could search and nobody was told to erase has not changed. What the plan keeps
 * without a day goes, by whichever request, as soon as its reason ends: a hold, a contract.
 */
function mayBeGone({ earlier, kept }: Work, { target, ruleId = 'kept', until = null }: TargetOutcome): boolean {
  const planned = kept[target];
  if (!planned || planned.action === 'strip') return false;
  if (planned.action === 'retain') return until === null && isLookedAfter({ ruleId, until });
  return earlier > 0 || planned.ref !== DECLARED_REF;
}

/**
 * Those that are not there. Reads only, under a key of its own: a system that answers by key must not take the later second
 * read for this one. The rest of the step is handed along: a system may reach a record only by the one that it hangs on.
 */
async function look(
  calls: Calls,
  file: CaseFile,
  { tenant, connectionId, items, kept, mapped, step, job }: Work,
  doubted: readonly TargetOutcome[],
  options: CallOptions,
): Promise<Set<TargetOutcome>> {
  const asked = doubted.map(({ target }) => target);
  const itemKey = file.itemKey(tenant, `look|${step.planId}|${asked.join()}`, step.stepId, job.generation);
  const own = items.map((item) => ({ ...item, itemKey }));
  const datasets = await mapped();
  const targets = kept.map((target) => asIfFree(target, datasets, itemKey));
  const at = targets.filter(({ ref }, index) => ref !== DECLARED_REF || asked.includes(index));
  const said: Verification[] = [];
  for await (const one of calls.verify(tenant, connectionId, own, at, options)) said.push(one);
  const silent = doubted.some(({ dataset }) => !said.some((one) => one.dataset === dataset));
  if (silent) throw Object.assign(new Error('no-verification'), { fail: SILENT });
  const located: Located[] = [];
  for await (const one of calls.locate(tenant, connectionId, own, options)) located.push(one);
  return new Set(doubted.filter(({ target }) => !isThere(targets[target], said, located)));
}

const SILENT: Fail = { class: 'bug', code: 'no-verification' };

/** What is planned to stay is asked about as if nothing kept it any more: a second read passes over what it is to leave. */
function asIfFree(kept: KeptTarget, mapped: readonly Dataset[], itemKey: string): Target {
  const target = toTarget(kept, itemKey);
  if (kept.action !== 'retain') return target;
  const dataset = mapped.find(({ name }) => name === kept.dataset);
  return { ...target, action: actionAfter(kept, dataset) };
}

/** A second read may pass over a record with nothing to read in it; one that is anonymised may be located still. */
function isThere(target: Target | undefined, said: readonly Verification[], located: readonly Located[]): boolean {
  const { dataset, ref, action } = target ?? {};
  const left = said.some(
    (one) => one.kind === 'residue' && one.dataset === dataset && (one.ref === ref || ref === DECLARED_REF),
  );
  if (left || action === 'anonymise' || ref === DECLARED_REF) return left;
  return located.some((one) => one.dataset === dataset && one.ref === ref);
}

const DONE = { erase: 'erased', anonymise: 'anonymised', detach: 'detached' } as const;

/** Gone: by an earlier attempt whose answer was lost, or by somebody else. */
function goneOutcome({ earlier, kept }: Work, { target, dataset, count }: TargetOutcome): TargetOutcome {
  const action = kept[target]?.action;
  const ours = earlier > 0 && (action === 'erase' || action === 'anonymise' || action === 'detach');
  return ours
    ? { target, dataset, kind: DONE[action], count, note: 'confirmed-on-retry' }
    : { target, dataset, kind: 'not-found', count: 0 };
}
