/** The door of law: deadlines, calendars, retention duties and legal texts as data, and the pure functions over them. */
export * from './assert-extension.js';
export * from './breach-due.js';
export { CALENDARS, calendarFor, type Calendar } from './calendar/calendar.js';
export { isTerritory } from './calendar/countries.js';
export { addDays, addMonths } from './calendar/civil-date.js';
export * from './clocks.js';
export * from './calendar/date-in-zone.js';
export * from './deadline-row.js';
export { assertMayPause, assertRunsUnder, DEADLINE_ROWS, deadlineRow } from './deadline-rules.js';
export { DUTY_ROWS } from './rows/duties.rows.js';
export * from './duty.js';
export * from './duty-row.js';
export * from './explain-due.js';
export * from './legal-text.js';
export * from './legal-texts.js';
export { isEnabled, type LawOverrides } from './overrides.js';
export type { Pause } from './pauses.js';
export * from './regimes.js';
