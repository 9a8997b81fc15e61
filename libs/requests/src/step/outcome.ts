/** Outcomes as they are recorded: the connectors' closed vocabulary, and which of them end the matter. Pure. */
import type { CivilDate } from '#law';
import type { Outcome } from './connected.js';

/** Every kind of outcome; `provided` is the one an access request adds: the record went into the package. */
export type OutcomeKind = Outcome['kind'] | 'provided';

/** What became of a group of records of one dataset. Ids and codes only; `targets` are indices into the step's sealed list. */
export type DatasetOutcome = {
  dataset: string;
  kind: OutcomeKind;
  count: number;
  targets: number[];
  /** Stable code: why it stayed, failed, or how it was confirmed. Free of personal data. */
  reason?: string;
  ruleId?: string;
  citation?: string;
  until?: CivilDate | null;
  /** e.g. `confirmed-on-retry`, `changed-hands`. */
  note?: string;
};

/** `erased`: gone. `kept`: lawfully there. `open`: not settled. `failed`: must not be called done. */
export type Finality = 'gone' | 'kept' | 'open' | 'failed';

/** What an outcome means for the request. A closed table: a new kind must be placed here before it compiles. */
export const FINALITY: Record<OutcomeKind, Finality> = {
  erased: 'gone',
  anonymised: 'gone',
  masked: 'gone',
  detached: 'gone',
  rectified: 'gone',
  'not-found': 'gone',
  provided: 'gone',
  retained: 'kept',
  restricted: 'kept',
  // The row is still there for whoever can read the table: no erasure (GDPR 17).
  'soft-deleted': 'failed',
  'refused-by-system': 'failed',
  unsupported: 'failed',
  failed: 'failed',
  pending: 'open',
};
