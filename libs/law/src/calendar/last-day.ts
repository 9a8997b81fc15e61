/** The last day of one period: period from the start, then pauses, then the roll, with the steps to read. */
import { addDays, addMonths, shown } from './civil-date.js';
import { addWorkingDays, calendarFor, dayOff, nextWorkingDay, rollingCalendar, WEEKENDS_ONLY } from './calendar.js';
import type { Calendar } from './calendar.js';
import type { CivilDate, DeadlineRow, Period } from '../deadline-row.js';
import { afterPauses, type Interval } from '../pauses.js';

/** Where a period starts and what disturbs it. */
export interface Course {
  row: DeadlineRow;
  startsOn: CivilDate;
  pauses: readonly Interval[];
  territory: string | undefined;
}

/** The outcome of one period. */
export interface LastDay {
  date: CivilDate;
  /** Id of the calendar that was asked, `none` where plain days count. */
  calendar: string;
  steps: string[];
}

/** Period from the start, then pauses, then the roll: in that order, so that nothing is counted from a rolled date. */
export function lastDay(course: Course, period: Period): LastDay {
  const { row, startsOn, pauses, territory } = course;
  const business = row.clock.businessCalendar === 'none' ? WEEKENDS_ONLY : calendarFor(row.clock.businessCalendar);
  const plain = addPeriod(startsOn, period, business);
  const steps = [describe(startsOn, period, plain, business)];
  const paused = afterPauses(plain, pauses);
  if (paused.days > 0) steps.push(`+ ${paused.days} days paused = ${shown(paused.date)}`);
  if (period.unit === 'businessDay') return { date: paused.date, calendar: business.id, steps };
  if (!row.clock.rollWeekend || period.n === 0) return { date: paused.date, calendar: 'none', steps };
  const calendar = row.clock.holidayCalendar === 'territory' ? rollingCalendar(row.regime, territory) : WEEKENDS_ONLY;
  return {
    date: nextWorkingDay(calendar, paused.date),
    calendar: calendar.id,
    steps: [...steps, ...rollSteps(calendar, paused.date)],
  };
}

function addPeriod(start: CivilDate, period: Period, business: Calendar): CivilDate {
  switch (period.unit) {
    case 'month':
      return addMonths(start, period.n);
    case 'calendarDay':
      return addDays(start, period.n);
    case 'businessDay':
      return addWorkingDays(business, start, period.n);
  }
}

function describe(start: CivilDate, { n, unit }: Period, end: CivilDate, business: Calendar): string {
  if (n === 0) return `at once: ${shown(end)}`;
  const name = { month: 'month', calendarDay: 'calendar day', businessDay: 'business day' }[unit];
  const where = unit === 'businessDay' ? ` (holidays ${business.id})` : '';
  const short = unit === 'month' && start.slice(8) !== end.slice(8) ? ', the last day of a shorter month' : '';
  return `${shown(start)} + ${n} ${name}${n === 1 ? '' : 's'}${where} = ${shown(end)}${short}`;
}

function rollSteps(calendar: Calendar, from: CivilDate): string[] {
  const steps: string[] = [];
  for (let day = from; ; day = addDays(day, 1)) {
    const reason = dayOff(calendar, day);
    if (reason === undefined) {
      const rolled = steps.length > 0 ? [`next working day: ${shown(day)}`] : [];
      return [...steps, ...rolled, `calendar: ${calendar.id}`];
    }
    steps.push(`${shown(day)} is no working day (${reason})`);
  }
}
