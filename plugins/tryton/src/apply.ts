/** Carries out an approved erasure, party by party, after asking again whom the identifiers lead to. */
import type { Item, Outcome, Target } from '@lethe/plugin-sdk';
import { applyParty } from './apply-party.js';
import type { Name } from './datasets.js';
import { findParties, isErased } from './find-parties.js';
import { recordsOf, type Matched } from './find-records.js';
import { needlesFrom } from './residue.js';
import { TrytonRefusal } from './rpc.js';
import type { Session } from './rpc.js';

/**
 * One outcome per target, and one per record of an approved dataset that the erase took besides. `kept` must stay: Tryton
 * erases a party with all its contacts or not at all, so one of them speaks against the whole.
 */
export async function* applyItem(
  session: Session,
  item: Item,
  at: Target<Name>[],
  kept: Target<Name>[] = [],
): AsyncGenerator<Outcome<Name>> {
  const staying = new Set(kept.map(nameOf));
  for await (const outcome of applyAll(session, item, [...at, ...kept]))
    if (outcome.ref === undefined || !staying.has(nameOf({ dataset: outcome.dataset, ref: outcome.ref })))
      yield outcome;
}

const nameOf = ({ dataset, ref }: Pick<Target<Name>, 'dataset' | 'ref'>): string => `${dataset},${ref}`;

async function* applyAll(session: Session, item: Item, at: Target<Name>[]): AsyncGenerator<Outcome<Name>> {
  const targets = at.filter(({ itemKey }) => itemKey === item.itemKey);
  const waiting = new Map(targets.map((target) => [nameOf(target), target]));
  const needles = needlesFrom(item.ids, targets).own;
  for (const party of await partiesToAct(session, item, targets)) {
    const records = await recordsOf(session, party);
    const matched: Matched[] = [];
    for (const record of records) {
      const key = `${record.dataset},${record.id}`;
      const target = waiting.get(key);
      if (target !== undefined) matched.push({ target, record });
      waiting.delete(key);
    }
    if (matched.length > 0) yield* applyParty(session, party, matched, records, needles);
  }
  for (const { itemKey, dataset, ref } of waiting.values()) {
    // Gone, or it leads to somebody else by now: in both cases not this person's, and not touched.
    const still = await exists(session, dataset, Number(ref));
    const note = still ? { note: 'changed-hands' } : {};
    yield { itemKey, dataset, ref, count: still ? 1 : 0, kind: 'not-found', ...note };
  }
}

/** Parties the identifiers settle now, and targeted ones that an earlier attempt has erased: nothing leads to those any more. */
async function partiesToAct(session: Session, item: Item, targets: Target<Name>[]): Promise<number[]> {
  const found = (await findParties(session, item.ids)).filter(({ ambiguous }) => !ambiguous);
  const ids = targets.filter(({ dataset }) => dataset === 'party.party').map(({ ref }) => Number(ref));
  const rows = await session.search('party.party', [['id', 'in', ids]], ['name', 'active']);
  const erased = rows.filter(isErased).map((row) => Number(row['id']));
  return [...new Set([...found.map(({ party }) => party), ...erased])];
}

async function exists(session: Session, dataset: Name, id: number): Promise<boolean> {
  try {
    return (await session.read(dataset, [id], ['id'])).length > 0;
  } catch (error) {
    if (!(error instanceof TrytonRefusal)) throw error;
    // Reading what does not exist is refused; a record one may not see does exist.
    return error.kind === 'denied';
  }
}
