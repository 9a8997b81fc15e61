/** Public holidays of Germany and its Länder. Data only; holidays of single communities are left out (earlier date). */
import type { CalendarData } from './holiday.js';

const PROTESTANT_NORTH = ['DE-HB', 'DE-HH', 'DE-NI', 'DE-SH'] as const;
const EAST = ['DE-BB', 'DE-MV', 'DE-SN', 'DE-ST', 'DE-TH'] as const;

/** Germany. */
export const CALENDAR_DE: CalendarData = {
  country: 'DE',
  source: 'Einigungsvertrag art. 2(2); Feiertagsgesetze of the sixteen Länder; checked against date-holidays 3',
  confidence: 'S',
  subdivisions: [
    ...['DE-BB', 'DE-BE', 'DE-BW', 'DE-BY', 'DE-HB', 'DE-HE', 'DE-HH', 'DE-MV'],
    ...['DE-NI', 'DE-NW', 'DE-RP', 'DE-SH', 'DE-SL', 'DE-SN', 'DE-ST', 'DE-TH'],
  ],
  rows: [
    { name: 'Neujahr', rule: { kind: 'fixed', month: 1, day: 1 } },
    { name: 'Karfreitag', rule: { kind: 'easter', offset: -2 } },
    { name: 'Ostermontag', rule: { kind: 'easter', offset: 1 } },
    { name: 'Tag der Arbeit', rule: { kind: 'fixed', month: 5, day: 1 } },
    { name: 'Christi Himmelfahrt', rule: { kind: 'easter', offset: 39 } },
    { name: 'Pfingstmontag', rule: { kind: 'easter', offset: 50 } },
    { name: 'Tag der Deutschen Einheit', rule: { kind: 'fixed', month: 10, day: 3 } },
    { name: 'Erster Weihnachtstag', rule: { kind: 'fixed', month: 12, day: 25 } },
    { name: 'Zweiter Weihnachtstag', rule: { kind: 'fixed', month: 12, day: 26 } },
    { name: 'Heilige Drei Könige', rule: { kind: 'fixed', month: 1, day: 6 }, in: ['DE-BW', 'DE-BY', 'DE-ST'] },
    { name: 'Frauentag', rule: { kind: 'fixed', month: 3, day: 8 }, in: ['DE-BE'], since: 2019 },
    { name: 'Frauentag', rule: { kind: 'fixed', month: 3, day: 8 }, in: ['DE-MV'], since: 2023 },
    { name: '75 Jahre Befreiung', rule: { kind: 'once', on: '2020-05-08' }, in: ['DE-BE'] },
    { name: '80 Jahre Befreiung', rule: { kind: 'once', on: '2025-05-08' }, in: ['DE-BE'] },
    {
      name: 'Fronleichnam',
      rule: { kind: 'easter', offset: 60 },
      in: ['DE-BW', 'DE-BY', 'DE-HE', 'DE-NW', 'DE-RP', 'DE-SL'],
    },
    { name: 'Mariä Himmelfahrt', rule: { kind: 'fixed', month: 8, day: 15 }, in: ['DE-SL'] },
    { name: 'Weltkindertag', rule: { kind: 'fixed', month: 9, day: 20 }, in: ['DE-TH'], since: 2019 },
    { name: 'Reformationstag', rule: { kind: 'fixed', month: 10, day: 31 }, in: EAST },
    { name: 'Reformationstag', rule: { kind: 'fixed', month: 10, day: 31 }, in: PROTESTANT_NORTH, since: 2018 },
    {
      name: 'Allerheiligen',
      rule: { kind: 'fixed', month: 11, day: 1 },
      in: ['DE-BW', 'DE-BY', 'DE-NW', 'DE-RP', 'DE-SL'],
    },
    // The Wednesday before 23 November.
    { name: 'Buß- und Bettag', rule: { kind: 'before', month: 11, day: 23, weekday: 3 }, in: ['DE-SN'] },
  ],
};
