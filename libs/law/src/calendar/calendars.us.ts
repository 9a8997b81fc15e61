/** Federal holidays of the United States, for business days. Data only. */
import type { CalendarData } from './holiday.js';

/** United States, federal. */
export const CALENDAR_US: CalendarData = {
  country: 'US',
  source: '5 U.S.C. 6103; checked against date-holidays 3',
  confidence: 'S',
  subdivisions: [],
  rows: [
    { name: "New Year's Day", rule: { kind: 'fixed', month: 1, day: 1 }, substitute: 'nearest-weekday' },
    { name: 'Birthday of Martin Luther King, Jr.', rule: { kind: 'nth', month: 1, weekday: 1, n: 3 } },
    { name: "Washington's Birthday", rule: { kind: 'nth', month: 2, weekday: 1, n: 3 } },
    { name: 'Memorial Day', rule: { kind: 'nth', month: 5, weekday: 1, n: -1 } },
    { name: 'Juneteenth', rule: { kind: 'fixed', month: 6, day: 19 }, since: 2021, substitute: 'nearest-weekday' },
    { name: 'Independence Day', rule: { kind: 'fixed', month: 7, day: 4 }, substitute: 'nearest-weekday' },
    { name: 'Labor Day', rule: { kind: 'nth', month: 9, weekday: 1, n: 1 } },
    { name: 'Columbus Day', rule: { kind: 'nth', month: 10, weekday: 1, n: 2 } },
    { name: 'Veterans Day', rule: { kind: 'fixed', month: 11, day: 11 }, substitute: 'nearest-weekday' },
    { name: 'Thanksgiving Day', rule: { kind: 'nth', month: 11, weekday: 4, n: 4 } },
    { name: 'Christmas Day', rule: { kind: 'fixed', month: 12, day: 25 }, substitute: 'nearest-weekday' },
  ],
};
