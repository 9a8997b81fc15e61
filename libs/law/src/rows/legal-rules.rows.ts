/** Grounds of and exceptions from erasure. Data only. */
import type { Fact } from '../deadline-row.js';
import type { LegalRule } from '../legal-text.js';

const gdpr: Fact & Pick<LegalRule, 'regime'> = {
  regime: 'eu-gdpr',
  source: 'Regulation (EU) 2016/679 article 17',
  confidence: 'V',
};
const ground = { ...gdpr, kind: 'ground' } as const;
const exception = { ...gdpr, kind: 'exception' } as const;
const california = {
  regime: 'us-ca',
  kind: 'exception',
  source: 'Cal. Civ. Code 1798.105(d)',
  confidence: 'V',
} as const satisfies Partial<LegalRule>;

const EU_RULES: readonly LegalRule[] = [
  {
    ...ground,
    ruleId: 'gdpr-17-1-a',
    citation: 'GDPR art. 17(1)(a)',
    text: 'the data are no longer needed for the purpose they were collected for',
  },
  {
    ...ground,
    ruleId: 'gdpr-17-1-b',
    citation: 'GDPR art. 17(1)(b)',
    text: 'you withdrew the consent they were used under, and there is no other basis',
  },
  {
    ...ground,
    ruleId: 'gdpr-17-1-c',
    citation: 'GDPR art. 17(1)(c)',
    text: 'you objected, and no overriding reason stands against it, or you objected to marketing',
  },
  { ...ground, ruleId: 'gdpr-17-1-d', citation: 'GDPR art. 17(1)(d)', text: 'the data were processed unlawfully' },
  { ...ground, ruleId: 'gdpr-17-1-e', citation: 'GDPR art. 17(1)(e)', text: 'a law we are under requires the erasure' },
  {
    ...ground,
    ruleId: 'gdpr-17-1-f',
    citation: 'GDPR art. 17(1)(f)',
    text: 'the data were collected from a child for an online service',
  },
  {
    ...exception,
    ruleId: 'gdpr-17-3-a',
    citation: 'GDPR art. 17(3)(a)',
    text: 'the data are needed for freedom of expression and information',
  },
  {
    ...exception,
    ruleId: 'gdpr-17-3-b',
    citation: 'GDPR art. 17(3)(b)',
    text: 'a law requires us to keep the data for a set time',
  },
  {
    ...exception,
    ruleId: 'gdpr-17-3-c',
    citation: 'GDPR art. 17(3)(c)',
    text: 'the data are needed for public interest in public health',
  },
  {
    ...exception,
    ruleId: 'gdpr-17-3-d',
    citation: 'GDPR art. 17(3)(d)',
    text: 'the data are needed for archiving, research or statistics that erasure would seriously impair',
  },
  {
    ...exception,
    ruleId: 'gdpr-17-3-e',
    citation: 'GDPR art. 17(3)(e)',
    text: 'the data are needed to establish, exercise or defend legal claims',
  },
];

/** The UK GDPR's article 17 has the same grounds and exceptions. */
const UK_RULES: readonly LegalRule[] = EU_RULES.map((rule) => ({
  ...rule,
  ruleId: `uk-${rule.ruleId}`,
  regime: 'uk-gdpr',
  citation: `UK ${rule.citation}`,
  source: 'UK GDPR article 17',
}));

const CALIFORNIA_RULES: readonly LegalRule[] = [
  {
    ...california,
    kind: 'ground',
    ruleId: 'ccpa-105-a',
    citation: 'Cal. Civ. Code 1798.105(a)',
    source: 'Cal. Civ. Code 1798.105(a)',
    text: 'you asked for deletion of what was collected from you',
  },
  {
    ...california,
    ruleId: 'ccpa-105-d-1',
    citation: 'Cal. Civ. Code 1798.105(d)(1)',
    text: 'the data are needed to complete the transaction or contract with you',
  },
  {
    ...california,
    ruleId: 'ccpa-105-d-2',
    citation: 'Cal. Civ. Code 1798.105(d)(2)',
    text: 'the data are needed to help ensure security and integrity',
  },
  {
    ...california,
    ruleId: 'ccpa-105-d-3',
    citation: 'Cal. Civ. Code 1798.105(d)(3)',
    text: 'the data are needed to find and repair errors',
  },
  {
    ...california,
    ruleId: 'ccpa-105-d-8',
    citation: 'Cal. Civ. Code 1798.105(d)(8)',
    text: 'a law requires us to keep the data',
  },
];

/** Every ground and exception. */
export const LEGAL_RULES: readonly LegalRule[] = [...EU_RULES, ...UK_RULES, ...CALIFORNIA_RULES];
