/** A data subject's request: its words, its events and its stream. Personal data stands in events sealed only. */
import type { JsonObject } from '#kernel';
import type { CivilDate, PauseReason, RegimeId } from '#law';
import { declareEvents, type NewEvent, type StoredEvent } from '#ledger';
import type { Sealed } from '#subjects';
import type { DatasetOutcome } from './step/outcome.js';

/** Rights that can be exercised now; the others are refused with 422 `request-type-not-available`. */
export type AvailableType = 'access' | 'erasure' | 'objection' | 'withdrawal';

/** Where a request stands (design section 6). `incomplete` is open: something is not done yet. */
export type Status =
  | 'received'
  | 'triage'
  | 'identifying'
  | 'deciding'
  | 'approved'
  | 'acting'
  | 'verifying'
  | 'incomplete'
  | 'answering'
  | 'closed';

/** How it ended. */
export type Resolution =
  'fulfilled' | 'fulfilled-with-retention' | 'refused' | 'cannot-identify' | 'out-of-scope' | 'forwarded' | 'withdrawn';

/** The target that is Lethe's own store; always the last one. */
export const LETHE_ITSELF = 'lethe';
/** Why a finished step is to be done again: what it had read for a package is no longer in the data folder. */
export const PARTS_MISSING = 'package-parts-missing';

type RequestId = { requestId: string };

/** Data of every event by type. Indices, ids, codes, dates and ciphertext; nothing else. */
export type RequestEventData = {
  'RequestReceived.v1': RequestId & {
    type: AvailableType;
    regimes: RegimeId[];
    territory: string | null;
    timeZone: string;
    subjectId: string;
    /** Sealed `{type, value}`, one per identifier, place `identifierPlaceOf(id)`; all of them `claimed`. */
    identifiers: { id: string; type: string; value: Sealed }[];
    receivedAt: string;
    receivedOn: CivilDate;
    /** Recorded later than received: a letter or a call entered afterwards. */
    backdated: boolean;
    channel: string;
    purposes: string[];
    /** The identifiers lead to more than one person known here. */
    ambiguous: boolean;
    /** Whose key seals the file: the request's own id. Absent in files of before, which are sealed under the person's key. */
    keyHolder?: string;
  };
  'RequestTriaged.v1': RequestId & { needsProof: boolean };
  'VerificationCodeSent.v1': RequestId & { codeId: string; identifierType: string; expiresAt: string };
  'IdentifierProven.v1': RequestId & {
    id: string;
    type: string;
    value: Sealed;
    method: 'attest' | 'code';
    note?: Sealed;
    provenOn: CivilDate;
  };
  'RequestMerged.v1': RequestId & { into: string };
  'SystemExcluded.v1': RequestId & {
    exclusionId: string;
    connectionId: string;
    dataset?: string;
    identifierType?: string;
    ref?: Sealed;
    reason: Sealed;
  };
  'PlanMade.v1': RequestId & {
    planId: string;
    hash: string;
    expiresAt: string;
    /** Why it was made: asked for, or because something had changed before an approval or the first write. */
    cause: 'asked' | 'approval' | 'first-write';
    /** `PlanHead` of plan.ts. */
    head: JsonObject;
    /** `PlanDetails` of plan.ts, place `planPlace(planId)`. */
    details: Sealed;
  };
  'RequestApproved.v1': RequestId & { planId: string; hash: string; humanRef: string; needed: number };
  /** What the approvals were given for is no longer what would be done. */
  'ApprovalsVoided.v1': RequestId & { planId: string; approvals: number; cause: 'exclusion' };
  'SuppressionRecorded.v1': RequestId & { count: number; until: string | null };
  'ActingStarted.v1': RequestId & { planId: string; steps: StepPlan[] };
  'TargetsKept.v1': RequestId & {
    stepId: string;
    from: number;
    datasets: { dataset: string; count: number }[];
    added: number;
    targets: Sealed;
  };
  'StepStarted.v1': RequestId & { stepId: string; attempt: number; generation: number };
  'TargetOutcomeRecorded.v1': RequestId & { stepId: string; connectionId: string; generation: number } & DatasetOutcome;
  'WorkPending.v1': RequestId & { stepId: string; generation: number; attempt: number; handles: Sealed };
  'StepVerified.v1': RequestId & {
    stepId: string;
    connectionId: string;
    datasets: { dataset: string; result: 'clean' | 'residue'; records: number }[];
  };
  'HorizonRecorded.v1': RequestId & { stepId: string; connectionId: string; horizons: HorizonFact[] };
  'StepFailed.v1': RequestId & { stepId: string; connectionId: string; jobId: string; code: string; class: string };
  'StepRedriven.v1': RequestId & {
    stepId: string;
    how: 'retry' | 'manual' | 'accept';
    humanRef: string;
    final: boolean;
    reason?: Sealed;
  };
  'StepFinished.v1': RequestId & { stepId: string; connectionId: string; isolation: string | null };
  'AftercareScheduled.v1': RequestId & {
    aftercareId: string;
    stepId: string;
    connectionId: string;
    dataset: string;
    count: number;
    ruleId: string;
    citation: string | null;
    until: CivilDate | null;
    targets: number[];
    /** Of Lethe's own groups: whose keys go, so that the end of a group never hangs on a file that opens. */
    subjects?: string[];
  };
  'AftercareDone.v1': RequestId & { aftercareId: string; kind: 'erased' | 'failed'; count: number; code?: string };
  'ManualTaskOpened.v1': RequestId & {
    taskId: string;
    kind: 'unsearched-system' | 'dead-letter';
    systemId: string;
    systemName: string;
    why: string;
    owner: string;
    dueOn: CivilDate;
  };
  'ManualTaskCompleted.v1': RequestId & {
    taskId: string;
    humanRef: string;
    outcome: 'done' | 'nothing-found';
    proof: Sealed;
  };
  'RequestIncomplete.v1': RequestId & { reasons: IncompleteReason[] };
  'AnsweringStarted.v1': RequestId & { resolution: Resolution };
  'AnswerSent.v1': RequestId & { answerId: string; kind: AnswerKind; channel: 'mail' | 'letter'; content: Sealed };
  'PackageBuilt.v1': RequestId & { packageId: string; manifestHash: string; records: number; expiresAt: string };
  'CertificateIssued.v1': RequestId & {
    certificateId: string;
    version: number;
    /** SHA-256 of the canonical body, in hex. */
    hash: string;
    /** The same in base64: what the auditor's script looks for in this leaf (docs/certificate.md). */
    bodySha256: string;
    supersedes: string | null;
  };
  'RequestRefused.v1': RequestId & { reason: Sealed; ruleId: string; humanRef: string };
  'RequestExtended.v1': RequestId & { regime: RegimeId; reason: string; noticeOn: CivilDate };
  'RequestPaused.v1': RequestId & { regime: RegimeId; reason: PauseReason; from: CivilDate };
  'RequestResumed.v1': RequestId & { regime: RegimeId; to: CivilDate };
  'RequestWithdrawn.v1': RequestId & { reason: Sealed; alreadyDone: boolean };
  /** `aftercare-failed`: by Lethe itself, without words; what was kept until its day could not be erased then. */
  'RequestReopened.v1': RequestId & {
    reason?: Sealed;
    cause: 'complaint' | 'appeal' | 'order' | 'late-find' | 'aftercare-failed';
  };
  'RequestClosed.v1': RequestId & { resolution: Resolution };
  /** Nobody works on it again: the keys of these holders (class `case`) are destroyed right after. */
  'CaseFileEnded.v1': RequestId & { keyHolders: string[] };
};

