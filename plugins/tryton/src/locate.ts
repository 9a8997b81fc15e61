/** Where a person is in Tryton, and what stands in the way of an erasure. */
import type { Item, Located } from '@lethe/plugin-sdk';
import { findBlocker } from './blockers.js';
import type { Name } from './datasets.js';
import { findParties } from './find-parties.js';
import { locatedFrom, recordsOf } from './find-records.js';
import type { Session } from './rpc.js';

/** All records of one person. Several people behind a value give their party record alone, blocked and without its data. */
export async function* locateItem(session: Session, item: Item): AsyncGenerator<Located<Name>> {
  const seen = new Set<string>();
  for (const { party, erased, ambiguous } of await findParties(session, item.ids)) {
    if (ambiguous) {
      yield {
        itemKey: item.itemKey,
        dataset: 'party.party',
        ref: String(party),
        count: 1,
        blockedBy: 'ambiguous-identifier',
        blockedMessage: 'Several parties carry this contact.',
      };
      continue;
    }
    const blocker = erased ? undefined : await findBlocker(session, party);
    for (const record of await recordsOf(session, party)) {
      const key = `${record.dataset},${record.id}`;
      if (seen.has(key)) continue;
      seen.add(key);
      yield { ...(await locatedFrom(session, item.itemKey, record)), ...blocker };
    }
  }
}
