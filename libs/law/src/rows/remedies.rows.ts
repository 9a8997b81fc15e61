/** Complaint and court wording per regime, and the authorities to complain to. Data only. */
import type { Authority, RemedyText } from '../legal-text.js';

/** What an answer says about remedies (GDPR article 12(4)); the fullest wording first, the plain one last. */
export const REMEDIES: readonly RemedyText[] = [
  {
    id: 'eu-gdpr/remedy',
    regime: 'eu-gdpr',
    complaint:
      'You may complain to a supervisory authority, in particular where you live, where you work, or where you think the law was broken (GDPR art. 77).',
    court: 'You may also go to court against us (GDPR art. 79).',
    citation: 'GDPR art. 12(4), 77, 79',
    source: 'Regulation (EU) 2016/679 articles 12(4), 77, 79',
    confidence: 'V',
  },
  {
    id: 'uk-gdpr/remedy-164a',
    regime: 'uk-gdpr',
    complaint:
      'You may complain to us, and we acknowledge a complaint within 30 days (Data Protection Act 2018 s.164A); you may also complain to the Information Commissioner (s.165).',
    court: 'You may also apply to a court for a compliance order (Data Protection Act 2018 s.167).',
    citation: 'UK GDPR art. 12(4); DPA 2018 s.164A, 165, 167',
    source: 'Data Protection Act 2018 section 164A, in force 2026-06-19 by SI 2026/82, as reported',
    confidence: 'S',
  },
  {
    id: 'uk-gdpr/remedy',
    regime: 'uk-gdpr',
    complaint: 'You may complain to the Information Commissioner (UK GDPR art. 12(4)).',
    court: 'You may also go to court against us (UK GDPR art. 79).',
    citation: 'UK GDPR art. 12(4), 79',
    source: 'UK GDPR articles 12(4), 79',
    confidence: 'V',
  },
  {
    id: 'us-ca/remedy',
    regime: 'us-ca',
    complaint:
      'You may complain to the California Privacy Protection Agency (Cal. Civ. Code 1798.199.45) or the Attorney General of California.',
    court: 'The law gives a claim in court for certain data breaches (Cal. Civ. Code 1798.150).',
    citation: 'Cal. Civ. Code 1798.130(a)(2), 1798.145(h)(1), 1798.199.45',
    source: 'Cal. Civ. Code 1798.145(h), 1798.150, 1798.199.45',
    confidence: 'M',
  },
  {
    id: 'br-lgpd/remedy',
    regime: 'br-lgpd',
    complaint: 'You may petition the national authority (LGPD art. 18 § 1).',
    court: 'You may also go to court (LGPD art. 22).',
    citation: 'LGPD art. 18 § 1, 22',
    source: 'Lei 13.709/2018',
    confidence: 'M',
  },
];

const eu = { regime: 'eu-gdpr', source: 'EDPB list of members', confidence: 'M' } as const;
const land = { regime: 'eu-gdpr', source: "the authority's own website", confidence: 'M' } as const;

/** Authorities: names and addresses, not rules, so no gate; counsel checks the one of the controller's place. */
export const AUTHORITIES: readonly Authority[] = [
  {
    ...land,
    territory: 'DE-BE',
    name: 'Berliner Beauftragte für Datenschutz und Informationsfreiheit',
    website: 'https://www.datenschutz-berlin.de',
  },
  {
    ...land,
    territory: 'DE-BY',
    name: 'Bayerisches Landesamt für Datenschutzaufsicht',
    website: 'https://www.lda.bayern.de',
  },
  {
    ...land,
    territory: 'DE-HH',
    name: 'Der Hamburgische Beauftragte für Datenschutz und Informationsfreiheit',
    website: 'https://datenschutz-hamburg.de',
  },
  {
    ...land,
    territory: 'DE-NW',
    name: 'Landesbeauftragte für Datenschutz und Informationsfreiheit Nordrhein-Westfalen',
    website: 'https://www.ldi.nrw.de',
  },
  {
    ...land,
    territory: 'DE',
    name: 'Die Datenschutzaufsichtsbehörde des Landes, in dem der Verantwortliche sitzt',
    website: 'https://www.datenschutzkonferenz-online.de',
  },
  { ...eu, territory: 'AT', name: 'Österreichische Datenschutzbehörde', website: 'https://www.dsb.gv.at' },
  { ...eu, territory: 'ES', name: 'Agencia Española de Protección de Datos', website: 'https://www.aepd.es' },
  {
    ...eu,
    territory: 'FR',
    name: "Commission nationale de l'informatique et des libertés",
    website: 'https://www.cnil.fr',
  },
  { ...eu, territory: 'IE', name: 'Data Protection Commission', website: 'https://www.dataprotection.ie' },
  { ...eu, territory: 'NL', name: 'Autoriteit Persoonsgegevens', website: 'https://autoriteitpersoonsgegevens.nl' },
  {
    regime: 'uk-gdpr',
    territory: 'GB',
    name: 'Information Commissioner',
    website: 'https://ico.org.uk',
    source: 'Data Protection Act 2018 s.165',
    confidence: 'V',
  },
  {
    regime: 'us-ca',
    territory: 'US',
    name: 'California Privacy Protection Agency',
    website: 'https://cppa.ca.gov',
    source: 'Cal. Civ. Code 1798.199.10',
    confidence: 'M',
  },
];
