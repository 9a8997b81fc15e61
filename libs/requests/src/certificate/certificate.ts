/** The certificate's body: a report of what was done and observed (docs/certificate.md). No personal data. Pure. */
import { createHash } from 'node:crypto';
import { canonicalize, type Json, type JsonObject } from '#kernel';
import type { StoredEvent } from '#ledger';
import { datasetRows, headOf, type DatasetRow } from '../answer/answer-outcomes.js';
import type { PlannedSystem } from '../plan/plan.js';
import type { RequestState, StepState } from '../request-state.js';
import { LETHE_ITSELF } from '../request.js';

/** Everything a body is made from. */
export interface CertificateFacts {
  certificateId: string;
  tenant: string;
  controller: string;
  issuedAt: string;
  state: RequestState;
  /** The request's stream, oldest first. */
  events: readonly StoredEvent[];
  origin: string;
  /** Base64 leaf hash of an event. */
  leafHashOf: (event: StoredEvent) => string;
  /**
   * Since when no backup of the key store opens what was destroyed before; since when the oldest living epoch runs, and on
   * which day it is due to end.
   */
  keys: { horizon: string | null; oldestEpochSince: string | null; endsOn: string | null };
}

/** Facts that carry the report; attempts and sealed working lists are left out. */
const PROVED: readonly string[] = [
  'RequestReceived.v1',
  'IdentifierProven.v1',
  'PlanMade.v1',
  'RequestApproved.v1',
  'SuppressionRecorded.v1',
  'ActingStarted.v1',
  'TargetOutcomeRecorded.v1',
  'StepVerified.v1',
  'HorizonRecorded.v1',
  'StepRedriven.v1',
  'StepFinished.v1',
  'AftercareScheduled.v1',
  'AftercareDone.v1',
  'ManualTaskCompleted.v1',
  'PackageBuilt.v1',
  'AnswerSent.v1',
  'RequestRefused.v1',
  'RequestExtended.v1',
  'RequestWithdrawn.v1',
  'RequestReopened.v1',
  'RequestClosed.v1',
  'CertificateIssued.v1',
];

const MEANING: readonly string[] = [
  'This is a report of what was done and observed, not a statement about lawfulness.',
  '"Not found" and "nothing left" mean: through the named connector, at the named time (level L1). Copies in change history, in recoverable earlier versions and in backups (levels L2 to L4) were not read again; each has its horizon, or none is known.',
  '"reported" means that a human or a system said so and nothing read it again.',
  '"evidence-restricted" means that the records are kept as evidence only: the person is restricted in Lethe, so that they are used for nothing else (GDPR art. 18(2)).',
  'Systems that were not searched by a connector are named.',
];

/** The part that says something; two certificates with the same are one. */
export function basisOf(body: JsonObject): string {
  const { certificateId: _, version: __, supersedes: ___, issuedAt: ____, ledger: _____, ...basis } = body;
  return sha256(canonicalize(basis), 'hex');
}

export function sha256(text: string, encoding: 'hex' | 'base64'): string {
  return createHash('sha256').update(text, 'utf8').digest(encoding);
}

/** The signed part. Throws `NotCanonical` for what has no canonical form. */
export function certificateBody(facts: CertificateFacts): JsonObject {
  const { state, events } = facts;
  const proved = events.filter((event) => PROVED.includes(event.type) && isCarriedOut(state, event));
  const supersedes = state.certificates.at(-1)?.certificateId;
  const body = {
    certificateId: facts.certificateId,
    version: state.certificates.length + 1,
    supersedes,
    tenant: facts.tenant,
    controller: facts.controller,
    requestId: state.id,
    type: state.type,
    status: state.resolution ?? 'open',
    regimes: state.regimes,
    receivedAt: state.receivedAt,
    closedAt: lastTime(events, (event) => event.type === 'RequestClosed.v1'),
    issuedAt: facts.issuedAt,
    ground: headOf(state)?.ground,
    approvals: state.approvals.map(({ humanRef, hash }) => ({ humanRef, planHash: hash })),
    targets: state.steps.map((step) => targetOf(facts, step)),
    aftercare: state.aftercare.map(({ connectionId, dataset, count, ruleId, citation, until, done }) => ({
      ...{ connectionId, dataset, count, ruleId, citation, until },
      status: done?.kind ?? 'waiting',
      code: done?.code,
    })),
    manualTasks: state.tasks.map(({ kind, systemName, owner, completed }) => ({
      kind,
      system: systemName,
      owner,
      outcome: completed?.outcome ?? 'open',
    })),
    notSearched: notSearched(state),
    meaning: [...MEANING],
    ledger: {
      origin: facts.origin,
      entries: proved.map((event) => ({
        position: event.position,
        type: event.type,
        leafHash: facts.leafHashOf(event),
      })),
    },
  };
  // The canonical form drops what is undefined, and is what gets signed.
  return JSON.parse(canonicalize(body)) as JsonObject;
}

