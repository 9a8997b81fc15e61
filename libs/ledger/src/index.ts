/** The door of the ledger: append, read, subscribe, prove. */
export * from './store/append.js';
export { ArchiveFiles, openArchive } from './archive/archive-files.js';
export { auditLog, auditNewest, type AuditParts, type LogFault } from './log/audit-log.js';
export {
  ARCHIVE,
  archiveProjection,
  archiveSeal,
  pruneRedo,
  type ArchiveSource,
} from './archive/archive.projection.js';
export {
  ArchiveDamaged,
  archivedSize,
  replayTail,
  ROWS_MISSING,
  setAsideFrom,
  unseal,
  type ReplayedTail,
} from './archive/archive-tail.js';
export * from './log/checkpoint.js';
export { FileCheckpointLock, type CheckpointLock, type LockedHead } from './log/checkpoint-lock.js';
export { Database, type PoolName, type PoolUse, type Query, type Rows, type Statement } from './database/database.js';
export {
  declareEvents,
  EventTooLarge,
  isKnownEvent,
  knownEvents,
  leafText,
  parseLeaf,
  type NewEvent,
  type StoredEvent,
} from './event.js';
export { EventStore, type CommitListener } from './store/event-store.js';
export { flushFolder, missing, writeFlushed } from './flushed-file.js';
export type { Flushed } from './store/lane.js';
export { readOfType, stepsOfType, UnknownTenant, type KeptAnswer } from './ledger.queries.js';
export { ledgerMigrations } from './ledger.migrations.js';
export type { LogEntry, StoredCheckpoint } from './log/log.queries.js';
export {
  logKeysOf,
  openWithLogKeys,
  publicKeyId,
  readSigningKeys,
  signingKeyRow,
  type LogKey,
  type LogKeys,
  type SigningKey,
  type SigningUse,
} from './log/log-keys.js';
export { LogReader, type LogIdentity } from './log/log-reader.js';
export * from './log/merkle.js';
export * from './log/merkle-proof.js';
export type { SubtreeSource } from './log/merkle-range.js';
export { tenantTable, type Migration } from './database/migration.js';
export {
  beginEpoch,
  findRollback,
  logStream,
  rollbackEvents,
  type Rollback,
  type RollbackParts,
} from './log/rollback.js';
export { forgetAnswers, thinCheckpoints } from './prune.js';
export * from './log/signed-note.js';
export { pointsToOutage } from './database/connection-pool.js';
export { DatabaseUnavailable, type AvailabilityListener } from './database/server-watch.js';
export { Signer, type SignerParts, type SignerTrouble, type TellSigner } from './log/signer.js';
export { UnknownEvent, type Process, type Projection } from './subscription/subscription.js';
export { Subscriptions, type Trouble } from './subscription/subscriptions.js';
export * from './log/tile.js';
export { tilesProjection } from './log/tiles.projection.js';
export * from './log/tlog-proof.js';
