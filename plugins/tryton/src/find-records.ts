/** Every record that concerns a party, across Tryton's models. */
import type { Json, Located, Target } from '@lethe/plugin-sdk';
import { MODELS, NAMES, type Name } from './datasets.js';
import { ERASED, isOnlyOnes } from './find-parties.js';
import type { Row, Session } from './rpc.js';
import { isoDate } from './values.js';

/** A record with the party it was found by. */
export interface FoundRecord {
  dataset: Name;
  id: number;
  party: number;
  row: Row;
}

/** A target together with the record it still leads to. */
export interface Matched {
  target: Target<Name>;
  record: FoundRecord;
}

/** Records of one party, resources (notes, attachments, sent mail) of those records included. */
export async function recordsOf(session: Session, party: number): Promise<FoundRecord[]> {
  const found: FoundRecord[] = [];
  for (const dataset of NAMES) {
    const { links, fields } = MODELS[dataset];
    if (links.length === 0) continue;
    const either: Json = ['OR', ...links.map((link): Json => [link, '=', party])];
    const rows = await session.searchIfThere(dataset, [either], [...fields, ...links]);
    found.push(...rows.map((row) => ({ dataset, id: Number(row['id']), party, row })));
  }
  // Tryton lets nobody search resources at large, only those of named records.
  const owners = found.map(({ dataset, id }) => `${dataset},${id}`);
  for (const dataset of NAMES.filter((name) => MODELS[name].links.length === 0)) {
    const rows = await session.searchIfThere(
      dataset,
      [['resource', 'in', owners]],
      [...MODELS[dataset].fields, 'resource'],
    );
    found.push(...rows.map((row) => ({ dataset, id: Number(row['id']), party, row })));
  }
  return found;
}

/** How the host sees the record. */
export async function locatedFrom(session: Session, itemKey: string, record: FoundRecord): Promise<Located<Name>> {
  const { dataset, id, party, row } = record;
  const found = await identifiersIn(session, record);
  const startsOn = isoDate(row[MODELS[dataset].clockField ?? '']);
  const others = MODELS[dataset].links.some((link) => typeof row[link] === 'number' && row[link] !== party);
  return {
    itemKey,
    dataset,
    ref: String(id),
    count: 1,
    ...(others ? { sharedWith: 'others' as const } : {}),
    ...(found.length === 0 ? {} : { found }),
    ...(startsOn === undefined ? {} : { startsOn }),
  };
}

async function identifiersIn(session: Session, { dataset, row }: FoundRecord): Promise<NonNullable<Located['found']>> {
  const text = (field: string) => (typeof row[field] === 'string' && row[field] !== ERASED ? row[field] : undefined);
  if (dataset === 'party.party') {
    const code = text('code');
    const name = text('name');
    return [
      ...(code === undefined ? [] : [{ type: 'tryton-party-code', value: code, strength: 'identifying' as const }]),
      ...(name === undefined ? [] : [{ type: 'name', value: name, strength: 'candidate' as const }]),
    ];
  }
  const value = text('value');
  if (dataset !== 'party.contact_mechanism' || value === undefined) return [];
  if (row['type'] === 'email') {
    // A household's address would lead on to the other people behind it.
    const strength = (await isOnlyOnes(session, value)) ? 'identifying' : 'candidate';
    return [{ type: 'email', value: value.toLowerCase(), strength }];
  }
  if (!['phone', 'mobile', 'fax'].includes(String(row['type']))) return [];
  return [{ type: 'phone', value: text('value_compact') ?? value, strength: 'candidate' }];
}
