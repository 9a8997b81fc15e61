/** Keys of words about people whose own key is gone: one a year, so that the words end as evidence does. */
import type { SubjectId, TenantId } from '#kernel';
import type { KeyStore } from './keystore.js';

/** Evidence is kept for three years from the end of its year (practice, rule 21). */
const YEARS = 3;
/** A year is over when it is so everywhere. */
const EVERYWHERE_MS = 86_400_000;

/** Whose key of class case seals in this year: nobody. Ids of people hold the time of their making, and are all greater. */
export function yearHolder(year: number): SubjectId {
  return `00000000-0000-8000-8000-${String(year).padStart(12, '0')}` as SubjectId;
}

/** Destroys the keys of the years that are over; returns how many there were. Safe to repeat, as after a restore. */
export async function endYearKeys(keys: KeyStore, tenant: TenantId, now: Date): Promise<number> {
  const year = new Date(now.getTime() - EVERYWHERE_MS).getUTCFullYear();
  const { rows } = await keys.database.fetch<{ subject: SubjectId }>(tenant, {
    text: `SELECT subject FROM subject_key WHERE tenant = $1 AND subject <= $2 AND class = 'case' AND wrapped IS NOT NULL`,
    values: [tenant, yearHolder(year - YEARS - 1)],
  });
  for (const { subject } of rows) await keys.shred(tenant, subject, ['case']);
  return rows.length;
}
