/** How facts about one system change what is known of its step. Pure; the state handed in is changed. */
import type { RequestState, StepState } from '../request-state.js';
import { PARTS_MISSING, type RequestEventData, type RequestEventType } from '../request.js';

/** What a fact does to the state. */
export type Effect<Type extends RequestEventType> = (state: RequestState, data: RequestEventData[Type]) => void;

type StepType =
  | 'ActingStarted.v1'
  | 'TargetsKept.v1'
  | 'StepStarted.v1'
  | 'TargetOutcomeRecorded.v1'
  | 'WorkPending.v1'
  | 'StepVerified.v1'
  | 'HorizonRecorded.v1'
  | 'StepFailed.v1'
  | 'StepRedriven.v1'
  | 'StepFinished.v1';

function newStep(step: RequestEventData['ActingStarted.v1']['steps'][number], planId: string): StepState {
  return {
    ...step,
    planId,
    targets: [],
    kept: [],
    added: 0,
    attempts: 0,
    settled: new Map(),
    outcomes: [],
    verification: new Map(),
    horizon: [],
    isolation: null,
    finished: false,
    acceptedBy: [],
  };
}

function stepIn(state: RequestState, { stepId }: { stepId: string }): StepState | undefined {
  return state.steps.find((one) => one.stepId === stepId);
}

/** What could not be erased on its day is before the people who decide: they reopened the request, or act once more. */
export function decideFailed({ aftercare }: RequestState): void {
  for (const one of aftercare) if (one.done?.kind === 'failed') one.decided = true;
}

const begun: Effect<'ActingStarted.v1'> = (state, { steps, planId }) => {
  state.formerSteps.push(...state.steps);
  state.steps = steps.map((step) => newStep(step, planId));
  if (state.plan) state.actedPlans.push(state.plan);
  state.status = 'acting';
  state.incomplete = [];
  decideFailed(state);
};

const kept: Effect<'TargetsKept.v1'> = (state, data) => {
  const step = stepIn(state, data);
  for (const { dataset, count } of data.datasets) for (let n = 0; n < count; n++) step?.targets.push(dataset);
  step?.kept.push({ from: data.from, targets: data.targets });
  if (step) step.added += data.added;
};

const started: Effect<'StepStarted.v1'> = (state, data) => {
  const step = stepIn(state, data);
  if (!step) return;
  step.attempts += 1;
  delete step.failure;
  delete step.handled;
};

const outcome: Effect<'TargetOutcomeRecorded.v1'> = (state, data) => {
  const step = stepIn(state, data);
  const { requestId: _, stepId: __, connectionId: ___, ...recorded } = data;
  step?.outcomes.push(recorded);
  for (const target of recorded.targets) step?.settled.set(target, recorded.kind);
};

const verified: Effect<'StepVerified.v1'> = (state, data) => {
  const step = stepIn(state, data);
  for (const { dataset, result, records } of data.datasets) step?.verification.set(dataset, { result, records });
  if (state.status === 'acting') state.status = 'verifying';
};

const failed: Effect<'StepFailed.v1'> = (state, data) => {
  const { jobId, code, class: errorClass } = data;
  const step = stepIn(state, data);
  if (!step) return;
  step.failure = { jobId, code, class: errorClass };
  if (code === PARTS_MISSING && step.finished) readAnew(state, step, jobId);
};

/** What it had read is gone before it came into a package: nothing was handed out, and the answer waits for it. */
function readAnew(state: RequestState, step: StepState, jobId: string): void {
  Object.assign(step, { jobId, readAgain: true, finished: false, settled: new Map(), outcomes: [] });
  state.status = 'acting';
  delete state.resolution;
}

const redriven: Effect<'StepRedriven.v1'> = (state, data) => {
  const step = stepIn(state, data);
  if (!step) return;
  switch (data.how) {
    case 'manual':
      step.handled = 'manual';
      step.manualBy = data.humanRef;
      return;
    case 'accept':
      step.acceptedBy.push(data.humanRef);
      if (data.final) step.handled = 'accepted';
      return;
    case 'retry':
      delete step.failure;
      step.acceptedBy = [];
      reopenResidue(step);
      if (state.status === 'incomplete') state.status = 'acting';
  }
};

/** What was called done but was still there is to be done again. */
function reopenResidue(step: StepState): void {
  for (const [dataset, { result }] of step.verification) {
    if (result === 'clean') continue;
    step.verification.delete(dataset);
    step.targets.forEach((name, index) => {
      if (name === dataset && step.settled.get(index) !== 'retained') step.settled.delete(index);
    });
  }
}

const finished: Effect<'StepFinished.v1'> = (state, data) => {
  const step = stepIn(state, data);
  if (!step) return;
  step.finished = true;
  step.isolation = data.isolation;
  delete step.failure;
};

/** One entry a fact. */
export const stepEffects: { [Type in StepType]: Effect<Type> } = {
  'ActingStarted.v1': begun,
  'TargetsKept.v1': kept,
  'StepStarted.v1': started,
  'TargetOutcomeRecorded.v1': outcome,
  'WorkPending.v1': (state, data) => {
    const { generation, attempt, handles } = data;
    const step = stepIn(state, data);
    if (step) step.pending = { generation, attempt, handles };
  },
  'StepVerified.v1': verified,
  'HorizonRecorded.v1': (state, data) => {
    const step = stepIn(state, data);
    if (step) step.horizon = data.horizons;
  },
  'StepFailed.v1': failed,
  'StepRedriven.v1': redriven,
  'StepFinished.v1': finished,
};
