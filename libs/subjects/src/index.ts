/** The door of subjects: people, their identifiers, their keys, and what must not come back. */
export {
  NORMALISER_VERSION,
  normaliseAll,
  type Identifier,
  type NormalIdentifier,
  type Strength,
} from './identifier.js';
export { IdentifierLookup, type Holder, type Lookup } from './identifier-lookup.js';
export { KeyStore, KEY_CACHE_MS, keyClasses, type FoundKey, type ShreddedKey } from './keys/keystore.js';
export { keystoreMigrations } from './keys/keystore.migrations.js';
export type { KeyClass, KeyName } from './keys/keystore.queries.js';
export { isSealed, Sealer, type Opened, type Sealed } from './keys/sealer.js';
export {
  matchesColumn,
  stillMeant,
  subjectEvents,
  subjectStream,
  type IdentifierAdded,
  type ProofMethod,
  type RestrictionGround,
} from './subject.js';
export * from './subjects.errors.js';
export { subjectsMigrations } from './subjects.migrations.js';
export { Subjects, type PreparedSubject, type RecordOptions, type Resolved } from './subjects.js';
export { AddIdentifier, AddIdentifierHandler } from './add-identifier.js';
export { EraseIdentity, EraseIdentityHandler, type ErasedIdentity } from './erase-identity.js';
export { LinkSubjects, LinkSubjectsHandler } from './link-subjects.js';
export { People, type KnownIdentifier, type Person, type Restriction } from './people.js';
export {
  LiftRestriction,
  LiftRestrictionHandler,
  RestrictSubject,
  RestrictSubjectHandler,
} from './restrict-subject.js';
export { CertificateKeys, type CertificateKeySignature, type CertificateKeyValidity } from './keys/certificate-keys.js';
export { keyEvents, KeyRotation, keysStream, type RotationParts } from './keys/key-rotation.js';
export { endYearKeys } from './keys/year-keys.js';
export { forgetNotices } from './keys/replicas.js';
export { lookupKeyState, rekeyLookups, type LookupKeyState, type Rekeyed } from './keys/rekey-lookups.js';
export { epochHorizon, rotateEpoch, type EpochHorizon, type Rotation, type RotationStep } from './keys/rotate-epoch.js';
export {
  auditSuppressions,
  bringBackSuppressions,
  neverSealed,
  sealSuppressions,
  type SuppressionFault,
} from './suppression/suppression-seal.js';
export {
  OWN_CONNECTION,
  Suppressions,
  type NewSuppression,
  type SuppressionMark,
  type SuppressionQuestion,
  type SuppressionScope,
} from './suppression/suppressions.js';
export { SuppressionKeeping, type KeepsRecords } from './suppression/suppressions-check.js';
export { UnlinkSubjects, UnlinkSubjectsHandler } from './unlink-subjects.js';
export { VerifyIdentifier, VerifyIdentifierHandler } from './verify-identifier.js';
export { SubjectsModule } from './subjects.module.js';
