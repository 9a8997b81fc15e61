/** Legal texts as rows: grounds, exceptions, remedies and the access checklist, in our own short words with citations. */
import type { Fact } from './deadline-row.js';
import type { RegimeId, RequestType } from './regimes.js';

/**
 * A ground for erasure, an exception from it, or what lets a request be refused without keeping a record. `ruleId` is
 * what decisions and outcomes carry.
 */
export interface LegalRule extends Fact {
  ruleId: string;
  regime: RegimeId;
  /** The rights it is about. */
  rights: readonly RequestType[];
  kind: 'ground' | 'exception' | 'refusal';
  citation: string;
  /** One clause that completes "because ...", for the answer to the person. */
  text: string;
}

/** What a refusal or partial refusal must say about remedies. */
export interface RemedyText extends Fact {
  /** For overrides. The last row of a regime is its plain wording and needs no confirmation. */
  id: string;
  regime: RegimeId;
  /** The right to complain, with the clause. */
  complaint: string;
  /** The way to a court, with the clause. */
  court: string;
  citation: string;
}

/** A supervisory authority. The most specific territory wins. */
export interface Authority extends Fact {
  regime: RegimeId;
  /** ISO 3166-1 or 3166-2. */
  territory: string;
  name: string;
  website: string;
}

/** One thing an access answer must contain beside the data. */
export interface AccessItem extends Fact {
  key: string;
  regime: RegimeId;
  citation: string;
  text: string;
}
