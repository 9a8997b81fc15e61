/** Finds a person across all systems, to a fixed point over identifiers read from records that are certainly theirs. */
import type { Identifier, Item, Located, VerifiedId } from '../step/connected.js';
import type { Edge } from './plan.js';

/** How far a chain may reach (design section 6): a longer one proves nothing any more. */
export const MAX_DEPTH = 6;
export const MAX_IDENTIFIERS = 1000;

/** An identifier that may be acted on, with the record it was read from; `edge` is null for a proven one. */
export interface ChainedIdentifier extends VerifiedId {
  edge: Edge | null;
}

/** One system to search. `except`: identifier types an officer excluded there, e.g. the mailbox of a household. */
export interface Searched {
  connectionId: string;
  except: readonly string[];
  locate(items: Item[]): AsyncIterable<Located>;
}

/** Everything found. `silent`: systems that failed or did not answer, so nobody can say what they hold. */
export interface PersonLocated {
  identifiers: ChainedIdentifier[];
  records: Map<string, Located[]>;
  candidates: (Identifier & { connectionId: string; dataset: string })[];
  silent: { connectionId: string; code: string }[];
  /** `identifiers-too-deep` or `identifiers-too-many`: the search was stopped, an officer must narrow it. */
  limits: string[];
}

interface Search {
  known: Map<string, ChainedIdentifier>;
  candidates: Map<string, PersonLocated['candidates'][number]>;
  records: Map<string, Located[]>;
  silent: Map<string, string>;
  limits: Set<string>;
}

const nameOf = ({ type, value }: Identifier): string => JSON.stringify([type, value]);

/**
 * @param proven identifiers that were verified (or handed on by Lethe's own records); claimed ones must not be among them
 * @param fold brings a found value into the spelling that is compared
 */
export async function locatePerson(
  proven: readonly ChainedIdentifier[],
  systems: readonly Searched[],
  itemKey: string,
  fold: (identifier: Identifier) => Identifier,
): Promise<PersonLocated> {
  const search: Search = {
    known: new Map(),
    candidates: new Map(),
    records: new Map(),
    silent: new Map(),
    limits: new Set(),
  };
  for (const one of proven) search.known.set(nameOf(one), one);
  const asked = new Map<string, number>();
  for (let depth = 1; ; depth++) {
    // Only systems that have not seen the newest identifiers are asked again; a later answer replaces an earlier one.
    const open = systems.filter(
      (system) =>
        !search.silent.has(system.connectionId) && asked.get(system.connectionId) !== idsFor(search, system).length,
    );
    if (open.length === 0) break;
    const before = search.known.size;
    for (const system of open) asked.set(system.connectionId, idsFor(search, system).length);
    await Promise.all(open.map((system) => ask(search, system, itemKey)));
    learn(search, open, depth, fold);
    if (search.known.size === before) break;
    if (search.limits.size > 0) break;
  }
  return {
    identifiers: [...search.known.values()],
    records: search.records,
    candidates: [...search.candidates.values()].filter((one) => !search.known.has(nameOf(one))),
    silent: [...search.silent].map(([connectionId, code]) => ({ connectionId, code })),
    limits: [...search.limits],
  };
}

function idsFor(search: Search, system: Searched): VerifiedId[] {
  return [...search.known.values()]
    .filter((one) => !system.except.includes(one.type))
    .map(({ type, value, strength }) => ({ type, value, strength }));
}

async function ask(search: Search, system: Searched, itemKey: string): Promise<void> {
  const ids = idsFor(search, system);
  const located: Located[] = [];
  try {
    if (ids.length > 0) for await (const one of system.locate([{ itemKey, generation: 0, ids }])) located.push(one);
    search.records.set(system.connectionId, located);
  } catch (error) {
    search.silent.set(system.connectionId, failCode(error));
  }
}

/** Only what a record says that is certainly theirs expands the search; the rest is shown and never followed. */
function learn(
  search: Search,
  systems: readonly Searched[],
  depth: number,
  fold: (identifier: Identifier) => Identifier,
): void {
  for (const { connectionId, except } of systems) {
    for (const record of search.records.get(connectionId) ?? []) {
      for (const { strength, ...found } of record.found ?? []) {
        const identifier = fold(found);
        const name = nameOf(identifier);
        if (search.known.has(name)) continue;
        const followed =
          strength === 'identifying' && record.blockedBy === undefined && !except.includes(identifier.type);
        if (!followed)
          search.candidates.set(`${connectionId}${name}`, { ...identifier, connectionId, dataset: record.dataset });
        else if (depth > MAX_DEPTH) search.limits.add('identifiers-too-deep');
        else if (search.known.size >= MAX_IDENTIFIERS) search.limits.add('identifiers-too-many');
        else
          search.known.set(name, {
            ...identifier,
            strength: 'derived',
            edge: { connectionId, dataset: record.dataset, ref: record.ref, depth },
          });
      }
    }
  }
}

/** The stable code of a failed call; never its message. */
export function failCode(error: unknown): string {
  const fail = (error as { fail?: { code?: unknown } } | null)?.fail;
  return typeof fail?.code === 'string' && /^[a-z0-9-]{1,64}$/.test(fail.code) ? fail.code : 'no-answer';
}
