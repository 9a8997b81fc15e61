/** The door of the access log. */
export { type AccessRecorded, type AccessVerdict, type LetheReadRecorded } from './access-entry.js';
export { AccessLogModule } from './access-log.module.js';
export { accessLogMigrations } from './access-log.migrations.js';
export { AccessSearch } from './search-accesses.js';
export { AccessVerdicts } from './verdicts.js';
