/** The door of subjects: people, their identifiers, their keys, and what must not come back. */
export {
  NORMALISER_VERSION,
  normaliseAll,
  type Identifier,
  type NormalIdentifier,
  type Strength,
} from './identifier.js';
export { IdentifierLookup, type Holder, type Lookup } from './identifier-lookup.js';
export { KeyStore, KEY_CACHE_MS, keyClasses, type FoundKey, type ShreddedKey } from './keystore.js';
export { keystoreMigrations } from './keystore.migrations.js';
export type { KeyClass } from './keystore.queries.js';
export { isSealed, Sealer, type Opened, type Sealed } from './sealer.js';
export {
  subjectEvents,
  subjectStream,
  type IdentifierAdded,
  type ProofMethod,
  type RestrictionGround,
} from './subject.js';
export * from './subjects.errors.js';
export { subjectsMigrations } from './subjects.migrations.js';
export { Subjects, type PreparedSubject, type RecordOptions, type Resolved } from './subjects.js';
