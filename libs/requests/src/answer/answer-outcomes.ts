/** What a request came to, dataset by dataset: the last outcome of each record counts. For answers and certificates. Pure. */
import type { CivilDate } from '#law';
import { FINALITY, type DatasetOutcome, type OutcomeKind } from '../step/outcome.js';
import type { PlanHead, PlannedSystem } from '../plan/plan.js';
import type { RequestState, StepState } from '../request-state.js';

/** `reported`: a human says so and no connector read it again. */
export type FinalKind = OutcomeKind | 'reported';

/** Records of one dataset with the same fate. */
export interface DatasetRow {
  connectionId: string;
  system: string;
  dataset: string;
  title: string;
  kind: FinalKind;
  count: number;
  reason?: string;
  ruleId?: string;
  citation?: string;
  until?: CivilDate | null;
}

/** The open part of the plan that was carried out; undefined when none was made. */
export function headOf(state: RequestState): PlanHead | undefined {
  return state.plan?.head as unknown as PlanHead | undefined;
}

/** Every declared dataset of every step has at least one row. */
export function datasetRows(state: RequestState): DatasetRow[] {
  const systems = headOf(state)?.systems ?? [];
  return state.steps.flatMap((step) => {
    const system = systems.find((one) => one.connectionId === step.connectionId);
    return step.datasets.flatMap((dataset) => rowsOf(state, step, dataset, system));
  });
}

type Fate = Omit<DatasetOutcome, 'targets' | 'note' | 'kind'> & { kind: FinalKind };

function rowsOf(
  state: RequestState,
  step: StepState,
  dataset: string,
  system: PlannedSystem | undefined,
): DatasetRow[] {
  const place = {
    connectionId: step.connectionId,
    system: system?.name ?? step.connectionId,
    title: system?.datasets.find((one) => one.name === dataset)?.title ?? dataset,
  };
  return joined(fatesOf(state, step, dataset)).map((fate) => ({ ...place, ...fate }));
}

/** The last outcome of each target, then what a human or the end of a duty made of it. */
function fatesOf(state: RequestState, step: StepState, dataset: string): Fate[] {
  const own = step.outcomes.filter((one) => one.dataset === dataset);
  const byTarget = new Map<number, DatasetOutcome>();
  for (const outcome of own) for (const target of outcome.targets) byTarget.set(target, outcome);
  const ended = state.aftercare.filter((care) => care.stepId === step.stepId && care.done?.kind === 'erased');
  const gone = new Set(ended.filter((care) => care.dataset === dataset).flatMap((care) => care.targets));
  const fates: Fate[] = [];
  for (const outcome of new Set(byTarget.values())) {
    const live = outcome.targets.filter((target) => byTarget.get(target) === outcome);
    const later = live.filter((target) => gone.has(target)).length;
    const all = live.length === outcome.targets.length;
    if (later > 0) fates.push({ dataset, kind: 'erased', count: later, reason: 'retention-ended' });
    const rest = live.length - later;
    if (rest > 0) fates.push(fateOf(state, step, outcome, all && later === 0 ? outcome.count : rest));
  }
  const whole = own.filter((one) => one.targets.length === 0).at(-1);
  if (whole && fates.length === 0) fates.push(fateOf(state, step, whole, whole.count));
  if (fates.length === 0) fates.push(unanswered(state, step, dataset));
  return fates;
}

function fateOf(state: RequestState, step: StepState, outcome: DatasetOutcome, count: number): Fate {
  const { targets: _, note: __, ...fate } = outcome;
  const finality = FINALITY[outcome.kind];
  if (finality === 'gone' || finality === 'kept') return { ...fate, count };
  return byHand(state, step, outcome.dataset) ?? { ...fate, count };
}

/** A dataset without an outcome is a failure, and is called one. */
function unanswered(state: RequestState, step: StepState, dataset: string): Fate {
  const reason = step.handled === 'accepted' ? 'accepted-undone' : 'no-outcome';
  return byHand(state, step, dataset) ?? { dataset, kind: 'failed', count: 0, reason };
}

function byHand(state: RequestState, step: StepState, dataset: string): Fate | undefined {
  if (step.handled !== 'manual') return undefined;
  const task = state.tasks.find((one) => one.kind === 'dead-letter' && one.systemId === step.stepId);
  if (!task?.completed) return undefined;
  return task.completed.outcome === 'nothing-found'
    ? { dataset, kind: 'not-found', count: 0, reason: 'manual-task' }
    : { dataset, kind: 'reported', count: 0, reason: 'manual-task' };
}

/** Equal fates as one, their records added up. */
function joined(fates: readonly Fate[]): Fate[] {
  const groups = new Map<string, Fate>();
  for (const fate of fates) {
    const { count, ...rest } = fate;
    const key = JSON.stringify(Object.entries(rest).sort(([one], [other]) => (one < other ? -1 : 1)));
    const group = groups.get(key) ?? { ...fate, count: 0 };
    group.count += count;
    groups.set(key, group);
  }
  return [...groups.values()];
}
