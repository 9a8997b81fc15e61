/** What a person decided, and what follows from it at a time: pure. */
import { declareEvents, type StoredEvent } from '#ledger';
import type { SubjectId } from '#kernel';
import type { Sealed } from '#subjects';
import type { Purpose } from './purpose.js';

declareEvents('ConsentRecorded.v1');

/** The facts a person can cause. For legitimate interest, `refused` and `withdrawn` are an objection (GDPR 21(1)). */
export type Decision = 'given' | 'refused' | 'withdrawn';

/** `never-asked` is no refusal, and `expired` no withdrawal. */
export type ConsentState = Decision | 'expired' | 'never-asked';

/** One recorded decision. Times are RFC 3339 UTC. */
export interface ConsentRecord {
  id: string;
  purpose: string;
  decision: Decision;
  /** Null = every channel. */
  channel: string | null;
  /** When the person decided, as the source says. */
  collectedAt: string;
  /** When Lethe knew. */
  recordedAt: string;
  position: number;
  /** Brought in later from elsewhere: its clock orders it, not its arrival. */
  imported: boolean;
  /** Fixed when recorded: a later change of the purpose does not move it. */
  expiresAt: string | null;
  notice: { id: string; version: string };
}

/** Data of `ConsentRecorded.v1`. Method and evidence are free text: sealed under the subject's consent key. */
export interface ConsentRecorded {
  id: string;
  subject: SubjectId;
  purpose: string;
  decision: Decision;
  channel: string | null;
  collectedAt: string;
  imported: boolean;
  expiresAt: string | null;
  notice: { id: string; version: string; hash: string };
  particulars: Sealed;
}

/** Stream of one person's decisions. */
export const consentStream = (subject: string): string => `consent/${subject}`;

/** The record an event stands for. */
export function recordOf(event: StoredEvent): ConsentRecord {
  const { id, purpose, decision, channel, collectedAt, imported, expiresAt, notice } =
    event.data as unknown as ConsentRecorded;
  return {
    id,
    purpose,
    decision,
    channel,
    collectedAt,
    imported,
    expiresAt,
    notice: { id: notice.id, version: notice.version },
    recordedAt: event.recordedAt,
    position: event.position,
  };
}

/** The moment of a question. Without `at`: now, knowing everything. */
export interface Moment {
  now: string;
  at?: string | undefined;
  asOf?: string | undefined;
}

/**
 * The decision that stands, of the records of one purpose: the newest permission that no stop outlasts, else the last stop.
 */
export function standing(
  records: readonly ConsentRecord[],
  channel: string | undefined,
  moment: Moment,
): ConsentRecord | undefined {
  const known = records.filter(
    (record) =>
      (moment.asOf === undefined || record.recordedAt <= moment.asOf) &&
      (moment.at === undefined || effectiveAt(record) <= moment.at) &&
      concerns(record, channel),
  );
  const stops = known.filter(isStop);
  const permissions = known.filter((record) => !isStop(record) && !stops.some((stop) => outlasts(stop, record)));
  if (permissions.length > 0) return permissions.reduce(newer);
  const lastLive = Math.max(-1, ...stops.filter((stop) => !stop.imported).map((stop) => stop.position));
  return stops.filter((stop) => stop.position >= lastLive).reduce<ConsentRecord | undefined>(newerOf, undefined);
}

/**
 * Newest `collectedAt` wins and a tie goes to the stop. Beyond that a live stop outlasts every permission with a smaller
 * position, and every imported one from before the stop was recorded: a client's slow clock cannot undo a withdrawal.
 */
function outlasts(stop: ConsentRecord, permission: ConsentRecord): boolean {
  if (!stop.imported && permission.position < stop.position) return true;
  const until = !stop.imported && permission.imported ? stop.recordedAt : effectiveAt(stop);
  return effectiveAt(permission) <= until;
}

function newerOf(best: ConsentRecord | undefined, record: ConsentRecord): ConsentRecord {
  return best ? newer(best, record) : record;
}

function newer(a: ConsentRecord, b: ConsentRecord): ConsentRecord {
  const [left, right] = [effectiveAt(a), effectiveAt(b)];
  if (left !== right) return left > right ? a : b;
  return a.position > b.position ? a : b;
}

/** A fast clock must not postpone a decision: it is effective when recorded at the latest. */
export function effectiveAt(record: ConsentRecord): string {
  return record.collectedAt < record.recordedAt ? record.collectedAt : record.recordedAt;
}

/** A permission for one channel says nothing about others; a stop for one channel counts when none was asked for. */
function concerns(record: ConsentRecord, channel: string | undefined): boolean {
  if (record.channel === null) return true;
  return channel === undefined ? isStop(record) : record.channel === channel;
}

function isStop(record: ConsentRecord): boolean {
  return record.decision !== 'given';
}

/** State of the standing decision at the moment asked about. */
export function stateOf(record: ConsentRecord | undefined, moment: Moment): ConsentState {
  if (!record) return 'never-asked';
  const at = moment.at ?? moment.now;
  if (record.decision === 'given' && record.expiresAt !== null && record.expiresAt <= at) return 'expired';
  return record.decision;
}

/** Answer of a check. `reason` is stable and machine-readable. */
export interface Verdict {
  decision: 'permit' | 'deny';
  reason: string;
  basis: Purpose['legalBasis'];
  state: ConsentState;
  since: string | null;
  validUntil: string | null;
}

/** May this purpose be pursued for this person (privacy practice: by basis, GDPR 6(1), 18(2), 21)? */
export function verdictOf(
  purpose: Purpose,
  records: readonly ConsentRecord[],
  restricted: boolean,
  channel: string | undefined,
  moment: Moment,
): Verdict {
  const asked = records.filter((one) => one.purpose === purpose.id);
  const record = standing(asked, channel, moment);
  const state = stateOf(record, moment);
  const answer = (decision: Verdict['decision'], reason: string): Verdict => ({
    decision,
    reason,
    basis: purpose.legalBasis,
    state,
    since: record?.collectedAt ?? null,
    validUntil: state === 'given' ? (record?.expiresAt ?? null) : null,
  });
  if (channel !== undefined && purpose.channels && !purpose.channels.includes(channel))
    return answer('deny', 'channel-not-covered');
  // GDPR 18(2): a restricted person's data may be used with their own consent, and otherwise only stored.
  if (restricted && !(purpose.legalBasis === 'consent' && state === 'given'))
    return answer('deny', 'subject-restricted');
  switch (purpose.legalBasis) {
    case 'contract':
    case 'legal-obligation':
    case 'vital-interests':
      return answer('permit', purpose.legalBasis);
    case 'legitimate-interest':
    case 'public-task':
      return state === 'refused' || state === 'withdrawn'
        ? answer('deny', 'objected')
        : answer('permit', purpose.legalBasis);
    case 'consent':
      if (state === 'given') return answer('permit', 'consent-given');
      if (purpose.model === 'opt-out' && (state === 'never-asked' || state === 'expired'))
        return answer('permit', 'not-opted-out');
      return answer('deny', state === 'never-asked' ? 'never-asked' : `consent-${state}`);
  }
}