/** Of several plans only the one that was carried out is part of the report. */
function isCarriedOut(state: RequestState, { type, data }: StoredEvent): boolean {
  return type !== 'PlanMade.v1' || data['planId'] === state.plan?.planId;
}

function targetOf(facts: CertificateFacts, step: StepState): Json {
  const { state, events } = facts;
  const system = headOf(state)?.systems.find((one) => one.connectionId === step.connectionId);
  const rows = datasetRows(state).filter((row) => row.connectionId === step.connectionId);
  const own = step.connectionId === LETHE_ITSELF;
  const verifiedAt = lastTime(events, ({ type, data }) => type === 'StepVerified.v1' && data['stepId'] === step.stepId);
  return {
    connectionId: step.connectionId,
    name: own ? 'Lethe itself' : (system?.name ?? step.connectionId),
    ...recipientOf(system),
    isolation: step.isolation ?? 'none reported',
    decisions: decisionsOf(system),
    outcomes: rows.map(outcomeOf),
    added: step.added,
    verification: verificationOf(state, step, verifiedAt),
    verifications: [...step.verification].map(([dataset, { result, records }]) => ({
      ...{ dataset, result, records, level: 'L1', by: ['reference', 'identifier'] },
    })),
    horizon: horizonOf(step),
    horizons: [
      ...step.horizon.map(({ dataset, layer, until, note }) => ({
        ...{ dataset, layer, until },
        ...(note === undefined ? {} : { note }),
      })),
      ...(own ? [keyEpochs(facts)] : []),
    ],
  };
}

function recipientOf(system: PlannedSystem | undefined): { [name: string]: Json } {
  if (!system) return {};
  const { pluginId, pluginVersion, contentHash, configVersion, role, legalEntity, country } = system;
  return { plugin: { id: pluginId, version: pluginVersion, contentHash, configVersion }, role, legalEntity, country };
}

function decisionsOf(system: PlannedSystem | undefined): Json[] {
  return (system?.datasets ?? []).flatMap(({ name, decisions }) =>
    decisions.map(({ action, kind, ruleId, citation, untilTo, fields }) => ({
      ...{ dataset: name, action, decision: kind, ruleId, citation, until: untilTo, fields },
    })),
  );
}

function outcomeOf({ dataset, title, kind, count, reason, ruleId, citation, until }: DatasetRow): Json {
  return {
    ...{ dataset, title, kind, count },
    ...(reason === undefined ? {} : { reason }),
    ...(ruleId === undefined ? {} : { ruleId }),
    ...(citation === undefined ? {} : { citation }),
    ...(until === undefined ? {} : { until }),
  };
}

function verificationOf(state: RequestState, step: StepState, at: string | undefined): string {
  if (state.type === 'access') return 'not needed: nothing was changed';
  if (step.verification.size === 0) return 'not read again';
  const residue = [...step.verification.values()].filter(({ result }) => result === 'residue').length;
  const when = at === undefined ? '' : ` at ${at}`;
  const what = residue === 0 ? 'nothing left' : `something left in ${residue} datasets`;
  return `L1, by reference and by identifier${when}: ${what} (${step.verification.size} datasets)`;
}

/** The latest day known; one layer without an end leaves the whole without one. */
function horizonOf(step: StepState): string | null {
  const days = step.horizon.map(({ until }) => until);
  if (days.length === 0 || days.some((until) => until === null)) return null;
  return days.reduce((last, day) => ((day ?? '') > (last ?? '') ? day : last), null);
}

/** Backups of the database are opened by keys; destroying their epoch is what makes them unreadable (practice, rule 1). */
function keyEpochs({ keys }: CertificateFacts): Json {
  return {
    dataset: 'identity',
    layer: 'key-epoch',
    until: keys.endsOn,
    destroyedUpTo: keys.horizon,
    oldestEpochSince: keys.oldestEpochSince,
    note: 'A backup of the key store taken before the erasure opens identities until its key epoch is destroyed.',
  };
}

function notSearched(state: RequestState): string[] {
  const named = (headOf(state)?.unsearched ?? []).map(({ id, name }) => {
    const task = state.tasks.findLast((one) => one.systemId === id);
    return `${name}: no connector; by hand: ${task?.completed?.outcome ?? 'open'}`;
  });
  const excluded = state.exclusions.filter((one) => one.dataset === undefined && one.identifierType === undefined);
  return [...named, ...excluded.map((one) => `${one.connectionId}: left out in part by a decision of the office`)];
}

function lastTime(events: readonly StoredEvent[], which: (event: StoredEvent) => boolean): string | undefined {
  return events.filter(which).at(-1)?.recordedAt;
}
