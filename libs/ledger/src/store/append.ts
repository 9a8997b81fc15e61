/** What one command hands to the ledger: all of it is committed together, or none. */
import type { JsonObject, TenantId } from '#kernel';
import type { Query } from '../database/database.js';
import type { NewEvent } from '../event.js';

/** Where and when an append ended up. */
export interface Appended {
  tenant: TenantId;
  firstPosition: number;
  lastPosition: number;
  /** RFC 3339, not before any earlier append of the tenant. */
  recordedAt: string;
  /** The clock when it was written, RFC 3339: before `recordedAt` once a clock that ran ahead was put back. What waits for a time waits for this one. */
  now: string;
  /** Opaque read-your-writes token `logId.epoch.position`. */
  token: string;
}

/**
 * A table that is written inside the flush. `text` takes `$1` = tenant and then one array per column
 * (`INSERT INTO t SELECT $1, * FROM unnest($2::uuid[], …)`), so that rows of all members share one statement.
 */
export interface InlineTable {
  name: string;
  text: string;
  columns: number;
  /**
   * Columns (0-based) that hold JSON, never null. They come as one text, to be taken apart by `string_to_array($n, E'\\x1e')`:
   * JSON never holds that character unescaped (RFC 8259 section 7), and in an array each of its quotes would be escaped.
   */
  json?: readonly number[];
  /** What is run instead of `text` when a restore does the flush again, with the same values: without checks of what was then. */
  redo?: string;
}

/** A row for an inline table; built when positions are known. */
export interface InlineRow {
  into: InlineTable;
  row: (at: Appended) => unknown[];
}

/** An HTTP idempotency key, already keyed-hashed with its scope (tenant, principal, route). */
export interface IdempotencyClaim {
  key: Buffer;
  fingerprint: Buffer;
}

/** One atomic append. */
export interface Append {
  tenant: TenantId;
  actorRef: string;
  /** At least one. Several events may go to several streams. */
  events: NewEvent[];
  /** Version each named stream must have now (0 = must not exist); streams not named are appended to as they are. */
  expect?: Record<string, number>;
  /** Rows of inline read models and jobs. */
  rows?: InlineRow[];
  idempotency?: IdempotencyClaim;
  /** The answer kept for a repeated key: ids only, or it would survive shredding. */
  respond?: (at: Appended) => { status: number; body: JsonObject };
  /** Writes of administration tables in the same transaction. Runs alone in its flush; throwing rolls back this append only. */
  side?: (query: Query) => Promise<void>;
}

/** Thrown into a command whose stream moved on: load again and decide again. */
export class VersionConflict extends Error {
  constructor(readonly stream: string) {
    super('the stream has another version than expected');
    this.name = 'VersionConflict';
  }
}

/** Thrown when the idempotency key was used before: carries the kept answer. */
export class AlreadyDone extends Error {
  constructor(
    readonly fingerprint: Buffer,
    readonly status: number,
    readonly body: JsonObject,
  ) {
    super('this idempotency key has an answer already');
    this.name = 'AlreadyDone';
  }
}

/** Thrown when the bounded queue is full; mapped to 503 with Retry-After. */
export class LedgerOverloaded extends Error {
  constructor() {
    super('the append queue is full');
    this.name = 'LedgerOverloaded';
  }
}
