/** A batch of appends on its way: who waits, what is believed of the log, and which errors concern whom. */
import type { TenantId } from '#kernel';
import type { Appended } from './append.js';
import { codeOf, isAnswer } from '../database/database.js';
import { HeadMoved, MemberFailed, OutcomeUnknown, prepare, type Drafted, type Head, type Prepared } from './flush.js';
import { UnknownTenant } from '../ledger.queries.js';

/** An append that waits for its promise to be settled. */
export interface Member extends Drafted {
  resolve: (at: Appended) => void;
  reject: (error: unknown) => void;
  /** It was in a batch that the driver refused: it goes by itself from now on. */
  suspect?: boolean;
}

/** What this process believes of the log: advanced with every flush that is sent, thrown away when one fails. */
export interface Belief {
  head: Head;
  /** Version of streams seen; valid while the head is, because any append moves the head. */
  versions: Map<string, number>;
}

/** Streams the members name and `known` does not. */
export function unknownStreams(members: readonly Drafted[], known: ReadonlyMap<string, number>): string[] {
  const streams = new Set<string>();
  for (const { append } of members) {
    for (const event of append.events) if (!known.has(event.stream)) streams.add(event.stream);
    for (const stream of Object.keys(append.expect ?? {})) if (!known.has(stream)) streams.add(stream);
  }
  return [...streams];
}

/** Idempotency keys the members claim. */
export function keysOf(members: readonly Drafted[]): Buffer[] {
  return members.flatMap(({ append }) => (append.idempotency && append.respond ? [append.idempotency.key] : []));
}

/** Prepares the members; those whose own callbacks throw are rejected and left out. */
export function prepareBatch(
  tenant: TenantId,
  { head, versions }: Belief,
  members: readonly Member[],
  now: Date,
): { prepared?: Prepared; sent: Member[] } {
  const sent = [...members];
  while (sent.length > 0) {
    try {
      return { prepared: prepare(tenant, head, sent, versions, now), sent };
    } catch (error) {
      if (!(error instanceof MemberFailed)) throw error;
      sent.splice(error.index, 1)[0]?.reject(error.cause);
    }
  }
  return { sent };
}

/** What is believed once a prepared batch is on its way. */
export function advance({ versions }: Belief, prepared: Prepared): Belief {
  for (const [stream, version] of prepared.versions) versions.set(stream, version);
  return { head: prepared.next, versions };
}

/** Rolled back for certain, and may succeed when done again: a lost race, or an idempotency answer kept meanwhile. */
export function mayRepeat(error: unknown): boolean {
  if (error instanceof HeadMoved) return true;
  const code = codeOf(error);
  if (code === '40001' || code === '40P01') return isAnswer(error);
  return code === '23505' && (error as { constraint?: string }).constraint === 'idempotency_pkey';
}

/** The database is gone, read-only or full, or whether it committed is not known: halving would not help, repeating could harm. */
export function concernsAll(error: unknown): boolean {
  return error instanceof OutcomeUnknown || error instanceof UnknownTenant || /^(08|53|57)|^25006$/.test(codeOf(error));
}
