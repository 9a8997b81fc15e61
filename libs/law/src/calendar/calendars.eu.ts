/** Public holidays of France, Austria, the Netherlands, Ireland and Spain. Data only. */
import type { CalendarData } from './holiday.js';

/** France: Code du travail L3133-1; Alsace and Moselle L3134-13 (Good Friday depends on the commune: left out). */
export const CALENDAR_FR: CalendarData = {
  country: 'FR',
  source: 'Code du travail L3133-1, L3134-13; checked against date-holidays 3',
  confidence: 'S',
  subdivisions: ['FR-57', 'FR-67', 'FR-68', 'FR-6AE'],
  rows: [
    { name: "Jour de l'an", rule: { kind: 'fixed', month: 1, day: 1 } },
    { name: 'Lundi de Pâques', rule: { kind: 'easter', offset: 1 } },
    { name: 'Fête du Travail', rule: { kind: 'fixed', month: 5, day: 1 } },
    { name: 'Victoire 1945', rule: { kind: 'fixed', month: 5, day: 8 } },
    { name: 'Ascension', rule: { kind: 'easter', offset: 39 } },
    { name: 'Lundi de Pentecôte', rule: { kind: 'easter', offset: 50 } },
    { name: 'Fête nationale', rule: { kind: 'fixed', month: 7, day: 14 } },
    { name: 'Assomption', rule: { kind: 'fixed', month: 8, day: 15 } },
    { name: 'Toussaint', rule: { kind: 'fixed', month: 11, day: 1 } },
    { name: 'Armistice 1918', rule: { kind: 'fixed', month: 11, day: 11 } },
    { name: 'Noël', rule: { kind: 'fixed', month: 12, day: 25 } },
    { name: 'Saint-Étienne', rule: { kind: 'fixed', month: 12, day: 26 }, in: ['FR-57', 'FR-67', 'FR-68', 'FR-6AE'] },
  ],
};

/** Austria. */
export const CALENDAR_AT: CalendarData = {
  country: 'AT',
  source: 'Feiertagsruhegesetz § 1(2); checked against date-holidays 3',
  confidence: 'S',
  subdivisions: [],
  rows: [
    { name: 'Neujahr', rule: { kind: 'fixed', month: 1, day: 1 } },
    { name: 'Heilige Drei Könige', rule: { kind: 'fixed', month: 1, day: 6 } },
    { name: 'Ostermontag', rule: { kind: 'easter', offset: 1 } },
    { name: 'Staatsfeiertag', rule: { kind: 'fixed', month: 5, day: 1 } },
    { name: 'Christi Himmelfahrt', rule: { kind: 'easter', offset: 39 } },
    { name: 'Pfingstmontag', rule: { kind: 'easter', offset: 50 } },
    { name: 'Fronleichnam', rule: { kind: 'easter', offset: 60 } },
    { name: 'Mariä Himmelfahrt', rule: { kind: 'fixed', month: 8, day: 15 } },
    { name: 'Nationalfeiertag', rule: { kind: 'fixed', month: 10, day: 26 } },
    { name: 'Allerheiligen', rule: { kind: 'fixed', month: 11, day: 1 } },
    { name: 'Mariä Empfängnis', rule: { kind: 'fixed', month: 12, day: 8 } },
    { name: 'Christtag', rule: { kind: 'fixed', month: 12, day: 25 } },
    { name: 'Stefanitag', rule: { kind: 'fixed', month: 12, day: 26 } },
  ],
};

/** Netherlands. Article 3(2) treats Good Friday as a holiday for periods. */
export const CALENDAR_NL: CalendarData = {
  country: 'NL',
  source: 'Algemene termijnenwet article 3; checked against date-holidays 3',
  confidence: 'S',
  subdivisions: [],
  rows: [
    { name: 'Nieuwjaarsdag', rule: { kind: 'fixed', month: 1, day: 1 } },
    { name: 'Goede Vrijdag', rule: { kind: 'easter', offset: -2 } },
    { name: 'Tweede paasdag', rule: { kind: 'easter', offset: 1 } },
    { name: 'Koningsdag', rule: { kind: 'fixed', month: 4, day: 27 } },
    { name: 'Bevrijdingsdag', rule: { kind: 'fixed', month: 5, day: 5 } },
    { name: 'Hemelvaartsdag', rule: { kind: 'easter', offset: 39 } },
    { name: 'Tweede pinksterdag', rule: { kind: 'easter', offset: 50 } },
    { name: 'Eerste kerstdag', rule: { kind: 'fixed', month: 12, day: 25 } },
    { name: 'Tweede kerstdag', rule: { kind: 'fixed', month: 12, day: 26 } },
  ],
};

/** Ireland. St Brigid's Day is 1 February when that is a Friday, otherwise the first Monday. */
export const CALENDAR_IE: CalendarData = {
  country: 'IE',
  source: 'Organisation of Working Time Act 1997 schedule 2; checked against date-holidays 3',
  confidence: 'S',
  subdivisions: [],
  rows: [
    { name: "New Year's Day", rule: { kind: 'fixed', month: 1, day: 1 } },
    { name: "St Brigid's Day", rule: { kind: 'fixed', month: 2, day: 1 }, since: 2023, ifWeekday: 5 },
    { name: "St Brigid's Day", rule: { kind: 'nth', month: 2, weekday: 1, n: 1, unlessDay: 4 }, since: 2023 },
    { name: "St Patrick's Day", rule: { kind: 'fixed', month: 3, day: 17 } },
    { name: 'Day of remembrance', rule: { kind: 'once', on: '2022-03-18' } },
    { name: 'Easter Monday', rule: { kind: 'easter', offset: 1 } },
    { name: 'May Day', rule: { kind: 'nth', month: 5, weekday: 1, n: 1 } },
    { name: 'June holiday', rule: { kind: 'nth', month: 6, weekday: 1, n: 1 } },
    { name: 'August holiday', rule: { kind: 'nth', month: 8, weekday: 1, n: 1 } },
    { name: 'October holiday', rule: { kind: 'nth', month: 10, weekday: 1, n: -1 } },
    { name: 'Christmas Day', rule: { kind: 'fixed', month: 12, day: 25 } },
    { name: "St Stephen's Day", rule: { kind: 'fixed', month: 12, day: 26 } },
  ],
};

/** Spain: only the national holidays that no region may replace; regional ones are left out (earlier date). */
export const CALENDAR_ES: CalendarData = {
  country: 'ES',
  source: 'Real Decreto 2001/1983 article 45.1 (a) to (c); checked against date-holidays 3',
  confidence: 'S',
  subdivisions: [],
  rows: [
    { name: 'Año Nuevo', rule: { kind: 'fixed', month: 1, day: 1 } },
    { name: 'Viernes Santo', rule: { kind: 'easter', offset: -2 } },
    { name: 'Fiesta del Trabajo', rule: { kind: 'fixed', month: 5, day: 1 } },
    { name: 'Asunción', rule: { kind: 'fixed', month: 8, day: 15 } },
    { name: 'Fiesta Nacional', rule: { kind: 'fixed', month: 10, day: 12 } },
    { name: 'Todos los Santos', rule: { kind: 'fixed', month: 11, day: 1 } },
    { name: 'Día de la Constitución', rule: { kind: 'fixed', month: 12, day: 6 } },
    { name: 'Inmaculada Concepción', rule: { kind: 'fixed', month: 12, day: 8 } },
    { name: 'Navidad', rule: { kind: 'fixed', month: 12, day: 25 } },
  ],
};
