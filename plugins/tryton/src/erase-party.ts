/** Tryton's own erase, and the cleaning up after it. */
import { ERASED, isErased } from './find-parties.js';
import { TrytonRefusal } from './rpc.js';
import type { Row, Session } from './rpc.js';
import { isTelling } from './values.js';

/** What became of a party: `refused` carries the vendor's words, free of names. */
export type PartyErasure =
  { kind: 'erased' } | { kind: 'already' } | { kind: 'gone' } | { kind: 'refused'; message: string };

/**
 * Deactivates the party, as the wizard demands, and runs `party.erase`. A refusal makes the party active again, so that
 * nothing is half-done. Called again after a lost answer it finds the party erased and writes nothing.
 */
export async function eraseParty(session: Session, party: number): Promise<PartyErasure> {
  const [row] = await session.search('party.party', [['id', '=', party]], ['name', 'active']);
  if (row === undefined) return { kind: 'gone' };
  if (isErased(row)) return { kind: 'already' };
  if (row['active'] === true) await session.write('party.party', [party], { active: false });
  try {
    await runWizard(session, party);
    return { kind: 'erased' };
  } catch (error) {
    if (!(error instanceof TrytonRefusal)) throw error;
    if (row['active'] === true) await session.write('party.party', [party], { active: true });
    return { kind: 'refused', message: error.message };
  }
}

async function runWizard(session: Session, party: number): Promise<void> {
  const created = await session.call('wizard.party.erase.create');
  const wizard = Array.isArray(created) ? (created[0] ?? null) : null;
  try {
    await session.call('wizard.party.erase.execute', wizard, { ask: { party } }, 'erase');
  } finally {
    // The wizard's session keeps the party's id until it is deleted.
    await session.call('wizard.party.erase.delete', wizard);
  }
}

/**
 * The erase overwrites `value` by SQL and leaves `value_compact` as it was (seen in 6.0.29 and 8.2.1). The field may not be
 * written, but Tryton computes it from `value`, which may be written while the mechanism is active.
 * Gives the ids that had to be cleared.
 */
export async function clearCompactValues(session: Session, party: number): Promise<number[]> {
  const mechanisms = await session.search(
    'party.contact_mechanism',
    [['party', '=', party]],
    ['value', 'value_compact', 'active'],
  );
  const left = mechanisms.filter((row) => isTelling(row['value_compact']) || isTelling(row['value']));
  // A crash between the two writes leaves some active: they are taken up again.
  const open = mechanisms.filter((row) => row['active'] === true || left.includes(row)).map(idOf);
  if (open.length === 0) return [];
  const asleep = left.filter((row) => row['active'] !== true).map(idOf);
  if (asleep.length > 0) await session.write('party.contact_mechanism', asleep, { active: true });
  await session.write('party.contact_mechanism', open, { value: ERASED, active: false });
  return open;
}

const idOf = (row: Row): number => Number(row['id']);
