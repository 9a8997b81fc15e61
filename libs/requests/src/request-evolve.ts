/** One event more: how each fact changes what is known of a request. Pure; the state handed in is changed. */
import type { SubjectId } from '#kernel';
import type { StoredEvent } from '#ledger';
import { requestEvent, type RequestEvent, type RequestEventData } from './request.js';
import type { RequestState, StepState } from './request-state.js';

/** The state after `event`. */
export function evolve(state: RequestState | undefined, event: RequestEvent): RequestState | undefined {
  if (event.type === 'RequestReceived.v1') return opened(event.data);
  if (!state) return undefined;
  progress(state, event);
  return state;
}

function opened(data: RequestEventData['RequestReceived.v1']): RequestState {
  const { requestId, subjectId, identifiers, ...rest } = data;
  return {
    ...rest,
    id: requestId,
    version: 1,
    position: 0,
    recordedAt: data.receivedAt,
    subjectId: subjectId as SubjectId,
    identifiers: identifiers.map((one) => ({ ...one, strength: 'claimed' })),
    status: 'triage',
    exclusions: [],
    approvals: [],
    suppressed: false,
    steps: [],
    aftercare: [],
    tasks: [],
    incomplete: [],
    pauses: [],
    extended: {},
    answers: [],
    certificates: [],
  };
}

function progress(state: RequestState, event: Exclude<RequestEvent, { type: 'RequestReceived.v1' }>): void {
  switch (event.type) {
    case 'RequestTriaged.v1':
      state.status = event.data.needsProof ? 'identifying' : 'acting';
      return;
    case 'VerificationCodeSent.v1':
      return;
    case 'IdentifierProven.v1':
      return proven(state, event.data);
    case 'RequestMerged.v1':
      state.mergedInto = event.data.into;
      return;
    case 'SystemExcluded.v1':
      state.exclusions.push(event.data);
      return;
    case 'PlanMade.v1':
      state.plan = event.data;
      state.approvals = [];
      state.status = 'deciding';
      return;
    case 'RequestApproved.v1':
      state.approvals.push(event.data);
      if (state.approvals.length >= event.data.needed) state.status = 'approved';
      return;
    case 'SuppressionRecorded.v1':
      state.suppressed = true;
      return;
    case 'ActingStarted.v1':
      state.steps = event.data.steps.map(newStep);
      state.status = 'acting';
      return;
    case 'TargetsKept.v1':
    case 'StepStarted.v1':
    case 'TargetOutcomeRecorded.v1':
    case 'StepVerified.v1':
    case 'HorizonRecorded.v1':
    case 'StepFailed.v1':
    case 'StepRedriven.v1':
    case 'StepFinished.v1':
      return progressStep(state, event);
    case 'AftercareScheduled.v1':
      state.aftercare.push(event.data);
      return;
    case 'AftercareDone.v1': {
      const { aftercareId, requestId: _, ...done } = event.data;
      const found = state.aftercare.find((one) => one.aftercareId === aftercareId);
      if (found) found.done = done;
      return;
    }
    case 'ManualTaskOpened.v1':
      state.tasks.push(event.data);
      return;
    case 'ManualTaskCompleted.v1': {
      const { taskId, outcome, humanRef, proof } = event.data;
      const task = state.tasks.find((one) => one.taskId === taskId);
      if (task) task.completed = { outcome, humanRef, proof };
      return;
    }
    case 'RequestIncomplete.v1':
      state.status = 'incomplete';
      state.incomplete = event.data.reasons;
      return;
    case 'AnsweringStarted.v1':
      state.status = 'answering';
      state.incomplete = [];
      state.resolution = event.data.resolution;
      return;
    case 'AnswerSent.v1':
      state.answers.push(event.data);
      return;
    case 'PackageBuilt.v1':
      state.package = event.data;
      return;
    case 'CertificateIssued.v1':
      state.certificates.push(event.data);
      return;
    case 'RequestRefused.v1':
      state.refusal = event.data;
      return;
    case 'RequestExtended.v1':
      state.extended[event.data.regime] = true;
      return;
    case 'RequestPaused.v1':
      state.pauses.push({ ...event.data, to: null });
      return;
    case 'RequestResumed.v1':
      for (const pause of state.pauses)
        if (pause.regime === event.data.regime && pause.to === null) pause.to = event.data.to;
      return;
    case 'RequestWithdrawn.v1':
      state.withdrawn = event.data;
      return;
    case 'RequestReopened.v1':
      state.status = 'deciding';
      delete state.resolution;
      return;
    case 'RequestClosed.v1':
      state.status = 'closed';
      state.resolution = event.data.resolution;
      return;
  }
}

