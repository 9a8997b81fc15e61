/** Pauses: days that do not count, merged where they overlap, and what they do to a last day. */
import { addDays, dayNumber } from './calendar/civil-date.js';
import type { CivilDate, PauseReason } from './deadline-row.js';
import type { RegimeId } from './regimes.js';

/** A stop of one regime's clock, from the day asked to the day answered, both excluded; `to: null` is still open. */
export interface Pause {
  regime: RegimeId;
  from: CivilDate;
  to: CivilDate | null;
  /** Without it, any pause the row allows. */
  reason?: PauseReason | undefined;
}

/** Closed interval of dates. */
export interface Interval {
  from: CivilDate;
  to: CivilDate;
}

/** Sorted intervals without overlap; those that touch become one, so that no day is counted twice. */
export function merged(intervals: readonly Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const next of [...intervals].sort((one, other) => (one.from < other.from ? -1 : 1))) {
    const last = result.at(-1);
    if (last && next.from <= addDays(last.to, 1)) last.to = next.to > last.to ? next.to : last.to;
    else result.push({ ...next });
  }
  return result;
}

/** Cuts what lies before `startsOn` and drops intervals that end before it or before they begin. */
export function since(startsOn: CivilDate, intervals: readonly Interval[]): Interval[] {
  return intervals
    .map(({ from, to }) => ({ from: from < startsOn ? startsOn : from, to }))
    .filter(({ from, to }) => to >= from);
}

/** The last day after pauses: every paused day inside the running period moves it by one; later pauses come too late. */
export function afterPauses(lastDay: CivilDate, pauses: readonly Interval[]): { date: CivilDate; days: number } {
  let date = lastDay;
  let days = 0;
  for (const { from, to } of pauses) {
    if (from > date) break;
    const length = dayNumber(to) - dayNumber(from) + 1;
    date = addDays(date, length);
    days += length;
  }
  return { date, days };
}
