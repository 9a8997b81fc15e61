/** One event more: how each fact changes what is known of a request. Pure; the state handed in is changed. */
import type { SubjectId } from '#kernel';
import type { StoredEvent } from '#ledger';
import { requestEvent, type RequestEvent, type RequestEventData, type RequestEventType } from './request.js';
import type { RequestState } from './request-state.js';
import { decideFailed, stepEffects, type Effect } from './step/step-evolve.js';

type Effects = { [Type in Exclude<RequestEventType, 'RequestReceived.v1'>]: Effect<Type> };

/** The state after `event`; undefined while nothing was received. */
export function evolve(state: RequestState | undefined, event: RequestEvent): RequestState | undefined {
  if (event.type === 'RequestReceived.v1') return opened(event.data);
  if (!state) return undefined;
  const effect = effects[event.type] as Effect<RequestEventType>;
  effect(state, event.data);
  return state;
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
    if (event.type === 'RequestClosed.v1') state.closedAt = one.recordedAt;
  }
  return state;
}

function opened(data: RequestEventData['RequestReceived.v1']): RequestState {
  const { requestId, subjectId, keyHolder = subjectId, identifiers, ...rest } = data;
  return {
    ...rest,
    id: requestId,
    version: 1,
    position: 0,
    recordedAt: data.receivedAt,
    subjectId: subjectId as SubjectId,
    keyHolder: keyHolder as SubjectId,
    identifiers: identifiers.map((one) => ({ ...one, strength: 'claimed' })),
    status: 'triage',
    exclusions: [],
    approvals: [],
    suppressed: false,
    steps: [],
    formerSteps: [],
    actedPlans: [],
    aftercare: [],
    tasks: [],
    incomplete: [],
    pauses: [],
    extended: {},
    answers: [],
    certificates: [],
  };
}

const proven: Effect<'IdentifierProven.v1'> = (state, { id, type, value, method, provenOn }) => {
  const known = state.identifiers.find((one) => one.id === id);
  if (known) Object.assign(known, { strength: 'verified', method });
  else state.identifiers.push({ id, type, value, method, strength: 'verified' });
  state.identifiedOn ??= provenOn;
  if (state.status === 'identifying') state.status = 'deciding';
};

const cared: Effect<'AftercareDone.v1'> = (state, { aftercareId, requestId: _, ...done }) => {
  const found = state.aftercare.find((one) => one.aftercareId === aftercareId);
  if (found) found.done = done;
};

const completed: Effect<'ManualTaskCompleted.v1'> = (state, { taskId, outcome, humanRef, proof }) => {
  const task = state.tasks.find((one) => one.taskId === taskId);
  if (task) task.completed = { outcome, humanRef, proof };
};

/** Where a reopened request goes on: what needs no proof is done again at once, what nobody proved is proven first. */
export function reopenedAt({ type, identifiers }: RequestState): RequestState['status'] {
  if (type === 'objection' || type === 'withdrawal') return 'acting';
  return identifiers.some((one) => one.strength === 'verified') ? 'deciding' : 'identifying';
}

/** What the course of a request is, one line a fact. */
const effects: Effects = {
  ...stepEffects,
  'RequestTriaged.v1': (state, { needsProof }) => void (state.status = needsProof ? 'identifying' : 'acting'),
  'VerificationCodeSent.v1': () => undefined,
  'IdentifierProven.v1': proven,
  'RequestMerged.v1': (state, { into }) => void (state.mergedInto = into),
  'SystemExcluded.v1': (state, data) => void state.exclusions.push(data),
  'PlanMade.v1': (state, data) =>
    void Object.assign(state, { plan: data, approvals: [], status: 'deciding', incomplete: [] }),
  'RequestApproved.v1': (state, data) => {
    state.approvals.push(data);
    if (state.approvals.length >= data.needed) state.status = 'approved';
  },
  'ApprovalsVoided.v1': (state) => {
    state.approvals = [];
    state.status = 'deciding';
    delete state.plan;
  },
  'SuppressionRecorded.v1': (state) => void (state.suppressed = true),
  'AftercareScheduled.v1': (state, data) => void state.aftercare.push({ ...data }),
  'AftercareDone.v1': cared,
  'ManualTaskOpened.v1': (state, data) => void state.tasks.push({ ...data }),
  'ManualTaskCompleted.v1': completed,
  // Once the answer is due nothing is decided any more: a trouble with it is named, and the request stays where it is.
  'RequestIncomplete.v1': (state, { reasons }) => {
    if (state.status !== 'answering') state.status = 'incomplete';
    state.incomplete = reasons;
  },
  'AnsweringStarted.v1': (state, { resolution }) =>
    void Object.assign(state, { status: 'answering', incomplete: [], resolution }),
  'AnswerSent.v1': (state, data) => void state.answers.push(data),
  'PackageBuilt.v1': (state, data) => void (state.package = data),
  'CertificateIssued.v1': (state, data) => void state.certificates.push(data),
  'RequestRefused.v1': (state, data) => void (state.refusal = data),
  'RequestExtended.v1': (state, { regime }) => void (state.extended[regime] = true),
  'RequestPaused.v1': (state, data) => void state.pauses.push({ ...data, to: null }),
  'RequestResumed.v1': (state, { regime, to }) => {
    for (const pause of state.pauses) if (pause.regime === regime && pause.to === null) pause.to = to;
  },
  'RequestWithdrawn.v1': (state, data) => void (state.withdrawn = data),
  'RequestReopened.v1': (state) => {
    state.status = reopenedAt(state);
    delete state.resolution;
    delete state.plan;
    delete state.withdrawn;
    // A case of its own again.
    delete state.mergedInto;
    // What was refused or handed over then says nothing of this round; the old package can still be fetched meanwhile.
    delete state.refusal;
    if (state.package) state.package = { ...state.package, former: true };
    state.incomplete = [];
    state.formerSteps.push(...state.steps);
    state.steps = [];
    state.approvals = [];
    decideFailed(state);
  },
  'RequestClosed.v1': (state, { resolution }) => void Object.assign(state, { status: 'closed', resolution }),
  'CaseFileEnded.v1': (state) => void (state.fileEnded = true),
};
