/** The append-only event store that is at the same time a tamper-evident log. */
import type { Clock, TenantId } from '#kernel';
import type { Append, Appended } from './append.js';
import type { Database, Query } from '../database/database.js';
import type { StoredEvent } from '../event.js';
import { Lane, type Flushed } from './lane.js';
import { readFrom, readHead, readKept, readStream, type KeptAnswer } from '../ledger.queries.js';
import { EMPTY_FRONTIER, EMPTY_ROOT, encodeFrontier } from '../log/merkle.js';
/** Told after each commit of this process: a hint to look, never the fact itself. */
export type CommitListener = (tenant: TenantId, lastPosition: number, flush: Flushed) => void;

/**
 * Appends are durable when their promise resolves, positions are dense and commit order is position order, from any
 * number of writers and replicas. Errors: `VersionConflict`, `AlreadyDone`, `LedgerOverloaded`, or the database's own.
 */
export class EventStore {
  private readonly lanes = new Map<TenantId, Lane>();
  private readonly listeners = new Set<CommitListener>();

  /**
   * @param assertWritable throws why nothing may be appended at the moment; the ledger does not know the reasons
   * @param keepsRedo rows written in a flush are kept for the archive as well
   */
  constructor(
    readonly database: Database,
    private readonly clock: Clock,
    private readonly assertWritable: () => void = () => undefined,
    private readonly keepsRedo = false,
  ) {}

  /** Creates a tenant's empty log; part of the transaction that creates the tenant. `logId` is stable for ever. */
  async open(query: Query, tenant: TenantId, logId: string): Promise<void> {
    await query({
      text: `INSERT INTO log_head (tenant, log_id, size, frontier, root, recorded_at) VALUES ($1, $2, 0, $3, $4, $5)`,
      values: [tenant, logId, encodeFrontier(EMPTY_FRONTIER), EMPTY_ROOT, this.clock.now()],
    });
  }

  async append(append: Append): Promise<Appended> {
    this.assertWritable();
    return this.lane(append.tenant).append(append);
  }

  /** All events of a stream, oldest first; empty when there is none. */
  load(tenant: TenantId, stream: string): Promise<StoredEvent[]> {
    return readStream(this.database, tenant, stream);
  }

  /** Events with `position >= from`, in order, at most `limit`. */
  read(tenant: TenantId, from: number, limit: number): Promise<StoredEvent[]> {
    return readFrom((statement) => this.database.fetch(tenant, statement), tenant, from, limit);
  }

  /** Number of leaves, and the log's identity. */
  async head(
    tenant: TenantId,
  ): Promise<{ logId: string; epoch: number; size: number; root: Buffer; recordedAt: Date }> {
    const row = await readHead(this.database, tenant);
    return { logId: row.log_id, epoch: row.epoch, size: row.size, root: row.root, recordedAt: row.recorded_at };
  }

  /** The answer kept under an idempotency key, if any. */
  async kept(tenant: TenantId, key: Buffer): Promise<KeptAnswer | undefined> {
    const query: Query = (statement) => this.database.fetch(tenant, statement);
    return (await readKept(query, tenant, [key])).get(key.toString('hex'));
  }

  /** Appends of all tenants that wait for a flush. */
  get queued(): number {
    let sum = 0;
    for (const lane of this.lanes.values()) sum += lane.queued;
    return sum;
  }

  /** Registers a listener; returns how to remove it. */
  onCommit(listener: CommitListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** False while nothing may be appended: whoever works on his own account waits instead of failing. */
  get writable(): boolean {
    if (!this.database.available) return false;
    try {
      this.assertWritable();
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves when nothing is queued or in flight. */
  async drained(): Promise<void> {
    while ([...this.lanes.values()].some((lane) => !lane.idle)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private lane(tenant: TenantId): Lane {
    const known = this.lanes.get(tenant);
    if (known) return known;
    const lane = new Lane(this.database, tenant, this.clock, (...commit) => this.tell(...commit), this.keepsRedo);
    this.lanes.set(tenant, lane);
    return lane;
  }

  /** A listener that throws must not make a flush that is on disk look like one that failed. */
  private tell(...commit: Parameters<CommitListener>): void {
    for (const listener of this.listeners) {
      try {
        listener(...commit);
      } catch {
        // The hint is lost; its listener finds the events by its cursor.
      }
    }
  }
}
