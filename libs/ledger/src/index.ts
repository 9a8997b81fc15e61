/** The door of the ledger: append, read, subscribe, prove. */
export * from './append.js';
export { ArchiveFiles, openArchive } from './archive-files.js';
export { auditLog, auditNewest, type AuditParts, type LogFault } from './audit-log.js';
export { ARCHIVE, archiveProjection, pruneRedo, type ArchiveSource } from './archive.projection.js';
export { ArchiveDamaged, archivedSize, replayTail, unseal, type ReplayedTail } from './archive-tail.js';
export * from './checkpoint.js';
export { FileCheckpointLock, type CheckpointLock, type LockedHead } from './checkpoint-lock.js';
export { Database, type PoolName, type PoolUse, type Query, type Rows, type Statement } from './database.js';
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
export { EventStore, type CommitListener } from './event-store.js';
export type { Flushed } from './lane.js';
export { UnknownTenant, type KeptAnswer } from './ledger.queries.js';
export { ledgerMigrations } from './ledger.migrations.js';
export type { LogEntry, StoredCheckpoint } from './log.queries.js';
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
} from './log-keys.js';
export { LogReader, type LogIdentity } from './log-reader.js';
export * from './merkle.js';
export * from './merkle-proof.js';
export type { SubtreeSource } from './merkle-range.js';
export { tenantTable, type Migration } from './migration.js';
export { beginEpoch, findRollback, logStream, rollbackEvents, type Rollback, type RollbackParts } from './rollback.js';
export { forgetAnswers, thinCheckpoints } from './prune.js';
export * from './signed-note.js';
export { pointsToOutage } from './connection-pool.js';
export { DatabaseUnavailable, type AvailabilityListener } from './server-watch.js';
export { Signer, type SignerParts, type SignerTrouble, type TellSigner } from './signer.js';
export { UnknownEvent, type Process, type Projection } from './subscription.js';
export { Subscriptions, type Trouble } from './subscriptions.js';
export * from './tile.js';
export { tilesProjection } from './tiles.projection.js';
export * from './tlog-proof.js';