function proven(state: RequestState, data: RequestEventData['IdentifierProven.v1']): void {
  const { id, type, value, method, provenOn } = data;
  const known = state.identifiers.find((one) => one.id === id);
  if (known) Object.assign(known, { strength: 'verified', method });
  else state.identifiers.push({ id, type, value, method, strength: 'verified' });
  state.identifiedOn ??= provenOn;
  if (state.status === 'identifying') state.status = 'deciding';
}

function newStep(step: RequestEventData['ActingStarted.v1']['steps'][number]): StepState {
  return {
    ...step,
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

type StepEvent = Extract<
  RequestEvent,
  {
    type:
      | 'TargetsKept.v1'
      | 'StepStarted.v1'
      | 'TargetOutcomeRecorded.v1'
      | 'StepVerified.v1'
      | 'HorizonRecorded.v1'
      | 'StepFailed.v1'
      | 'StepRedriven.v1'
      | 'StepFinished.v1';
  }
>;

function progressStep(state: RequestState, event: StepEvent): void {
  const step = state.steps.find((one) => one.stepId === event.data.stepId);
  if (!step) return;
  switch (event.type) {
    case 'TargetsKept.v1':
      for (const { dataset, count } of event.data.datasets) for (let n = 0; n < count; n++) step.targets.push(dataset);
      step.kept.push({ from: event.data.from, targets: event.data.targets });
      step.added += event.data.added;
      return;
    case 'StepStarted.v1':
      step.attempts += 1;
      delete step.failure;
      delete step.handled;
      return;
    case 'TargetOutcomeRecorded.v1': {
      const { requestId: _, stepId: __, connectionId: ___, ...outcome } = event.data;
      step.outcomes.push(outcome);
      for (const target of outcome.targets) step.settled.set(target, outcome.kind);
      return;
    }
    case 'StepVerified.v1':
      for (const { dataset, result, records } of event.data.datasets)
        step.verification.set(dataset, { result, records });
      if (state.status === 'acting') state.status = 'verifying';
      return;
    case 'HorizonRecorded.v1':
      step.horizon = event.data.horizons;
      return;
    case 'StepFailed.v1': {
      const { jobId, code, class: errorClass } = event.data;
      step.failure = { jobId, code, class: errorClass };
      return;
    }
    case 'StepRedriven.v1':
      step.acceptedBy.push(event.data.humanRef);
      if (event.data.how === 'manual') step.handled = 'manual';
      if (event.data.how === 'accept' && event.data.final) step.handled = 'accepted';
      if (event.data.how === 'retry') {
        delete step.failure;
        step.acceptedBy = [];
        reopenResidue(step);
        if (state.status === 'incomplete') state.status = 'acting';
      }
      return;
    case 'StepFinished.v1':
      step.finished = true;
      step.isolation = event.data.isolation;
      delete step.failure;
      return;
  }
}

/** Folds a request's stream, oldest first; undefined for an empty one. */
export function foldRequest(stored: readonly StoredEvent[]): RequestState | undefined {
  let state: RequestState | undefined;
  for (const one of stored) {
    const event = requestEvent(one);
    if (!event) continue;
    state = evolve(state, event);
    if (!state) continue;
    state.version = one.version;
    state.position = one.position;
    if (event.type === 'RequestReceived.v1') state.recordedAt = one.recordedAt;
  }
  return state;
}
