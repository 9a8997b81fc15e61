/** Shapes that travel between Lethe and a connector: who is asked about, what was found, what became of it. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A typed, normalised identifier, e.g. `{ type: 'email', value: 'ada@example.test' }`. */
export interface Identifier {
  type: string;
  value: string;
}

/**
 * An identifier Lethe may act on. `verified`: proven by the person or attested by an officer;
 * `derived`: reached from a verified one over a reference declared `identifying`.
 */
export interface VerifiedId extends Identifier {
  strength: 'verified' | 'derived';
}

/** One person in one call. `itemKey` is the idempotency key: the same for every attempt of the same effect. */
export interface Item {
  itemKey: string;
  generation: number;
  ids: VerifiedId[];
}

/** How a decision on a purpose stands now. The state and not the change: told twice or late, it does no harm. */
export interface StandingDecision {
  purpose: string;
  /** What Lethe's own check answers. */
  allowed: boolean;
  /** `given`, `refused`, `withdrawn`, `expired` or `never-asked`. */
  state: string;
}

/** A person whose decisions the system must obey. Identifiers may be unproven: a withdrawal needs no proof (GDPR 7(3)). */
export interface PersonToObey {
  itemKey: string;
  ids: Identifier[];
  decisions: StandingDecision[];
}

/** The system's word: it acts by these decisions from now on, or does not know the person. */
export interface Obeyed {
  itemKey: string;
  kind: 'obeyed' | 'not-found';
}

/** Opaque, stable reference to one record: the primary key of its row, or the vendor's id. */
export type RecordRef = string;

/** What may be done to a record. `strip` keeps the row and nulls the named fields (duty beyond which data must go). */
export type Action = 'erase' | 'anonymise' | 'strip' | 'detach' | 'retain';

/** A record found for an item. */
export interface Located<D extends string = string> {
  itemKey: string;
  dataset: D;
  ref: RecordRef;
  /** Records behind the ref; 1 for a table row. */
  count: number;
  /** `others`: the record also concerns somebody else: it is detached, never erased. */
  sharedWith?: 'others' | 'unknown';
  /**
   * Identifiers read from the record. Only `identifying` ones expand the search and hand on verification;
   * a `candidate` is shown to an officer and never followed.
   */
  found?: (Identifier & { strength: 'identifying' | 'candidate' })[];
  /** Value of the dataset's `clockField` as YYYY-MM-DD: the date a retention duty counts from. */
  startsOn?: string;
  /** Why nothing may be done yet, a kebab-case code: `ambiguous-identifier`, or a vendor's own such as `contract-running`. */
  blockedBy?: string;
  /** Free of personal data. The vendor's words for `blockedBy`. */
  blockedMessage?: string;
}

/** A located record with the decision of the approved plan. `ruleId` is handed back untouched; a plugin never cites law. */
export interface Target<D extends string = string> extends Located<D> {
  action: Action;
  ruleId?: string;
  /** Fields to null for `strip`; the dataset's own list when absent. */
  fields?: string[];
}

/** The one outcome vocabulary of Lethe. "Success" does not exist. */
export type Outcome<D extends string = string> = {
  itemKey: string;
  dataset: D;
  ref?: RecordRef;
  count: number;
  /** Free of personal data, e.g. `changed-hands`, `confirmed-on-retry`. */
  note?: string;
} & (
  | {
      kind:
        'erased' | 'anonymised' | 'masked' | 'rectified' | 'restricted' | 'soft-deleted' | 'not-found' | 'unsupported';
    }
  | { kind: 'detached' }
  | { kind: 'retained'; ruleId: string; stripped?: string[] }
  | { kind: 'refused-by-system'; message: string; until?: string }
  | { kind: 'pending'; handle: Json; pollAfterMs: number; mustFinishBy: string }
  | { kind: 'failed'; retryable: boolean; error: Fail }
);

/** Why a call failed. `code` is stable and free of personal data. */
export interface Fail {
  class: 'config' | 'auth' | 'rate-limit' | 'transient' | 'permanent' | 'bug';
  code: string;
  retryAfterMs?: number;
}

/** Result of reading again after an erasure. */
export type Verification<D extends string = string> =
  | { itemKey: string; dataset: D; kind: 'clean' }
  | {
      itemKey: string;
      dataset: D;
      kind: 'residue';
      ref: RecordRef;
      /** Where it was found: by the erased reference, by identifier, or by a scan of other columns. */
      by: 'reference' | 'identifier' | 'scan';
      field?: string;
    };

/** A record of the person, for an access package. Values of other people are already left out. */
export interface DataRecord<D extends string = string> {
  itemKey: string;
  dataset: D;
  ref: RecordRef;
  fields: Record<string, Json>;
}

/** Until when copies may outlive an erasure in history, time travel or backups. `until: null` = none known. */
export interface Horizon<D extends string = string> {
  dataset: D;
  layer: 'history' | 'time-travel' | 'backup' | 'log';
  until: string | null;
  note?: string;
}

/** A record whose retention period has passed. */
export interface Hit<D extends string = string> {
  dataset: D;
  ref: RecordRef;
  startsOn: string;
}

/** Records of `dataset` whose `clockField` lies before `before` (exclusive, YYYY-MM-DD) are due. */
export interface RetentionRule<D extends string = string> {
  ruleId: string;
  dataset: D;
  before: string;
  action: Exclude<Action, 'retain'>;
  fields?: string[];
}
