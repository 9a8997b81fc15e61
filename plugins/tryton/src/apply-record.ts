/** What becomes of one record beside the party itself: a sale or invoice, a note, an attachment, a sent mail. */
import type { Outcome, Target } from '@lethe/plugin-sdk';
import { MODELS, type Name } from './datasets.js';
import type { FoundRecord } from './find-records.js';
import { refused, retained } from './outcomes.js';
import { TrytonRefusal } from './rpc.js';
import type { Session } from './rpc.js';
import { stripRecord } from './strip-record.js';
import { names } from './values.js';

/** Carries out the target's action. `wizardRan`: Tryton's erase has just run, and takes a party's notes along. */
export async function applyRecord(
  session: Session,
  target: Target<Name>,
  record: FoundRecord,
  wizardRan: boolean,
  needles: string[],
): Promise<Outcome<Name>> {
  const { itemKey, dataset, ref, action } = target;
  if (action === 'retain') return retained(target);
  if (action === 'detach') return { itemKey, dataset, ref, count: 1, kind: 'unsupported', note: 'detach' };
  // A note or a mail goes whole or stays whole: under a duty it must not go.
  if (MODELS[dataset].how === 'delete' && action === 'strip' && target.ruleId !== undefined)
    return { itemKey, dataset, ref, count: 1, kind: 'unsupported', note: 'strip' };
  if (MODELS[dataset].how === 'delete') return removeResource(session, target, record, wizardRan);
  if (action === 'erase' && dataset === 'sale.sale' && record.row['state'] === 'cancelled') {
    return remove(session, target);
  }
  const fields = target.fields ?? MODELS[dataset].personal;
  const { left, stripped, message } = await stripRecord(session, dataset, record.row, fields);
  const naming = left.filter((field) => names(record.row[field], needles));
  if (naming.length > 0) return { ...refused(target, message ?? ''), note: keptNote('kept-by-tryton', naming) };
  const note = left.length === 0 ? {} : { note: keptNote('kept-by-tryton-names-nobody', left) };
  if (target.ruleId !== undefined) return { ...retained(target, stripped), ...note };
  // The row stays in the books; with its party erased and its texts empty it leads to nobody.
  return { itemKey, dataset, ref, count: 1, kind: 'anonymised', ...note };
}

/** A code and the names of the fields, never their values: in this form a note is recorded. */
const keptNote = (code: string, fields: string[]): string => `${code}:${fields.join('.')}`;

async function removeResource(
  session: Session,
  target: Target<Name>,
  { dataset, id, row }: FoundRecord,
  wizardRan: boolean,
): Promise<Outcome<Name>> {
  const resource = row['resource'] ?? null;
  const [still] = await session.search(
    dataset,
    [
      ['resource', '=', resource],
      ['id', '=', id],
    ],
    ['id'],
  );
  if (still !== undefined) return remove(session, target);
  const { itemKey, ref } = target;
  return { itemKey, dataset, ref, count: 1, kind: wizardRan ? 'erased' : 'not-found' };
}

async function remove(session: Session, target: Target<Name>): Promise<Outcome<Name>> {
  const { itemKey, dataset, ref } = target;
  try {
    await session.call(`model.${dataset}.delete`, [Number(ref)]);
    return { itemKey, dataset, ref, count: 1, kind: 'erased' };
  } catch (error) {
    if (error instanceof TrytonRefusal) return refused(target, error.message);
    throw error;
  }
}
