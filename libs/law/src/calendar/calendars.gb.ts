/** Bank holidays of the United Kingdom by nation. Data only; for `GB` alone only those common to all nations roll. */
import type { CalendarData } from './holiday.js';

const ENGLAND_WALES_NI = ['GB-ENG', 'GB-WLS', 'GB-EAW', 'GB-NIR'] as const;

/** United Kingdom. */
export const CALENDAR_GB: CalendarData = {
  country: 'GB',
  source: 'Banking and Financial Dealings Act 1971 schedule 1 and proclamations; checked against date-holidays 3',
  confidence: 'S',
  subdivisions: ['GB-ENG', 'GB-WLS', 'GB-EAW', 'GB-SCT', 'GB-NIR'],
  rows: [
    { name: "New Year's Day", rule: { kind: 'fixed', month: 1, day: 1 }, substitute: 'next-free-weekday' },
    { name: '2 January', rule: { kind: 'fixed', month: 1, day: 2 }, in: ['GB-SCT'], substitute: 'next-free-weekday' },
    {
      name: "St Patrick's Day",
      rule: { kind: 'fixed', month: 3, day: 17 },
      in: ['GB-NIR'],
      substitute: 'next-free-weekday',
    },
    { name: 'Good Friday', rule: { kind: 'easter', offset: -2 } },
    { name: 'Easter Monday', rule: { kind: 'easter', offset: 1 }, in: ENGLAND_WALES_NI },
    { name: 'Early May bank holiday', rule: { kind: 'nth', month: 5, weekday: 1, n: 1 }, notIn: [2020] },
    { name: 'Early May bank holiday (VE day)', rule: { kind: 'once', on: '2020-05-08' } },
    { name: 'Spring bank holiday', rule: { kind: 'nth', month: 5, weekday: 1, n: -1 }, notIn: [2012, 2022] },
    { name: 'Spring bank holiday', rule: { kind: 'once', on: '2022-06-02' } },
    { name: 'Platinum Jubilee', rule: { kind: 'once', on: '2022-06-03' } },
    { name: 'State funeral of Queen Elizabeth II', rule: { kind: 'once', on: '2022-09-19' } },
    { name: 'Coronation of King Charles III', rule: { kind: 'once', on: '2023-05-08' } },
    {
      name: 'Battle of the Boyne',
      rule: { kind: 'fixed', month: 7, day: 12 },
      in: ['GB-NIR'],
      substitute: 'next-free-weekday',
    },
    { name: 'Summer bank holiday', rule: { kind: 'nth', month: 8, weekday: 1, n: 1 }, in: ['GB-SCT'] },
    { name: 'Summer bank holiday', rule: { kind: 'nth', month: 8, weekday: 1, n: -1 }, in: ENGLAND_WALES_NI },
    {
      name: "St Andrew's Day",
      rule: { kind: 'fixed', month: 11, day: 30 },
      in: ['GB-SCT'],
      substitute: 'next-free-weekday',
    },
    { name: 'Christmas Day', rule: { kind: 'fixed', month: 12, day: 25 }, substitute: 'next-free-weekday' },
    { name: 'Boxing Day', rule: { kind: 'fixed', month: 12, day: 26 }, substitute: 'next-free-weekday' },
  ],
};
