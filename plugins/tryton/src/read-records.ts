/** The person's records for an access package: read again, and only what still leads to that person. */
import type { DataRecord, Item, Json, Located } from '@lethe/plugin-sdk';
import { MODELS, type Name } from './datasets.js';
import { findParties } from './find-parties.js';
import { recordsOf } from './find-records.js';
import type { Session } from './rpc.js';
import { plainValue } from './values.js';

/** Located records of one person with their filled fields. A record that changed hands since is left out. */
export async function* readItem(session: Session, item: Item, at: Located<Name>[]): AsyncGenerator<DataRecord<Name>> {
  const wanted = new Set(at.filter(({ itemKey }) => itemKey === item.itemKey).map(({ dataset, ref }) => dataset + ref));
  for (const { party, ambiguous } of await findParties(session, item.ids)) {
    if (ambiguous) continue;
    for (const { dataset, id, row } of await recordsOf(session, party)) {
      if (!wanted.delete(dataset + String(id))) continue;
      const fields: Record<string, Json> = {};
      for (const name of MODELS[dataset].fields) {
        const value = plainValue(row[name] ?? null);
        if (value !== null) fields[name] = value;
      }
      yield { itemKey: item.itemKey, dataset, ref: String(id), fields };
    }
  }
}
