/** Look-ups over the legal texts that answers quote. */
import { ACCESS_ITEMS } from './rows/access-items.rows.js';
import { LEGAL_RULES } from './rows/legal-rules.rows.js';
import type { AccessItem, Authority, LegalRule, RemedyText } from './legal-text.js';
import { REMEDIES, AUTHORITIES } from './rows/remedies.rows.js';
import { isEnabled, type LawOverrides } from './overrides.js';
import type { RegimeId, RequestType } from './regimes.js';

/** Grounds for erasure under a regime, e.g. GDPR 17(1)(a) to (f). */
export function groundsOf(regime: RegimeId): LegalRule[] {
  return LEGAL_RULES.filter((rule) => rule.regime === regime && rule.kind === 'ground');
}

/** Exceptions from erasure under a regime, e.g. GDPR 17(3)(a) to (e). */
export function exceptionsOf(regime: RegimeId): LegalRule[] {
  return LEGAL_RULES.filter((rule) => rule.regime === regime && rule.kind === 'exception');
}

/** What a request of this right can be refused with under a regime: its exceptions, and e.g. GDPR 12(5)(b). */
export function refusalsOf(regime: RegimeId, right: RequestType): LegalRule[] {
  return LEGAL_RULES.filter((rule) => rule.regime === regime && rule.kind !== 'ground' && rule.rights.includes(right));
}

/** The rule with this id, e.g. `gdpr-17-3-b`. */
export function legalRule(ruleId: string): LegalRule | undefined {
  return LEGAL_RULES.find((rule) => rule.ruleId === ruleId);
}

/**
 * Complaint and court wording of a regime, as GDPR 12(4) wants it in every refusal and partial refusal: the fullest
 * that is enabled, else the plain one.
 */
export function remedyOf(regime: RegimeId, overrides?: LawOverrides): RemedyText {
  const rows = REMEDIES.filter((row) => row.regime === regime);
  const remedy = rows.find((row) => isEnabled(row, row.id, overrides)) ?? rows.at(-1);
  if (!remedy) throw new Error('every regime has a remedy text');
  return remedy;
}

/** The authority of the controller's place: its subdivision's, else its country's, else `undefined`. */
export function authorityFor(regime: RegimeId, territory: string | undefined): Authority | undefined {
  const own = AUTHORITIES.filter((row) => row.regime === regime);
  if (territory !== undefined) {
    const found =
      own.find((row) => row.territory === territory) ?? own.find((row) => row.territory === territory.slice(0, 2));
    if (found) return found;
  }
  // A regime with one authority names it wherever the controller sits.
  return own.length === 1 ? own[0] : undefined;
}

/** What an access answer must contain beside the data, in the order of the clause. */
export function accessItemsOf(regime: RegimeId): AccessItem[] {
  return ACCESS_ITEMS.filter((item) => item.regime === regime);
}
