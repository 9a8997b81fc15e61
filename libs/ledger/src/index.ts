/** The door of the ledger: append, read, subscribe, prove. */
export * from './append.js';
export { Database, type Query, type Rows, type Statement } from './database.js';
export { declareEvents, isKnownEvent, leafText, parseLeaf, type NewEvent, type StoredEvent } from './event.js';
export { EventStore, type CommitListener } from './event-store.js';
export { UnknownTenant, type KeptAnswer } from './ledger.queries.js';
export { ledgerMigrations } from './ledger.migrations.js';
export { tenantTable, type Migration } from './migration.js';
export { Subscriptions, UnknownEvent, type Process, type Projection, type Trouble } from './subscriptions.js';
export * from './merkle.js';
