/** Which days are working days in a territory, and how a last day rolls to the next one. */
import { unprocessable } from '#kernel';
import { CALENDAR_DE } from './calendars.de.js';
import { CALENDAR_AT, CALENDAR_ES, CALENDAR_FR, CALENDAR_IE, CALENDAR_NL } from './calendars.eu.js';
import { CALENDAR_GB } from './calendars.gb.js';
import { CALENDAR_US } from './calendars.us.js';
import { addDays, weekdayOf } from './civil-date.js';
import type { CivilDate } from '../deadline-row.js';
import { holidaysOf, type CalendarData, type HolidayRow } from './holiday.js';
import type { RegimeId } from '../regimes.js';

/** Every calendar with rows. */
export const CALENDARS: readonly CalendarData[] = [
  CALENDAR_AT,
  CALENDAR_DE,
  CALENDAR_ES,
  CALENDAR_FR,
  CALENDAR_GB,
  CALENDAR_IE,
  CALENDAR_NL,
  CALENDAR_US,
];

/** Whose holidays a regime may use: Regulation 1182/71 names those of the Member State in which the action is taken. */
const AREA: Record<RegimeId, readonly string[]> = {
  'eu-gdpr': [
    ...['AT', 'BE', 'BG', 'CY', 'CZ', 'DE', 'DK', 'EE', 'ES', 'FI', 'FR', 'GR', 'HR', 'HU', 'IE', 'IS', 'IT'],
    ...['LI', 'LT', 'LU', 'LV', 'MT', 'NL', 'NO', 'PL', 'PT', 'RO', 'SE', 'SI', 'SK'],
  ],
  'uk-gdpr': ['GB'],
  'us-ca': ['US'],
  'br-lgpd': ['BR'],
};

/** Working days of one place. */
export interface Calendar {
  /** `DE-BE`, `FR`, `US`, or `weekends-only` where no holidays are known. */
  id: string;
  source: string | null;
  /** Name of the public holiday on that day, if it is one. */
  holidayOn(date: CivilDate): string | undefined;
}

/** Saturdays and Sundays only. */
export const WEEKENDS_ONLY: Calendar = { id: 'weekends-only', source: null, holidayOn: () => undefined };

const built = new Map<string, Calendar>();

/**
 * The calendar of an ISO 3166 place such as `DE-BE` or `FR`: its subdivision's, else its country's, else weekends only.
 * A country alone rolls on holidays common to all its parts, which can only give an earlier date.
 * Anything that is no ISO 3166 code is refused with 422 `territory-invalid`.
 */
export function calendarFor(territory: string | undefined): Calendar {
  if (territory === undefined) return WEEKENDS_ONLY;
  if (!/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(territory)) {
    throw unprocessable(
      'territory-invalid',
      'Give the place as ISO 3166-2, such as DE-BE, or as a country, such as FR.',
    );
  }
  const data = CALENDARS.find((calendar) => calendar.country === territory.slice(0, 2));
  if (!data) return WEEKENDS_ONLY;
  return build(data, data.subdivisions.includes(territory) ? territory : data.country);
}

/** The calendar that rolls a regime's last day: the territory's, if it lies inside the law's area. */
export function rollingCalendar(regime: RegimeId, territory: string | undefined): Calendar {
  const calendar = calendarFor(territory);
  return AREA[regime].includes((territory ?? '').slice(0, 2)) ? calendar : WEEKENDS_ONLY;
}

function build(data: CalendarData, id: string): Calendar {
  const known = built.get(id);
  if (known) return known;
  const rows: HolidayRow[] = data.rows.filter((row) => row.in === undefined || row.in.includes(id));
  const years = new Map<number, Map<CivilDate, string>>();
  const daysOf = (year: number): Map<CivilDate, string> => {
    const days = years.get(year) ?? holidaysOf(rows, year);
    years.set(year, days);
    return days;
  };
  const holidayOn = (date: CivilDate): string | undefined => {
    const year = Number(date.slice(0, 4));
    // A substitute for 1 January may fall on the last day of the year before.
    return daysOf(year).get(date) ?? (date.endsWith('-12-31') ? daysOf(year + 1).get(date) : undefined);
  };
  const calendar: Calendar = { id, source: data.source, holidayOn };
  built.set(id, calendar);
  return calendar;
}

/** Why the day is no working day: a holiday's name, `Saturday`, `Sunday`, or nothing if it is one. */
export function dayOff(calendar: Calendar, date: CivilDate): string | undefined {
  const weekday = weekdayOf(date);
  return calendar.holidayOn(date) ?? (weekday === 6 ? 'Saturday' : weekday === 0 ? 'Sunday' : undefined);
}

/** The date itself if it is a working day, else the next one (Regulation 1182/71 article 3(4)). */
export function nextWorkingDay(calendar: Calendar, date: CivilDate): CivilDate {
  let day = date;
  while (dayOff(calendar, day) !== undefined) day = addDays(day, 1);
  return day;
}

/** The `n`th working day after `date`, which itself is not counted. */
export function addWorkingDays(calendar: Calendar, date: CivilDate, n: number): CivilDate {
  let day = date;
  for (let counted = 0; counted < n; counted += 1) day = nextWorkingDay(calendar, addDays(day, 1));
  return day;
}
