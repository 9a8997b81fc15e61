/** Who may join a flush: version conflicts and repeated keys concern their own command, never a neighbour. Pure. */
import { AlreadyDone, VersionConflict, type Append } from './append.js';
import type { KeptAnswer } from './ledger.queries.js';

export interface Admission<Member> {
  accepted: Member[];
  refused: { member: Member; error: Error }[];
  /** Same idempotency key as an accepted neighbour: wait for the next flush, which finds the kept answer. */
  deferred: Member[];
}

/**
 * @param versions current version of every stream named by the members
 * @param kept answers already stored, by key in hex
 */
export function admit<Member extends { append: Append }>(
  members: Member[],
  versions: ReadonlyMap<string, number>,
  kept: ReadonlyMap<string, KeptAnswer>,
): Admission<Member> {
  const admission: Admission<Member> = { accepted: [], refused: [], deferred: [] };
  const reached = new Map<string, number>();
  const claimed = new Set<string>();
  const versionOf = (stream: string): number => reached.get(stream) ?? versions.get(stream) ?? 0;
  for (const member of members) {
    const { append } = member;
    const key = append.idempotency && append.respond ? append.idempotency.key.toString('hex') : undefined;
    const answer = key === undefined ? undefined : kept.get(key);
    if (answer) {
      admission.refused.push({ member, error: new AlreadyDone(answer.fingerprint, answer.status, answer.body) });
      continue;
    }
    if (key !== undefined && claimed.has(key)) {
      admission.deferred.push(member);
      continue;
    }
    const stale = Object.entries(append.expect ?? {}).find(([stream, version]) => versionOf(stream) !== version);
    if (stale) {
      admission.refused.push({ member, error: new VersionConflict(stale[0]) });
      continue;
    }
    if (key !== undefined) claimed.add(key);
    for (const event of append.events) reached.set(event.stream, versionOf(event.stream) + 1);
    admission.accepted.push(member);
  }
  return admission;
}
