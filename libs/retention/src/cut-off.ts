/** From periods to the one date a connector is told: records from before it are due. Pure. */
import { addDays, dutyUntil, type CivilDate, type DutyRow } from '#law';
import { dutyOf, periodUntil, type Policy } from './policy.js';

/** `before`: exclusive; records dated earlier are due. `blocked`: why nobody may say so. */
export type CutOff = { before: CivilDate } | { blocked: string };

const EARLIEST: CivilDate = '1900-01-01';
const DAY = 86_400_000;

/**
 * The first date whose records are still kept today. `until` gives the last day of keeping for a record's date and never
 * falls as the date grows, so that one date says it for all: a connector compares dates and computes no law.
 */
export function firstKept(until: (date: CivilDate) => CivilDate, today: CivilDate): CivilDate {
  let [low, high] = [0, Math.round((Date.parse(today) - Date.parse(EARLIEST)) / DAY)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (until(addDays(EARLIEST, middle)) < today) low = middle + 1;
    else high = middle;
  }
  return addDays(EARLIEST, low);
}

/**
 * The cut-off of a policy today: the earliest of its duty, its own period, and every other duty over the same dataset
 * (privacy order: legal duty before retention). Fields that no other duty covers may be stripped while it runs.
 * @param others the other policies over the dataset
 */
export function cutOff(policy: Policy, others: readonly Policy[], today: CivilDate): CutOff {
  const own = dutyOf(policy);
  if (policy.duty && !own) return { blocked: 'duty-unknown' };
  if (own && !inForce(own, today)) return { blocked: 'duty-not-in-force' };
  const foreign = others.filter((other) => concerns(other, policy)).flatMap((other) => dutyOf(other) ?? []);
  const duties = own ? [own, ...foreign] : foreign;
  const dates = duties.map((row) => firstKept((date) => dutyUntil(row, date), today));
  const { period } = policy;
  if (period !== undefined) dates.push(firstKept((date) => periodUntil(period, date), today));
  const [before] = dates.sort();
  return before === undefined ? { blocked: 'duty-or-period-needed' } : { before };
}

/** Whether another policy's duty stands against this policy: not where only fields beyond that duty go. */
function concerns(other: Policy, policy: Policy): boolean {
  if (!other.duty) return false;
  return policy.action !== 'strip' || policy.stripFields.some((field) => !other.stripFields.includes(field));
}

/** A version of the law that is over, or not yet there, says nothing about today: an officer names the one that does. */
function inForce(row: DutyRow, today: CivilDate): boolean {
  return row.validFrom <= today && today <= (row.validTo ?? '9999-12-31');
}
