/** Whether a request may be called done: one place, pure, and strict. Lethe never says fulfilled when it is not. */
import { FINALITY } from '../step/outcome.js';
import type { RequestState, StepState } from '../request-state.js';
import { LETHE_ITSELF, type Resolution } from '../request.js';

/** Why something is not done yet, named for the officer. Codes and ids only. */
export type Reason = { code: string; stepId?: string; taskId?: string };

/** What comes next. `wait`: somebody is at work. `lethe`: every system is done, Lethe itself is next. */
export type Verdict =
  | { kind: 'wait' }
  | { kind: 'incomplete'; reasons: Reason[] }
  | { kind: 'lethe' }
  | { kind: 'answer'; resolution: Extract<Resolution, 'fulfilled' | 'fulfilled-with-retention' | 'refused'> };

/**
 * What speaks against calling a step done; empty when every declared dataset has a final outcome for each of its targets and
 * the second read was clean. Reading (access) changes nothing, so nothing is verified there.
 */
export function stepProblems(step: StepState, reading: boolean): string[] {
  const problems = new Set<string>();
  for (const dataset of step.datasets) {
    const targets = step.targets.flatMap((name, index) => (name === dataset ? [index] : []));
    for (const index of targets) {
      const kind = step.settled.get(index);
      const finality = kind === undefined ? undefined : FINALITY[kind];
      if (finality === undefined || finality === 'open') problems.add('target-without-outcome');
      if (finality === 'failed') problems.add(`outcome-${kind}`);
    }
    if (!step.outcomes.some((one) => one.dataset === dataset)) problems.add('dataset-without-outcome');
    if (reading) continue;
    const verified = step.verification.get(dataset);
    if (!verified) problems.add('not-verified');
    else if (verified.result === 'residue') problems.add('residue');
  }
  if (step.targets.some((dataset) => !step.datasets.includes(dataset))) problems.add('foreign-dataset');
  return [...problems];
}

/** True when nothing of the step will change any more without a human. */
export function isSettled(state: RequestState, step: StepState): boolean {
  if (step.handled === 'accepted') return true;
  if (step.handled === 'manual') return taskOf(state, step)?.completed !== undefined;
  return step.finished && stepProblems(step, state.type === 'access').length === 0;
}

function taskOf(state: RequestState, step: StepState): RequestState['tasks'][number] | undefined {
  return state.tasks.find((task) => task.kind === 'dead-letter' && task.systemId === step.stepId);
}

/** What the events so far add up to; asked after each step and each completed task. */
export function verdictOf(state: RequestState): Verdict {
  if (state.steps.length === 0) return { kind: 'wait' };
  const reasons = state.steps.flatMap((step) => reasonsOf(state, step));
  if (reasons.length > 0) return { kind: 'incomplete', reasons };
  const systems = state.steps.filter((step) => step.connectionId !== LETHE_ITSELF);
  const open = state.tasks.some((task) => !task.completed);
  if (open || !systems.every((step) => isSettled(state, step))) return { kind: 'wait' };
  const own = state.steps.find((step) => step.connectionId === LETHE_ITSELF);
  // Without a row of its own, Lethe would have been forgotten.
  if (!own || !isSettled(state, own))
    return own ? { kind: 'lethe' } : { kind: 'incomplete', reasons: [{ code: 'lethe-missing' }] };
  return { kind: 'answer', resolution: resolutionOf(state) };
}

function reasonsOf(state: RequestState, step: StepState): Reason[] {
  if (step.handled) return [];
  if (step.failure) return [{ code: step.failure.code, stepId: step.stepId }];
  if (!step.finished) return [];
  return stepProblems(step, state.type === 'access').map((code) => ({ code, stepId: step.stepId }));
}

function resolutionOf(state: RequestState): 'fulfilled' | 'fulfilled-with-retention' | 'refused' {
  // Accepted undone: part of the wish was not met and no law says so; the answer is a partial refusal (GDPR 12(4)).
  if (state.steps.some((step) => step.handled === 'accepted')) return 'refused';
  const kept = state.steps.some((step) => [...step.settled.values()].some((kind) => FINALITY[kind] === 'kept'));
  return kept ? 'fulfilled-with-retention' : 'fulfilled';
}
