/** Who may hold keys in memory: replicas tell the key store that they live, hear of every shredding, and say that they did. */
import { randomUUID } from 'node:crypto';
import type { SubjectId, TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import { KeyUnavailable } from '#platform';
import type { KeyClass } from './keystore.queries.js';

/** A replica that could not tell the key store that it lives for longer than this drops its keys by itself. */
export const REPLICA_SILENCE_MS = 5_000;
/** For the difference between two machines' idea of a second, and for a statement under way. */
const MARGIN_MS = 2_000;
const POLL_MS = 200;
const BEAT_MS = 1_000;
const LOOK_MS = 25;
/** A replica that lives and does not acknowledge is broken; nothing is claimed then. */
const PATIENCE_MS = 15_000;
/** Long after the last replica that could still need a notice has dropped its keys by itself. */
const KEEP_NOTICES = '10 minutes';
/** The highest number that was given or heard: a key store that was set back must not give one twice. */
const LATEST = 'GREATEST(seq, (SELECT max(seq) FROM key_notice), (SELECT max(seen_seq) FROM key_replica))';

/** Keys of one person that must leave every memory. */
export interface Eviction {
  tenant: TenantId;
  subject: SubjectId;
  classes: readonly KeyClass[];
}

/** What a replica does when it hears of a shredding, and when it was out of contact for too long. */
export interface Evicts {
  evict(eviction: Eviction): void;
  forgetAll(): void;
  /** Once a second: key-encryption keys that another process destroyed must leave this one's memory as well. */
  dropDestroyed(): Promise<unknown>;
}

/** Writes the notice of a shredding in the transaction that shreds; returns its number. Commit order is number order. */
export async function announce(query: Query, { tenant, subject, classes }: Eviction): Promise<number> {
  const { rows } = await query<{ seq: number }>({
    text: `UPDATE key_board SET seq = 1 + ${LATEST} RETURNING seq`,
  });
  const seq = rows[0]?.seq ?? 0;
  await query({
    text: 'INSERT INTO key_notice (seq, tenant, subject, classes, written_at) VALUES ($1, $2, $3, $4, clock_timestamp())',
    values: [seq, tenant, subject, classes],
  });
  return seq;
}

/**
 * Waits until no replica but `own` can still use what the notice is about: it has acknowledged, or it has been silent for
 * so long that it has dropped its keys by itself. Errors: `KeyUnavailable` when a living replica does not acknowledge.
 */
export async function everywhere(database: Database, seq: number, own: string | undefined): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; ; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
    const { rows } = await database.global<{ waiting: number }>({
      name: 'key-replicas-waiting',
      text: `SELECT count(*)::int AS waiting FROM key_replica
             WHERE seen_seq < $1 AND seen_at > clock_timestamp() - $2::int * interval '1 millisecond' AND id::text IS DISTINCT FROM $3`,
      values: [seq, REPLICA_SILENCE_MS + MARGIN_MS, own ?? null],
    });
    if (rows[0]?.waiting === 0) return;
    if (performance.now() > end)
      throw new KeyUnavailable('missing', 'A replica lives but does not forget a shredded key. Stop it, then repeat.');
  }
}

/** One process among the replicas. Time is the machine's monotonic clock: a wrong date must not prolong the life of a key. */
export class Replica {
  readonly id = randomUUID();
  private seen = 0;
  /** When the last heartbeat that arrived was sent. */
  private contact = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private left = false;

  constructor(
    private readonly database: Database,
    private readonly evicts: Evicts,
  ) {}

  /** False when this process may have missed a shredding: then no cached key may be used. */
  get inContact(): boolean {
    return performance.now() - this.contact < REPLICA_SILENCE_MS;
  }

  /** Seconds since the key store last heard of this replica. */
  get silence(): number {
    return (performance.now() - this.contact) / 1000;
  }

  async join(): Promise<void> {
    await this.look();
    this.schedule();
  }

  async leave(): Promise<void> {
    this.left = true;
    clearTimeout(this.timer);
    await this.round;
    this.contact = Number.NEGATIVE_INFINITY;
    await this.database
      .global({ text: 'DELETE FROM key_replica WHERE id = $1', values: [this.id] })
      .catch(() => undefined);
  }

  private schedule(): void {
    if (this.left) return;
    this.timer = setTimeout(() => {
      // An outage of the key store: the silence ends the use of cached keys, the next look tries again.
      this.round = this.look().catch(() => undefined);
      void this.round.then(() => this.schedule());
    }, POLL_MS);
    this.timer.unref();
  }

  private async look(): Promise<void> {
    const begun = performance.now();
    // Notices may have been missed for good: nothing that was cached before may be used after.
    if (!this.inContact) this.evicts.forgetAll();
    const { rows } = await this.database.global<{ latest: number; notice: Eviction | null }>({
      name: 'key-notices',
      text: `SELECT b.latest, CASE WHEN n.seq IS NOT NULL THEN to_jsonb(n) END AS notice
             FROM (SELECT ${LATEST} AS latest FROM key_board) b LEFT JOIN key_notice n ON n.seq > $1`,
      values: [this.seen],
    });
    const latest = rows[0]?.latest ?? 0;
    const heard = latest !== this.seen;
    // The key store was set back: it will give numbers again that this replica has heard.
    if (latest < this.seen) this.evicts.forgetAll();
    for (const { notice } of rows) if (notice) this.evicts.evict(notice);
    this.seen = latest;
    if (!heard && begun - this.contact < BEAT_MS) return;
    await this.beat(begun);
  }

  private async beat(begun: number): Promise<void> {
    // A directory that cannot be read says nothing about the shreddings.
    await this.evicts.dropDestroyed().catch(() => undefined);
    await this.database.global({
      name: 'key-replica-beat',
      text: `INSERT INTO key_replica (id, seen_seq, seen_at) VALUES ($1, $2, clock_timestamp())
             ON CONFLICT (id) DO UPDATE SET seen_seq = excluded.seen_seq, seen_at = excluded.seen_at`,
      values: [this.id, this.seen],
    });
    this.contact = begun;
  }
}

/** Removes notices that every replica has seen or outlived, and rows of replicas that are gone. Returns how many notices. */
export async function forgetNotices(database: Database): Promise<number> {
  await database.global({
    text: `DELETE FROM key_replica WHERE seen_at < clock_timestamp() - interval '${KEEP_NOTICES}'`,
  });
  const { rowCount } = await database.global({
    text: `DELETE FROM key_notice WHERE written_at < clock_timestamp() - interval '${KEEP_NOTICES}'`,
  });
  return rowCount ?? 0;
}
