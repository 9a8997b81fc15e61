/** What reaches a system that runs no plugin here: declared by an admin, asked by tasks that it pulls or is pushed. */
import type {
  Check,
  DataRecord,
  Dataset,
  Horizon,
  Item,
  Json,
  Located,
  Obeyed,
  Op,
  Outcome,
  PersonToObey,
  Target,
  Verification,
} from '@lethe/plugin-sdk';
import type { SubjectId, TenantId } from '#kernel';
import type { ConnectionRow } from './connections.js';
import type { CallOptions } from '../call/plugin-host.js';

/** Whom a call is about. Ids only; a plugin never learns them. */
export interface CallAbout {
  /** Absent when no request caused it. */
  requestId?: string;
  /** Whose access log names the release of identifiers, and whose case key seals them. */
  subject: SubjectId;
  /** Everybody whose holds keep what the call would change, by whichever identifier it is about them. Default: the subject. */
  people?: readonly SubjectId[];
  /** The waiting job, run at once when the system has answered. */
  jobId?: string;
}

/** Options of a call into a connection of any kind. */
export interface SystemCallOptions extends CallOptions {
  about?: CallAbout;
}

/**
 * Reference of everything of a dataset that a system holds about the person: a system that cannot be searched when a plan
 * is made is planned by its declared datasets, and nobody can say how many records there are.
 */
export const DECLARED_REF = '*';

/** The system is at work: ask again at `at`. No failure, and no attempt is counted. */
export class AnswerLater extends Error {
  constructor(readonly at: Date) {
    super('the connected system has not answered yet');
    this.name = 'AnswerLater';
  }
}

/**
 * What became of work that was to be taken back. `withdrawn`: nobody acts on it any more. `unasked`: the same, and nobody
 * was ever handed it. `taken-on`: the system has it, or has said what became of it. `unknown`: nobody but the system can say, by its own answer to the work.
 */
export type TakenBack = 'withdrawn' | 'unasked' | 'taken-on' | 'unknown';

/** One kind of connection without a plugin. Methods mean what they mean in the plugin SDK, and may throw `AnswerLater`. */
export interface ConnectionDriver {
  /** Level of trust that stands on every outcome, e.g. `self-reported`. */
  readonly isolation: string;
  /** SHA-256 (hex) of what was declared: a plan binds it as it binds a plugin's content hash. */
  contentHash(row: ConnectionRow): string;
  /** False: `locate` answers with the declared datasets and `DECLARED_REF`. */
  isSearched(row: ConnectionRow): boolean;
  check(tenant: TenantId, row: ConnectionRow): Promise<Check>;
  datasets(row: ConnectionRow): Dataset[];
  locate(tenant: TenantId, row: ConnectionRow, items: Item[], options?: SystemCallOptions): AsyncIterable<Located>;
  read(
    tenant: TenantId,
    row: ConnectionRow,
    items: Item[],
    at: Located[],
    options?: SystemCallOptions,
  ): AsyncIterable<DataRecord>;
  apply(
    tenant: TenantId,
    row: ConnectionRow,
    work: { op: Op; items: Item[]; at: Target[] },
    options?: SystemCallOptions,
  ): AsyncIterable<Outcome>;
  /** Fails with `operation-unsupported` when nothing is asked under the key any more: what is still wanted is applied anew. */
  poll(
    tenant: TenantId,
    row: ConnectionRow,
    handle: Json,
    at: Target[],
    options?: SystemCallOptions,
  ): AsyncIterable<Outcome>;
  /**
   * Takes an `apply` back, by its item's key, unless somebody has begun it: in one step against whoever begins just now.
   * Answers for each of these targets of it.
   */
  withdraw(tenant: TenantId, row: ConnectionRow, itemKey: string, at: Target[]): Promise<TakenBack[]>;
  verify(
    tenant: TenantId,
    row: ConnectionRow,
    items: Item[],
    at: Target[],
    options?: SystemCallOptions,
  ): AsyncIterable<Verification>;
  horizon(row: ConnectionRow): Iterable<Horizon>;
  /** Absent: such a system is told of erasures only. */
  obey?(tenant: TenantId, row: ConnectionRow, people: PersonToObey[], options?: SystemCallOptions): Promise<Obeyed[]>;
}
