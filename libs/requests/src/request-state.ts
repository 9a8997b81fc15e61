/** What is known of a request after its events: the shapes decisions are made on. */
import type { SubjectId } from '#kernel';
import type { CivilDate, Pause, RegimeId } from '#law';
import type { Sealed } from '#subjects';
import type { DatasetOutcome } from './step/outcome.js';
import type { AvailableType, HorizonFact, IncompleteReason, RequestEventData, Resolution, Status } from './request.js';

/** An identifier of the request and how far it is known to be the person's. */
export interface RequestIdentifier {
  id: string;
  type: string;
  value: Sealed;
  strength: 'claimed' | 'verified';
  method?: 'attest' | 'code';
}

/** One connection (or Lethe itself) that was decided about, and what became of it. */
export interface StepState {
  stepId: string;
  connectionId: string;
  /** The plan it carries out. */
  planId: string;
  order: number;
  jobId: string;
  /** Every dataset the system declares; each needs an outcome. */
  datasets: string[];
  /** Dataset of every kept target, by index. */
  targets: string[];
  kept: { from: number; targets: Sealed }[];
  /** Records that came between approval and the first write, inside the approved band. */
  added: number;
  attempts: number;
  /** By target index; the last one counts. */
  settled: Map<number, DatasetOutcome['kind']>;
  outcomes: (DatasetOutcome & { generation: number })[];
  /** Handles of what a system had taken on and not finished at the last attempt that said so. */
  pending?: { generation: number; attempt: number; handles: Sealed };
  verification: Map<string, { result: 'clean' | 'residue'; records: number }>;
  horizon: HorizonFact[];
  isolation: string | null;
  finished: boolean;
  /** By a job of its own, because what the one before had read is gone. */
  readAgain?: true;
  failure?: { jobId: string; code: string; class: string };
  /** An officer's decision about a failure; accepting an erasure undone takes two. */
  handled?: 'manual' | 'accepted';
  /** Who made it manual; may not attest it. */
  manualBy?: string;
  acceptedBy: string[];
}

export interface AftercareState {
  aftercareId: string;
  stepId: string;
  connectionId: string;
  dataset: string;
  count: number;
  ruleId: string;
  citation: string | null;
  until: CivilDate | null;
  targets: number[];
  /** Whose keys go, of Lethe's own groups. */
  subjects?: string[];
  done?: { kind: 'erased' | 'failed'; count: number; code?: string };
  /** It failed, and people had the request before them since. */
  decided?: true;
}

export interface TaskState {
  taskId: string;
  kind: 'unsearched-system' | 'dead-letter';
  systemId: string;
  systemName: string;
  why: string;
  owner: string;
  dueOn: CivilDate;
  completed?: { outcome: 'done' | 'nothing-found'; humanRef: string; proof: Sealed };
}

export type PlanFact = Omit<RequestEventData['PlanMade.v1'], 'requestId'>;

/** A request as decisions see it. */
export interface RequestState {
  id: string;
  /** Events folded so far: the version a decision is based on. */
  version: number;
  /** Position of the last event, and when the request was recorded. */
  position: number;
  recordedAt: string;
  type: AvailableType;
  regimes: RegimeId[];
  territory: string | null;
  timeZone: string;
  subjectId: SubjectId;
  ambiguous: boolean;
  /** Whose key of class `case` seals the file: the request's own id, or the person of a file of before. */
  keyHolder: SubjectId;
  identifiers: RequestIdentifier[];
  receivedAt: string;
  receivedOn: CivilDate;
  backdated: boolean;
  channel: string;
  purposes: string[];
  status: Status;
  resolution?: Resolution;
  /** When it was closed last, RFC 3339. */
  closedAt?: string;
  fileEnded?: true;
  identifiedOn?: CivilDate;
  mergedInto?: string;
  exclusions: Omit<RequestEventData['SystemExcluded.v1'], 'requestId'>[];
  plan?: PlanFact;
  approvals: { planId: string; hash: string; humanRef: string }[];
  suppressed: boolean;
  steps: StepState[];
  /** Steps of earlier rounds, before a reopening: what was kept then still goes on its day. */
  formerSteps: StepState[];
  /** Plans that were acted on, by id. */
  actedPlans: PlanFact[];
  aftercare: AftercareState[];
  tasks: TaskState[];
  incomplete: IncompleteReason[];
  pauses: Pause[];
  extended: Partial<Record<RegimeId, true>>;
  answers: Omit<RequestEventData['AnswerSent.v1'], 'requestId'>[];
  /** `former`: of a round before a reopening. */
  package?: Omit<RequestEventData['PackageBuilt.v1'], 'requestId'> & { former?: true };
  certificates: Omit<RequestEventData['CertificateIssued.v1'], 'requestId'>[];
  refusal?: { reason: Sealed; ruleId: string };
  withdrawn?: { reason: Sealed; alreadyDone: boolean };
}

/** True when this round has its package: what an earlier one had read is not what was asked for when it was reopened. */
export function hasPackage({ package: built }: RequestState): boolean {
  return built !== undefined && built.former === undefined;
}
