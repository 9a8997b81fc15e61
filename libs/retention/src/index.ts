/** The door of retention: policies and duties, holds, plans and runs. */
export { Holds, type CoveringHold } from './holds.js';
export { holdEvents, type HoldReleased, type HoldScope } from './hold.js';
export { RetentionRules, type DatasetDuty } from './retention-rules.js';
export { retentionMigrations } from './retention.migrations.js';
