/** Business records that stay when the person goes: their free text is emptied as far as Tryton allows. */
import { MODELS, type Name } from './datasets.js';
import { TrytonRefusal } from './rpc.js';
import type { Row, Session } from './rpc.js';
import { isTelling } from './values.js';

/** `stripped`: fields emptied now; `left`: fields Tryton would not let go; `message` its words for that. */
export interface Strip {
  stripped: string[];
  left: string[];
  message?: string;
}

/**
 * Empties the named fields that hold text; called after the party's erase. Nothing is written when nothing is to be emptied.
 * The description of a sale may be changed in draft only; from cancelled Tryton leads back there, from done it does not.
 */
export async function stripRecord(session: Session, dataset: Name, row: Row, fields: string[]): Promise<Strip> {
  const full = fields.filter((field) => MODELS[dataset].personal.includes(field) && isTelling(row[field]));
  const strip: Strip = { stripped: [], left: [] };
  const id = Number(row['id']);
  // An erased party has no open sale: one in draft was reopened by us before a crash, and is closed again.
  const ours = dataset === 'sale.sale' && row['state'] === 'draft';
  const reopened = dataset === 'sale.sale' && row['state'] === 'cancelled' && full.includes('description');
  if (full.length === 0 && !ours) return strip;
  if (reopened) await session.call('model.sale.sale.draft', [id]);
  try {
    // Together, so that the row is written once; one by one when Tryton holds on to some of them.
    if (!(await stripFields(session, dataset, id, full, strip))) {
      for (const field of full) await stripFields(session, dataset, id, [field], strip);
    }
  } finally {
    if (reopened || ours) await session.call('model.sale.sale.cancel', [id]);
  }
  return strip;
}

async function stripFields(
  session: Session,
  dataset: Name,
  id: number,
  fields: string[],
  strip: Strip,
): Promise<boolean> {
  try {
    if (fields.length > 0) await session.write(dataset, [id], Object.fromEntries(fields.map((field) => [field, null])));
    strip.stripped.push(...fields);
    return true;
  } catch (error) {
    if (!(error instanceof TrytonRefusal)) throw error;
    if (fields.length === 1) strip.left.push(...fields);
    strip.message = error.message;
    return fields.length === 1;
  }
}
