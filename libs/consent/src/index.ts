/** The door of consent: purposes, notices, decisions and the check. */
export { auditConsents, missingConsents, type MissingConsents } from './audit-consents.js';
export { ConsentCheck, type ConsentAnswer } from './check-consent.js';
export { ConsentHistory } from './consent-history.js';
export { ConsentModule } from './consent.module.js';
export { consentMigrations } from './consent.migrations.js';
export { ConsentRecords, type PersonRecords } from './consent-records.js';
export {
  consentStream,
  standing,
  stateOf,
  verdictOf,
  type ConsentRecord,
  type ConsentState,
  type Decision,
  type Moment,
  type Verdict,
} from './consent.js';
export { legalBases, purposeStream, type Notice, type Purpose } from './purpose.js';
export { Purposes } from './purposes.js';
export { PurposeVerdicts } from './purpose-verdicts.js';
export { RecordConsent } from './record-consent.js';
export { RememberObjections } from './remember-objections.js';
export { StopPurposes, type StopCall } from './stop-purposes.js';
export { verdictUnder, type Promised } from './suppressed.js';
