/** Reads again after an erasure: by reference, by identifier, and by a scan of the texts around it. */
import type { Item, Target, Verification } from '@lethe/plugin-sdk';
import { MODELS, NAMES, type Name } from './datasets.js';
import { findParties } from './find-parties.js';
import { recordsOf } from './find-records.js';
import { findTraces, needlesFrom } from './residue.js';
import type { Session } from './rpc.js';
import { isTelling } from './values.js';

type Residue = Extract<Verification<Name>, { kind: 'residue' }>;

/** One `clean` per dataset, or the residues found in it; each place is named once. */
export async function* verifyItem(
  session: Session,
  item: Item,
  at: Target<Name>[],
): AsyncGenerator<Verification<Name>> {
  const targets = at.filter(({ itemKey }) => itemKey === item.itemKey);
  const kept = new Map(targets.map((target) => [`${target.dataset},${target.ref}`, target]));
  const residues = new Map<string, Residue>();
  const note = (by: Residue['by'], dataset: Name, ref: string, field: string) => {
    if (mayStay(kept.get(`${dataset},${ref}`), field)) return;
    const key = `${dataset},${ref},${field}`;
    if (!residues.has(key)) residues.set(key, { itemKey: item.itemKey, kind: 'residue', dataset, ref, by, field });
  };
  for (const party of targets.filter(({ dataset }) => dataset === 'party.party')) {
    for (const { dataset, id, row } of await recordsOf(session, Number(party.ref))) {
      const { how, personal, frozen = [] } = MODELS[dataset];
      for (const field of personal.filter((name) => isTelling(row[name]))) {
        // The vendor's erase never meant to empty `value_compact`, and a closed document's texts cannot be emptied: the
        // scan decides there.
        const by = field === 'value_compact' ? 'scan' : 'reference';
        const meant = how !== 'strip' || (kept.has(`${dataset},${id}`) && !frozen.includes(field));
        if (meant) note(by, dataset, String(id), field);
      }
    }
  }
  for (const { party, erased, ambiguous } of await findParties(session, item.ids)) {
    if (!erased && !ambiguous) note('identifier', 'party.party', String(party), 'name');
  }
  for await (const { dataset, ref, field } of findTraces(session, needlesFrom(item.ids, targets))) {
    note('scan', dataset, ref, field);
  }
  yield* residues.values();
  const dirty = new Set([...residues.values()].map(({ dataset }) => dataset));
  for (const dataset of NAMES.filter((name) => !dirty.has(name)))
    yield { itemKey: item.itemKey, dataset, kind: 'clean' };
}

/** A record kept under a duty keeps its texts; one stripped under a duty keeps those it was not to lose. */
function mayStay(target: Target<Name> | undefined, field: string): boolean {
  if (target === undefined) return false;
  if (target.action === 'retain') return true;
  const underDuty = target.action === 'strip' && target.ruleId !== undefined;
  return underDuty && !(target.fields ?? MODELS[target.dataset].personal).includes(field);
}
