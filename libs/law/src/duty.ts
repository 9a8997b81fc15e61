/** Retention duties: which apply to a record, and the last day it must be kept. */
import { addMonths, partsOf } from './calendar/civil-date.js';
import type { CivilDate } from './deadline-row.js';
import type { DutyRow } from './duty-row.js';
import { DUTY_ROWS } from './rows/duties.rows.js';
import { isEnabled, type LawOverrides } from './overrides.js';

/** Which duties to look for. */
export interface DutyQuery {
  /** ISO 3166-1 or 3166-2; `US-CA` finds the duties of California and of the United States. */
  country: string;
  recordClass: string;
  /** Only versions in force on this day. */
  today?: CivilDate | undefined;
  overrides?: LawOverrides | undefined;
  /** Also rows that wait for counsel, to show what could be enabled. Never decide on these. */
  includeDisabled?: boolean | undefined;
}

/** The enabled duties of a country for a class of record, the controller's own rows first. */
export function dutiesFor(query: DutyQuery): DutyRow[] {
  const { country, recordClass, today, overrides, includeDisabled = false } = query;
  const own = overrides?.dutyRows ?? [];
  return allRows(overrides).filter(
    (row) =>
      (row.country === country || row.country === country.slice(0, 2)) &&
      row.recordClass === recordClass &&
      (today === undefined || inForce(row, today)) &&
      (includeDisabled || own.includes(row) || isEnabled(row, row.id, overrides)),
  );
}

/** The duty with this id, enabled or not; `undefined` if there is none. */
export function dutyById(id: string, overrides?: LawOverrides): DutyRow | undefined {
  return allRows(overrides).find((row) => row.id === id);
}

/**
 * The last day on which the record must still be kept; it may go on the next day.
 * Eight years from year end for a record of 2024-03-12 is 2032-12-31.
 */
export function dutyUntil(row: DutyRow, recordDate: CivilDate): CivilDate {
  const start = row.startOf === 'year-end' ? `${partsOf(recordDate).year}-12-31` : recordDate;
  return addMonths(start, row.period.unit === 'year' ? row.period.n * 12 : row.period.n);
}

/** Whether the record must be kept today: this version of the law is in force and its period is not over. */
export function dutyApplies(row: DutyRow, recordDate: CivilDate, today: CivilDate): boolean {
  partsOf(today);
  return inForce(row, today) && today <= dutyUntil(row, recordDate);
}

function inForce(row: DutyRow, today: CivilDate): boolean {
  return row.validFrom <= today && today <= (row.validTo ?? '9999-12-31');
}

function allRows(overrides: LawOverrides | undefined): DutyRow[] {
  const own = overrides?.dutyRows ?? [];
  const off = overrides?.disable ?? [];
  const shipped = DUTY_ROWS.filter((row) => !own.some(({ id }) => id === row.id));
  return [...own, ...shipped].filter(({ id }) => !off.includes(id));
}
