/** What every language must be able to say in an answer; the order of the sentences is not a translator's business. */
import type { FinalKind } from './answer-outcomes.js';
import type { AvailableType } from '../request.js';

/** The words of one language. Dates are YYYY-MM-DD; each member is whole sentences, so that grammar stays inside. */
export interface AnswerWords {
  /** BCP 47. */
  language: string;
  right: Record<AvailableType, string>;
  subject: {
    acknowledgement: (right: string) => string;
    identity: (right: string) => string;
    extension: (right: string) => string;
    refusal: (right: string) => string;
    partial: (right: string) => string;
    completion: (right: string) => string;
    withdrawn: (right: string) => string;
    code: string;
  };
  greeting: string;
  closing: string;
  reference: (requestId: string) => string;
  /** What a kind of outcome means to the person. */
  outcome: Record<FinalKind, string>;
  /** Stable reason codes; an unknown one is shown as it is. */
  reason: Record<string, string>;
  column: { system: string; data: string; what: string; count: string; why: string; until: string };
  received: (right: string, on: string, dueOn: string) => string;
  acknowledged: string;
  identityNeeded: string;
  identityHow: string;
  code: (code: string, expiresAt: string) => string;
  codeNotYou: string;
  extended: (reason: string, dueOn: string) => string;
  extensionReason: Record<string, string>;
  refused: (right: string) => string;
  refusedBecause: (reason: string) => string;
  cannotIdentify: string;
  forwarded: string;
  erasedAll: string;
  erasedPart: string;
  notAll: string;
  stopped: string;
  doneHeading: string;
  keptHeading: string;
  keptMeaning: string;
  openHeading: string;
  untilUnknown: string;
  recipientsHeading: string;
  recipient: (name: string, legalEntity: string, country: string, how: 'connected' | 'by-hand' | 'not-told') => string;
  copiesHeading: string;
  copy: (system: string, layer: string, until: string | null) => string;
  copiesMeaning: string;
  suppressed: (until: string | null) => string;
  manualHeading: string;
  manual: (name: string, outcome: 'done' | 'nothing-found' | 'open', why: string) => string;
  more: (count: number) => string;
  packageReady: (until: string) => string;
  packageHow: string;
  packageContents: string;
  withdrawn: string;
  withdrawnAlready: string;
  remedyHeading: string;
  authority: (name: string, website: string) => string;
}
