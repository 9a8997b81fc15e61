/** The erasure of one party: refuse whole or run the vendor's erase, clear what it leaves, then the business records. */
import type { Outcome, Target } from '@lethe/plugin-sdk';
import { applyRecord } from './apply-record.js';
import { findBlocker } from './blockers.js';
import { MODELS, type Name } from './datasets.js';
import { clearCompactValues, eraseParty, type PartyErasure } from './erase-party.js';
import { isErased } from './find-parties.js';
import type { FoundRecord, Matched } from './find-records.js';
import { failed, refused, retained } from './outcomes.js';
import type { Session } from './rpc.js';

/** Outcomes for the matched targets of one party; `needles` are the values that name the person. Either nothing is written or the vendor's erase has run. */
export async function* applyParty(
  session: Session,
  party: number,
  matched: Matched[],
  records: FoundRecord[],
  needles: string[],
): AsyncGenerator<Outcome<Name>> {
  const own = matched.filter(({ record }) => MODELS[record.dataset].how === 'wizard');
  const rest = matched.filter(({ record }) => MODELS[record.dataset].how !== 'wizard');
  const obstacle = await findObstacle(session, party, own, records);
  if (obstacle !== undefined) {
    for (const { target } of matched) yield target.action === 'retain' ? retained(target) : obstacle(target);
    return;
  }
  let erasure: PartyErasure | undefined;
  if (own.some(({ target }) => target.action !== 'retain')) {
    erasure = await eraseParty(session, party);
    if (erasure.kind === 'refused') {
      const { message } = erasure;
      for (const { target } of matched) yield target.action === 'retain' ? retained(target) : refused(target, message);
      return;
    }
    const cleared = await clearCompactValues(session, party);
    yield* wizardOutcomes(own, records, erasure.kind, cleared);
  } else {
    for (const { target } of own) yield retained(target);
  }
  // Resources first: deleting a sale would take its notes along, and each is to have its own outcome.
  const ordered = [...rest].sort((a, b) => Number(isOrder(a)) - Number(isOrder(b)));
  const wizardRan = erasure?.kind === 'erased';
  for (const { target, record } of ordered) yield await applyRecord(session, target, record, wizardRan, needles);
}

const isOrder = ({ record }: Matched): boolean => MODELS[record.dataset].how === 'strip';

/** Why nothing may be written for this party, asked before the first write. */
async function findObstacle(
  session: Session,
  party: number,
  own: Matched[],
  records: FoundRecord[],
): Promise<((target: Target<Name>) => Outcome<Name>) | undefined> {
  const actions = new Set(own.map(({ target }) => target.action));
  const root = own.find(({ record }) => record.dataset === 'party.party');
  // Tryton erases a party with all its contacts or not at all: a mixed decision cannot be carried out.
  if (actions.has('detach') || actions.has('strip')) return (target) => failed(target, 'party-cannot-be-split');
  if (actions.size > 1) return (target) => failed(target, 'party-cannot-be-split');
  if (own.length > 0 && root === undefined && !actions.has('retain'))
    return (target) => failed(target, 'erase-needs-the-party');
  const row = records.find(({ dataset }) => dataset === 'party.party')?.row;
  const blocker = row !== undefined && isErased(row) ? undefined : await findBlocker(session, party);
  return blocker === undefined ? undefined : (target) => refused(target, blocker.blockedMessage);
}

function* wizardOutcomes(
  own: Matched[],
  records: FoundRecord[],
  kind: 'erased' | 'already' | 'gone',
  cleared: number[],
): Generator<Outcome<Name>> {
  const planned = new Map(own.map(({ target, record }) => [record, target]));
  const itemKey = own[0]?.target.itemKey ?? '';
  for (const record of records) {
    const target = planned.get(record);
    if (MODELS[record.dataset].how !== 'wizard') continue;
    const fresh = kind === 'erased' || (record.dataset === 'party.contact_mechanism' && cleared.includes(record.id));
    if (target === undefined && !fresh) continue;
    yield {
      itemKey,
      dataset: record.dataset,
      ref: String(record.id),
      count: 1,
      kind: fresh ? 'anonymised' : 'not-found',
      ...(target === undefined ? { note: 'beyond-plan' } : fresh ? {} : { note: 'already-erased' }),
    };
  }
}
