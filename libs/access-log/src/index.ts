/** The door of the access log: who read what of whom, for which purpose, with a verdict. */
export { type AccessRecorded, type AccessVerdict, type LetheReadRecorded } from './access-entry.js';
export { AccessLogModule } from './access-log.module.js';
export { accessLogMigrations } from './access-log.migrations.js';
export { AccessSearch } from './search-accesses.js';
export { AccessVerdicts } from './verdicts.js';
