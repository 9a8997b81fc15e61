/** What an access answer must contain beside the data: GDPR article 15(1)(a) to (h) and 15(2). Data only. */
import type { AccessItem } from '../legal-text.js';

const gdpr = { regime: 'eu-gdpr', source: 'Regulation (EU) 2016/679 article 15', confidence: 'V' } as const;

const EU_ITEMS: readonly AccessItem[] = [
  { ...gdpr, key: 'purposes', citation: 'GDPR art. 15(1)(a)', text: 'the purposes of the processing' },
  { ...gdpr, key: 'categories', citation: 'GDPR art. 15(1)(b)', text: 'the categories of personal data' },
  { ...gdpr, key: 'recipients', citation: 'GDPR art. 15(1)(c)', text: 'the recipients by name, as far as possible' },
  {
    ...gdpr,
    key: 'retention',
    citation: 'GDPR art. 15(1)(d)',
    text: 'how long the data are kept, or by what criteria',
  },
  {
    ...gdpr,
    key: 'rights',
    citation: 'GDPR art. 15(1)(e)',
    text: 'the rights to rectification, erasure, restriction and objection',
  },
  { ...gdpr, key: 'complaint', citation: 'GDPR art. 15(1)(f)', text: 'the right to complain to an authority' },
  { ...gdpr, key: 'source', citation: 'GDPR art. 15(1)(g)', text: 'where data not collected from you came from' },
  {
    ...gdpr,
    key: 'automated-decisions',
    citation: 'GDPR art. 15(1)(h)',
    text: 'automated decisions, their logic and their consequences',
  },
  { ...gdpr, key: 'transfers', citation: 'GDPR art. 15(2)', text: 'the safeguards for transfers to third countries' },
];

/** Checklist keys per regime; the UK GDPR's article 15 asks for the same. */
export const ACCESS_ITEMS: readonly AccessItem[] = [
  ...EU_ITEMS,
  ...EU_ITEMS.map((item): AccessItem => ({
    ...item,
    regime: 'uk-gdpr',
    citation: `UK ${item.citation}`,
    source: 'UK GDPR article 15',
  })),
];
