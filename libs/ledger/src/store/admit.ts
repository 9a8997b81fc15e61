/** Who may join a flush: version conflicts and repeated keys concern their own command, never a neighbour. Pure. */
import { AlreadyDone, VersionConflict, type Append } from './append.js';
import type { KeptAnswer } from '../ledger.queries.js';

export interface Admission<Member> {
  accepted: Member[];
  /** Their key has an answer already. */
  answered: { member: Member; error: AlreadyDone }[];
  /** A stream has another version than they expect, as far as `versions` knows. */
  stale: { member: Member; error: VersionConflict }[];
  /** Same idempotency key as one accepted here or on its way: wait for a later flush, which finds the kept answer. */
  deferred: Member[];
}

/**
 * @param versions current version of every stream named by the members
 * @param kept answers already stored, by key in hex
 * @param onTheirWay keys in hex of appends that were sent and not yet answered
 */
export function admit<Member extends { append: Append }>(
  members: readonly Member[],
  versions: ReadonlyMap<string, number>,
  kept: ReadonlyMap<string, KeptAnswer>,
  onTheirWay: ReadonlySet<string> = new Set(),
): Admission<Member> {
  const admission: Admission<Member> = { accepted: [], answered: [], stale: [], deferred: [] };
  const reached = new Map<string, number>();
  const claimed = new Set<string>();
  const versionOf = (stream: string): number => reached.get(stream) ?? versions.get(stream) ?? 0;
  for (const member of members) {
    const { append } = member;
    const key = keyOf(append);
    const answer = key === undefined ? undefined : kept.get(key);
    if (answer) {
      admission.answered.push({ member, error: new AlreadyDone(answer.fingerprint, answer.status, answer.body) });
      continue;
    }
    if (key !== undefined && (claimed.has(key) || onTheirWay.has(key))) {
      admission.deferred.push(member);
      continue;
    }
    const moved = Object.entries(append.expect ?? {}).find(([stream, version]) => versionOf(stream) !== version);
    if (moved) {
      admission.stale.push({ member, error: new VersionConflict(moved[0]) });
      continue;
    }
    if (key !== undefined) claimed.add(key);
    for (const event of append.events) reached.set(event.stream, versionOf(event.stream) + 1);
    admission.accepted.push(member);
  }
  return admission;
}

/** The idempotency key in hex of an append that keeps its answer in the flush. */
export function keyOf(append: Append): string | undefined {
  return append.idempotency && append.respond ? append.idempotency.key.toString('hex') : undefined;
}
