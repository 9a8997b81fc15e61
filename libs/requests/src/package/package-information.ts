/** The information of article 15(1)(a) to (h) and 15(2), from what is configured; what nobody declared is said to be so. Pure. */
import { accessItemsOf, authorityFor, dutyById, remedyOf, type RegimeId } from '#law';
import { blocksHtml, escapeHtml, htmlPage, type Block } from '../answer/answer-letter.js';

/** What is configured about processing. */
export interface InformationFacts {
  controller: string;
  regimes: RegimeId[];
  territory: string | null;
  purposes: { name: string; description?: string | undefined; legalBasis: string; validity?: string | undefined }[];
  systems: {
    id: string;
    name: string;
    role: string;
    legalEntity: string;
    country: string;
    searched: boolean;
    datasets: { name: string; title: string; categories: string[] }[];
  }[];
  policies: { connectionId: string; dataset: string; period?: string | undefined; dutyId?: string | undefined }[];
}

/** One point of the clause with its answer. */
export interface InformationItem {
  key: string;
  citation: string;
  heading: string;
  answer: string[];
}

/** Member states of the EU with Iceland, Liechtenstein and Norway: no transfer in the sense of chapter V. */
const EEA = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' ');

/** The points of every law of the request, in the order of the clause; the European ones where a law has no list of its own. */
export function informationOf(facts: InformationFacts): InformationItem[] {
  const [items = accessItemsOf('eu-gdpr')] = facts.regimes
    .map((regime) => accessItemsOf(regime))
    .filter((list) => list.length > 0);
  return items.map(({ key, citation, text }) => ({ key, citation, heading: text, answer: answerOf(key, facts) }));
}

function answerOf(key: string, facts: InformationFacts): string[] {
  switch (key) {
    case 'purposes':
      return orNone(facts.purposes.map(purposeLine), 'No purpose is registered.');
    case 'categories':
      return orNone(facts.systems.flatMap(categoryLines), 'No category is declared for any dataset.');
    case 'recipients':
      return orNone(facts.systems.map(recipientLine), 'No system is registered.');
    case 'retention':
      return retentionLines(facts);
    case 'rights':
      return [
        'You may ask for rectification (article 16), erasure (17) and restriction (18), and object to processing (21). Where it rests on consent or a contract you may have the data you provided in a portable form (20). Consent can be taken back at any time (7(3)).',
      ];
    case 'complaint':
      return facts.regimes.flatMap((regime) => complaintLines(regime, facts.territory));
    case 'source':
      return [
        'The connected systems declare no source other than you and your use of our services. Where a record came from somebody else, it says so in its own fields.',
      ];
    case 'automated-decisions':
      return [
        'No automated decision with legal or similarly significant effect (article 22) is declared for the datasets that were searched.',
      ];
    case 'transfers':
      return transferLines(facts);
    default:
      return ['Not declared. Ask us.'];
  }
}

function purposeLine({ name, description, legalBasis, validity }: InformationFacts['purposes'][number]): string {
  const what = description === undefined ? '' : `: ${description}`;
  return `${name}${what} (legal basis: ${legalBasis}${validity === undefined ? '' : `; a consent lasts ${validity}`})`;
}

function categoryLines({ name, datasets }: InformationFacts['systems'][number]): string[] {
  return datasets.map((one) => {
    const what = one.categories.length > 0 ? one.categories.join(', ') : 'no category declared';
    return `${name}, ${one.title}: ${what}`;
  });
}

const roles: Record<string, string> = {
  own: 'our own system',
  processor: 'processor on our behalf',
  joint: 'jointly responsible with us',
  independent: 'responsible on its own',
};

function recipientLine({ name, role, legalEntity, country, searched }: InformationFacts['systems'][number]): string {
  const who = legalEntity === '' ? name : `${legalEntity} (${name})`;
  return `${who}: ${roles[role] ?? role}${country === '' ? '' : `, ${country}`}${searched ? '' : '; not searched for this package'}`;
}

function retentionLines({ systems, policies }: InformationFacts): string[] {
  const lines = policies.map(({ connectionId, dataset, period, dutyId }) => {
    const system = systems.find((one) => one.id === connectionId);
    const title = system?.datasets.find((one) => one.name === dataset)?.title ?? dataset;
    const duty = dutyId === undefined ? undefined : dutyById(dutyId);
    const times = [
      ...(duty ? [`${duty.period.n} ${duty.period.unit}s by law (${duty.citation})`] : []),
      ...(period === undefined ? [] : [`${period} (ISO 8601) after the record’s date`]),
    ];
    return `${system?.name ?? connectionId}, ${title}: ${times.join('; ')}`;
  });
  const named = new Set(policies.map(({ connectionId, dataset }) => `${connectionId}/${dataset}`));
  const open = systems.flatMap(({ id, name, datasets }) =>
    datasets.filter((one) => !named.has(`${id}/${one.name}`)).map((one) => `${name}, ${one.title}`),
  );
  const criterion =
    'no fixed period; kept as long as the purpose needs it, and then until legal claims can no longer be made';
  return [...lines, ...open.map((what) => `${what}: ${criterion}`)];
}

function complaintLines(regime: RegimeId, territory: string | null): string[] {
  const { complaint, court } = remedyOf(regime);
  const authority = authorityFor(regime, territory ?? undefined);
  return [complaint, ...(authority ? [`${authority.name}, ${authority.website}`] : []), court];
}

function transferLines({ systems }: InformationFacts): string[] {
  const outside = systems.filter(({ country }) => country !== '' && !EEA.includes(country));
  if (outside.length === 0) return ['No registered system lies outside the European Economic Area.'];
  return outside.map(
    ({ name, legalEntity, country }) =>
      `${legalEntity === '' ? name : legalEntity}: ${country}. The safeguard of the transfer is not declared here; ask us for it (article 15(2)).`,
  );
}

function orNone(lines: string[], none: string): string[] {
  return lines.length > 0 ? lines : [none];
}

/** The same as a page. */
export function informationPage(controller: string, items: readonly InformationItem[]): string {
  const title = 'About the processing of your data';
  const blocks: Block[] = items.flatMap(({ heading, citation, answer }): Block[] => [
    { kind: 'heading', text: `${heading[0]?.toUpperCase() ?? ''}${heading.slice(1)} (${citation})` },
    { kind: 'list', items: answer },
  ]);
  const intro = `<p><a href="index.html">Overview</a></p><h1>${title}</h1><p>${escapeHtml(controller)}</p>`;
  return htmlPage('en', title, `${intro}\n${blocksHtml(blocks)}`);
}
