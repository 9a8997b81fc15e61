/** Looks for a person in every text of Tryton that its API can search, beyond the fields an erase empties. */
import type { Target, VerifiedId } from '@lethe/plugin-sdk';
import { fieldsOf, type Name } from './datasets.js';
import { literal } from './find-parties.js';
import type { Domain, Session } from './rpc.js';
import { names } from './values.js';

/** A text that still names the person. `prefix` before the field tells a line from its document. */
export interface Trace {
  dataset: Name;
  ref: string;
  field: string;
}

interface Place {
  model: string;
  dataset: Name;
  /** Path to the party, for texts that may be searched for a name only within the person's own records. */
  party: string;
  /** Field that leads to the document a line belongs to. */
  document?: string;
}

const PLACES: Place[] = [
  { model: 'party.party', dataset: 'party.party', party: 'id' },
  { model: 'party.contact_mechanism', dataset: 'party.contact_mechanism', party: 'party' },
  { model: 'party.address', dataset: 'party.address', party: 'party' },
  { model: 'party.identifier', dataset: 'party.identifier', party: 'party' },
  { model: 'sale.sale', dataset: 'sale.sale', party: 'party' },
  { model: 'sale.line', dataset: 'sale.sale', party: 'sale.party', document: 'sale' },
  { model: 'account.invoice', dataset: 'account.invoice', party: 'party' },
  { model: 'account.invoice.line', dataset: 'account.invoice', party: 'invoice.party', document: 'invoice' },
];

/** Values to look for. E-mail addresses belong to one person and are sought everywhere; names and phones only among own records. */
export interface Needles {
  everywhere: string[];
  own: string[];
  parties: number[];
}

/** Needles from the request's identifiers and from what was found before the erasure. */
export function needlesFrom(ids: VerifiedId[], targets: Target<Name>[]): Needles {
  const found = targets.flatMap((target) => target.found ?? []);
  const emails = [...ids, ...found.filter(({ strength }) => strength === 'identifying')].filter(isEmail);
  const texts = [...ids, ...found].filter(({ type }) => ['email', 'phone', 'name'].includes(type));
  return {
    everywhere: unique(emails.map(({ value }) => value)),
    own: unique(texts.map(({ value }) => value)),
    parties: targets.filter(({ dataset }) => dataset === 'party.party').map(({ ref }) => Number(ref)),
  };
}

const isEmail = ({ type }: { type: string }): boolean => type === 'email';
const unique = (values: string[]): string[] => [...new Set(values)].filter((value) => value.length > 2);

/** Every place where a needle still stands. */
export async function* findTraces(session: Session, needles: Needles): AsyncGenerator<Trace> {
  for (const place of PLACES) {
    const columns = await fieldsOf(session, place.model);
    if (columns === undefined) continue;
    const texts = Object.keys(columns).filter(
      (field) => columns[field]?.stored === true && ['char', 'text'].includes(columns[field].type),
    );
    yield* tracesIn(session, place, texts, needles.everywhere, []);
    yield* tracesIn(session, place, texts, needles.own, [[place.party, 'in', needles.parties]]);
  }
}

async function* tracesIn(
  session: Session,
  { model, dataset, document }: Place,
  texts: string[],
  needles: string[],
  among: Domain,
): AsyncGenerator<Trace> {
  if (needles.length === 0) return;
  const clauses = texts.flatMap((field) => needles.map((needle): Domain => [field, 'ilike', `%${literal(needle)}%`]));
  const rows = await session.search(model, [...among, ['OR', ...clauses]], [...texts, ...(document ? [document] : [])]);
  for (const row of rows) {
    for (const field of texts.filter((text) => names(row[text], needles))) {
      const ref = String(document === undefined ? row['id'] : row[document]);
      yield { dataset, ref, field: document === undefined ? field : `lines.${field}` };
    }
  }
}
