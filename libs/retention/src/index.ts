/** The door of retention: policies and duties, holds, plans and runs. */
export { Holds, type CoveringHold } from './hold/holds.js';
export { holdEvents, type HoldReleased, type HoldScope } from './hold/hold.js';
export { RetentionRules, type DatasetDuty } from './retention-rules.js';
export { HoldWitnesses } from './hold/release-hold.js';
export { retentionMigrations } from './retention.migrations.js';
export { RetentionModule } from './retention.module.js';
export {
  failureOf,
  RetentionSystems,
  type DueRecord,
  type PersonAsked,
  type PersonRecord,
  type RetentionAction,
  type RetentionCallOptions,
  type RetentionDataset,
  type RetentionRule,
  type RetentionSystem,
  type RetentionTarget,
  type TargetOutcome,
  type TargetVerification,
} from './retention-systems.js';
