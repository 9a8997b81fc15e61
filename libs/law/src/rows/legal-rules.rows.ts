/** Grounds of and exceptions from erasure, and what lets any request be refused. Data only. */
import type { Fact } from '../deadline-row.js';
import type { LegalRule } from '../legal-text.js';

const gdpr: Fact & Pick<LegalRule, 'regime' | 'rights'> = {
  regime: 'eu-gdpr',
  rights: ['erasure'],
  source: 'Regulation (EU) 2016/679 article 17',
  confidence: 'V',
};
const ground = { ...gdpr, kind: 'ground' } as const;
const exception = { ...gdpr, kind: 'exception' } as const;
const california = {
  regime: 'us-ca',
  rights: ['erasure'],
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
  {
    regime: 'eu-gdpr',
    kind: 'refusal',
    ruleId: 'gdpr-12-5-b',
    rights: ['access', 'erasure', 'objection', 'rectification', 'restriction', 'portability'],
    citation: 'GDPR art. 12(5)(b)',
    text: 'the request is manifestly unfounded or excessive',
    source: 'Regulation (EU) 2016/679 article 12(5)',
    confidence: 'V',
  },
];

/** The UK GDPR's articles 12 and 17 have the same rules. */
const UK_RULES: readonly LegalRule[] = EU_RULES.map((rule) => ({
  ...rule,
  ruleId: `uk-${rule.ruleId}`,
  regime: 'uk-gdpr',
  citation: `UK ${rule.citation}`,
  source: rule.source.replace('Regulation (EU) 2016/679', 'UK GDPR'),
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
  {
    ...california,
    kind: 'refusal',
    ruleId: 'ccpa-145-h-3',
    rights: ['access', 'erasure', 'rectification'],
    citation: 'Cal. Civ. Code 1798.145(h)(3)',
    source: 'Cal. Civ. Code 1798.145(h)',
    text: 'the request is manifestly unfounded or excessive',
  },
];

/** Every ground, exception and refusal. */
export const LEGAL_RULES: readonly LegalRule[] = [...EU_RULES, ...UK_RULES, ...CALIFORNIA_RULES];