/** What is not done yet: of a step, a task, or a connection that nobody could search. Codes and ids only. */
export type IncompleteReason = { code: string; stepId?: string; taskId?: string; connectionId?: string };

/** One target of an acting request: a connection, or Lethe itself. */
export type StepPlan = { stepId: string; connectionId: string; order: number; jobId: string; datasets: string[] };

/** Until when copies may outlive the erasure. */
export type HorizonFact = { dataset: string; layer: string; until: string | null; note?: string };

/** What an answer to the person is about. */
export type AnswerKind =
  'acknowledgement' | 'identity-question' | 'extension' | 'refusal' | 'partial-refusal' | 'completion' | 'withdrawn';

export type RequestEventType = keyof RequestEventData;

/** A recorded fact of a request. */
export type RequestEvent = {
  [Type in RequestEventType]: { type: Type; data: RequestEventData[Type] };
}[RequestEventType];

/** Every type, declared to the ledger so that a subscription knows them. */
export const requestEvents = declareEvents<RequestEventType[][number]>(
  'RequestReceived.v1',
  'RequestTriaged.v1',
  'VerificationCodeSent.v1',
  'IdentifierProven.v1',
  'RequestMerged.v1',
  'SystemExcluded.v1',
  'PlanMade.v1',
  'RequestApproved.v1',
  'ApprovalsVoided.v1',
  'SuppressionRecorded.v1',
  'ActingStarted.v1',
  'TargetsKept.v1',
  'StepStarted.v1',
  'TargetOutcomeRecorded.v1',
  'WorkPending.v1',
  'StepVerified.v1',
  'HorizonRecorded.v1',
  'StepFailed.v1',
  'StepRedriven.v1',
  'StepFinished.v1',
  'AftercareScheduled.v1',
  'AftercareDone.v1',
  'ManualTaskOpened.v1',
  'ManualTaskCompleted.v1',
  'RequestIncomplete.v1',
  'AnsweringStarted.v1',
  'AnswerSent.v1',
  'PackageBuilt.v1',
  'CertificateIssued.v1',
  'RequestRefused.v1',
  'RequestExtended.v1',
  'RequestPaused.v1',
  'RequestResumed.v1',
  'RequestWithdrawn.v1',
  'RequestReopened.v1',
  'RequestClosed.v1',
  'CaseFileEnded.v1',
);

/** Stream of one request. */
export function streamOf(requestId: string): string {
  return `request/${requestId}`;
}

/** A fact of a request, ready to append. */
export function fact<Type extends RequestEventType>(type: Type, data: RequestEventData[Type]): NewEvent {
  return { stream: streamOf(data.requestId), type, data };
}

/** Reads a stored event of a request's stream; other types are other domains' and undefined here. */
export function requestEvent(stored: StoredEvent): RequestEvent | undefined {
  return (requestEvents as readonly string[]).includes(stored.type) ? (stored as unknown as RequestEvent) : undefined;
}

/** Places of ciphertexts: a sealed value opens only where it was put. */
export const identifierPlaceOf = (id: string): string => `request/identifier/${id}`;
export const planPlace = (planId: string): string => `request/plan/${planId}`;
export const targetsPlace = (requestId: string, stepId: string, from: number): string =>
  `request/targets/${requestId}/${stepId}/${from}`;
export const notePlace = (requestId: string, what: string): string => `request/note/${requestId}/${what}`;
