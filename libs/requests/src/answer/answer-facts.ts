/** Everything an answer may say, gathered; the composer below it only chooses and orders. */
import type { CivilDate, RegimeId } from '#law';
import type { DatasetRow } from './answer-outcomes.js';
import type { AnswerKind, AvailableType, Resolution } from '../request.js';

/** Who received data (GDPR 19): told how. */
export interface RecipientFact {
  name: string;
  legalEntity: string;
  country: string;
  told: 'connected' | 'by-hand' | 'not-told';
}

/** A system without a connector, and what a human found there. */
export interface ManualFact {
  name: string;
  outcome: 'done' | 'nothing-found' | 'open';
  why: string;
}

/** How to disagree, per law. */
export interface RemedyFact {
  regime: RegimeId;
  complaint: string;
  court: string;
  authority?: { name: string; website: string };
}

/** No identifier of the person stands in here but through `reason`, an officer's own words. */
export interface AnswerFacts {
  kind: AnswerKind;
  type: AvailableType;
  resolution?: Resolution;
  requestId: string;
  controller: string;
  today: CivilDate;
  receivedOn: CivilDate;
  dueOn: CivilDate;
  rows: DatasetRow[];
  recipients: RecipientFact[];
  manual: ManualFact[];
  copies: { system: string; layer: string; until: string | null }[];
  remedies: RemedyFact[];
  /** Why it is refused: the rule's clause, then the officer's words. */
  reason?: string;
  extension?: { reason: string; dueOn: CivilDate };
  suppressedUntil?: string | null;
  package?: { expiresAt: string };
  alreadyDone?: boolean;
}
