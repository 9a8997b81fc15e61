/** From identifiers to parties: who is meant beyond doubt, and where a value is shared by several people. */
import type { Identifier } from '@lethe/plugin-sdk';
import type { Domain, Row, Session } from './rpc.js';

/** A party behind an identifier. `erased`: already emptied by Tryton's erase, found by what that left behind. */
export interface PartyMatch {
  party: number;
  erased: boolean;
  ambiguous: boolean;
}

/** Tryton's ILIKE takes `%`, `_` and `\` as wildcards; in an address they are letters. */
export const literal = (value: string): string => value.replace(/[\\%_]/g, '\\$&');

/** The value Tryton's erase writes over what may not be empty. */
export const ERASED = '****';

const PHONES = ['phone', 'mobile', 'fax'];

/** Live parties behind one identifier apart from those already erased. Unknown identifier types find nobody. */
async function partiesBehind(
  session: Session,
  { type, value }: Identifier,
): Promise<{ live: number[]; erased: number[] }> {
  const domain = domainFor(type, value);
  if (domain === undefined) return { live: [], erased: [] };
  const ids = new Set<number>();
  if (type === 'tryton-party-code') {
    for (const row of await session.search('party.party', domain, ['id'])) ids.add(Number(row['id']));
  } else {
    for (const row of await session.search('party.contact_mechanism', domain, ['party'])) ids.add(Number(row['party']));
  }
  return split(session, [...ids]);
}

function domainFor(type: string, value: string): Domain | undefined {
  if (type === 'tryton-party-code') return [['code', '=', value]];
  const either = (exact: string): Domain => ['OR', ['value', 'ilike', exact], ['value_compact', 'ilike', exact]];
  // `other` is what Tryton's erase turns every type into.
  if (type === 'email') return [['type', 'in', ['email', 'other']], either(literal(value))];
  if (type === 'phone') return [['type', 'in', [...PHONES, 'other']], either(literal(value.replace(/[^\d+]/g, '')))];
  return undefined;
}

async function split(session: Session, ids: number[]): Promise<{ live: number[]; erased: number[] }> {
  const rows = await session.search('party.party', [['id', 'in', ids]], ['name', 'active']);
  const erased = rows.filter(isErased).map((row) => Number(row['id']));
  return { live: rows.map((row) => Number(row['id'])).filter((id) => !erased.includes(id)), erased };
}

/** A party that Tryton's erase has been through: inactive and without a name. */
export const isErased = (party: Row): boolean => party['active'] === false && (party['name'] ?? null) === null;

/**
 * Parties behind the identifiers. A value with one live party settles that party. An e-mail address or party code with
 * several blocks them all; a shared phone number only when nothing else settled anybody.
 */
export async function findParties(session: Session, ids: Identifier[]): Promise<PartyMatch[]> {
  const settled = new Set<number>();
  const shared = new Set<number>();
  const sharedPhone = new Set<number>();
  const erased = new Set<number>();
  for (const id of ids) {
    const behind = await partiesBehind(session, id);
    for (const party of behind.erased) erased.add(party);
    const only = behind.live.length === 1 ? settled : id.type === 'phone' ? sharedPhone : shared;
    for (const party of behind.live) only.add(party);
  }
  if (settled.size === 0) for (const party of sharedPhone) shared.add(party);
  for (const party of await mergedInto(session, [...settled, ...erased])) {
    if (party.erased) erased.add(party.id);
    else settled.add(party.id);
  }
  return [
    ...[...settled].map((party) => ({ party, erased: false, ambiguous: false })),
    ...[...erased].map((party) => ({ party, erased: true, ambiguous: false })),
    ...[...shared].filter((party) => !settled.has(party)).map((party) => ({ party, erased: false, ambiguous: true })),
  ];
}

/** Parties merged away by Tryton's replace wizard: it erases them together with the one that stayed. */
async function mergedInto(session: Session, parties: number[]): Promise<{ id: number; erased: boolean }[]> {
  const found: { id: number; erased: boolean }[] = [];
  for (let level = parties; level.length > 0;) {
    const domain: Domain = [
      ['replaced_by', 'in', level],
      ['id', 'not in', found.map(({ id }) => id)],
    ];
    const rows = await session.search('party.party', domain, ['name', 'active']);
    level = rows.map((row) => Number(row['id']));
    found.push(...rows.map((row) => ({ id: Number(row['id']), erased: isErased(row) })));
  }
  return found;
}

/** Does exactly one live party carry this e-mail address? Only then may it lead on to other records. */
export async function isOnlyOnes(session: Session, email: string): Promise<boolean> {
  return (await partiesBehind(session, { type: 'email', value: email })).live.length === 1;
}
