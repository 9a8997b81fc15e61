/** Date-only arithmetic on whole days since 1970-01-01: no clock time, no zone, no overflowing months. */
import { unprocessable } from '#kernel';
import type { CivilDate } from '../deadline-row.js';

const DAY = 86_400_000;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** Year, month (1 to 12) and day of month. */
export interface DateParts {
  year: number;
  month: number;
  day: number;
}

/** Reads `YYYY-MM-DD` between 1900 and 2999; anything else is refused with 422 `date-invalid`. */
export function partsOf(date: CivilDate): DateParts {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  const year = Number(match?.[1]);
  const month = Number(match?.[2]);
  const day = Number(match?.[3]);
  const known = match !== null && year >= 1900 && year <= 2999 && month >= 1 && month <= 12;
  if (!known || day < 1 || day > lastDayOf(year, month)) {
    throw unprocessable('date-invalid', 'Give an existing date as YYYY-MM-DD between the years 1900 and 2999.');
  }
  return { year, month, day };
}

/** Number of the last day of a month (1 to 12). */
export function lastDayOf(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The date of year, month and day, which must exist. */
export function civilDate(year: number, month: number, day: number): CivilDate {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** Whole days since 1970-01-01. */
export function dayNumber(date: CivilDate): number {
  const { year, month, day } = partsOf(date);
  return Date.UTC(year, month - 1, day) / DAY;
}

/** The date `days` later, or earlier if negative. */
export function addDays(date: CivilDate, days: number): CivilDate {
  return new Date((dayNumber(date) + days) * DAY).toISOString().slice(0, 10);
}

/** The same-numbered day `months` later, or the last day of that month (Regulation 1182/71 article 3(2)(c)). */
export function addMonths(date: CivilDate, months: number): CivilDate {
  const { year, month, day } = partsOf(date);
  const index = year * 12 + (month - 1) + months;
  const targetYear = Math.floor(index / 12);
  const targetMonth = (index % 12) + 1;
  return civilDate(targetYear, targetMonth, Math.min(day, lastDayOf(targetYear, targetMonth)));
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(date: CivilDate): number {
  return (((dayNumber(date) + 4) % 7) + 7) % 7;
}

/** `Sun 2026-12-20`: how a date is shown in an explanation. */
export function shown(date: CivilDate): string {
  return `${WEEKDAYS[weekdayOf(date)] ?? ''} ${date}`;
}
