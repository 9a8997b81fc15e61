/** What an earlier promise says about a person who came back after it: never consent, sometimes the opposite (ADR 12). Pure. */
import { OWN_CONNECTION, type SuppressionMark } from '#subjects';
import { effectiveAt, verdictOf, type ConsentRecord, type Moment, type Verdict } from './consent.js';
import type { Purpose } from './purpose.js';

/** What the marks of a person say about one purpose. Times are RFC 3339 UTC. */
export interface Promised {
  /** A permission from before this is old data that came back. */
  before: string;
  /** The purpose itself was objected to; else the person was only erased, and silence means what it means of a stranger. */
  objected: boolean;
}

/** As far as clocks differ: a decision that arrives sooner after it was made is no old data. */
const LATE_MS = 5 * 60_000;

const choices: readonly Purpose['legalBasis'][] = ['consent', 'legitimate-interest', 'public-task'];

/** True when a promise could forbid what was permitted: it rests on silence, or on a yes that came late. */
export function restsOnThePast(purpose: Purpose, verdict: Verdict, records: readonly ConsentRecord[]): boolean {
  if (verdict.decision === 'deny' || !choices.includes(purpose.legalBasis)) return false;
  return verdict.state !== 'given' || records.some((one) => one.purpose === purpose.id && isLateYes(one));
}

/** What was promised, of the marks in force at the moment asked about. */
export function promisedFor(
  purpose: string,
  marks: readonly SuppressionMark[],
  { now, at, asOf }: Moment,
): Promised | undefined {
  if (marks.length === 0) return undefined;
  const known = Date.parse([at ?? now, asOf ?? now].sort()[0]!);
  const inForce = marks.filter(
    ({ before, until, scope }) =>
      +before <= known &&
      +until > Date.parse(at ?? now) &&
      (scope.kind === 'all-sources' || scope.id === (scope.kind === 'purpose' ? purpose : OWN_CONNECTION)),
  );
  if (inForce.length === 0) return undefined;
  return {
    before: new Date(Math.max(...inForce.map(({ before }) => +before))).toISOString(),
    objected: inForce.some(({ scope }) => scope.kind !== 'connection'),
  };
}

/** The verdict under a promise: a yes from before it does not count, and after an objection silence is none. */
export function verdictUnder(
  promised: Promised,
  ...[purpose, records, ...rest]: Parameters<typeof verdictOf>
): Verdict {
  const left = records.filter((one) => !(isLateYes(one) && effectiveAt(one) < promised.before));
  const verdict = verdictOf(purpose, left, ...rest);
  if (verdict.state !== 'never-asked' || !choices.includes(purpose.legalBasis)) return verdict;
  const refused = verdict.reason === 'never-asked' || (promised.objected && verdict.decision === 'permit');
  return refused ? { ...verdict, decision: 'deny', reason: 'suppressed' } : verdict;
}

function isLateYes({ decision, recordedAt, collectedAt }: ConsentRecord): boolean {
  return decision === 'given' && Date.parse(recordedAt) - Date.parse(collectedAt) > LATE_MS;
}
