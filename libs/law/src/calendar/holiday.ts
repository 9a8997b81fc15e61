/** Holiday rows and the days they fall on: fixed dates, Easter offsets, nth weekdays, single dates, substitutes. */
import { addDays, civilDate, lastDayOf, weekdayOf } from './civil-date.js';
import type { CivilDate, Fact } from '../deadline-row.js';

/** When a holiday falls. Weekdays run from 0 (Sunday) to 6; `n: -1` is the last one of the month. */
export type HolidayRule =
  | { kind: 'fixed'; month: number; day: number }
  | { kind: 'easter'; offset: number }
  | { kind: 'nth'; month: number; weekday: number; n: 1 | 2 | 3 | 4 | -1; unlessDay?: number }
  | { kind: 'before'; month: number; day: number; weekday: number }
  | { kind: 'once'; on: CivilDate };

/** One public holiday. */
export interface HolidayRow {
  name: string;
  rule: HolidayRule;
  /** ISO 3166-2 subdivisions; without it, the whole country. */
  in?: readonly string[];
  /** First and last year, and years in which it is moved or suspended. */
  since?: number;
  until?: number;
  notIn?: readonly number[];
  /** Only when it falls on this weekday. */
  ifWeekday?: number;
  /** On a weekend: the next free weekday (UK), or Friday for Saturday and Monday for Sunday (US federal). */
  substitute?: 'next-free-weekday' | 'nearest-weekday';
}

/** The public holidays of a country and its subdivisions. */
export interface CalendarData extends Fact {
  /** ISO 3166-1 alpha-2. */
  country: string;
  /** Subdivisions with holidays of their own; others fall back to those of the whole country. */
  subdivisions: readonly string[];
  rows: readonly HolidayRow[];
}

/** Easter Sunday of the Gregorian calendar, by Gauss's computus in the form of Meeus and Jones. */
export function easterSunday(year: number): CivilDate {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - Math.floor(b / 4) - g + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 19 * l) / 433);
  const month = Math.floor((h + l - 7 * m + 90) / 25);
  return civilDate(year, month, (h + l - 7 * m + 33 * month + 19) % 32);
}

function dateOf(rule: HolidayRule, year: number): CivilDate | null {
  switch (rule.kind) {
    case 'fixed':
      return civilDate(year, rule.month, rule.day);
    case 'easter':
      return addDays(easterSunday(year), rule.offset);
    case 'nth': {
      const date = nthWeekday(year, rule.month, rule.weekday, rule.n);
      return rule.unlessDay !== undefined && Number(date.slice(8)) === rule.unlessDay ? null : date;
    }
    case 'before': {
      const eve = civilDate(year, rule.month, rule.day);
      return addDays(eve, -(((weekdayOf(eve) - rule.weekday + 6) % 7) + 1));
    }
    case 'once':
      return rule.on.startsWith(`${year}-`) ? rule.on : null;
  }
}

function nthWeekday(year: number, month: number, weekday: number, n: number): CivilDate {
  const from = n > 0 ? civilDate(year, month, 1) : civilDate(year, month, lastDayOf(year, month) - 6);
  const first = addDays(from, (weekday - weekdayOf(from) + 7) % 7);
  return addDays(first, n > 0 ? (n - 1) * 7 : 0);
}

function heldIn(row: HolidayRow, year: number): boolean {
  const begun = row.since === undefined || year >= row.since;
  const over = row.until !== undefined && year > row.until;
  return begun && !over && !(row.notIn?.includes(year) ?? false);
}

/** Every day off that the rows of `year` bring, with its name; a US substitute may fall on 31 December before. */
export function holidaysOf(rows: readonly HolidayRow[], year: number): Map<CivilDate, string> {
  const days = new Map<CivilDate, string>();
  const waiting: { date: CivilDate; row: HolidayRow }[] = [];
  for (const row of rows) {
    const date = heldIn(row, year) ? dateOf(row.rule, year) : null;
    if (date === null || (row.ifWeekday !== undefined && weekdayOf(date) !== row.ifWeekday)) continue;
    if (row.substitute !== undefined && [0, 6].includes(weekdayOf(date))) waiting.push({ date, row });
    else days.set(date, row.name);
  }
  // After the fixed ones and in date order, so that Christmas and Boxing Day never share a substitute.
  for (const { date, row } of waiting.sort((one, other) => (one.date < other.date ? -1 : 1))) {
    days.set(substituteFor(date, row, days), `${row.name} (substitute)`);
  }
  return days;
}

function substituteFor(date: CivilDate, row: HolidayRow, taken: ReadonlyMap<CivilDate, string>): CivilDate {
  if (row.substitute === 'nearest-weekday') return addDays(date, weekdayOf(date) === 6 ? -1 : 1);
  let day = addDays(date, 1);
  while ([0, 6].includes(weekdayOf(day)) || taken.has(day)) day = addDays(day, 1);
  return day;
}
