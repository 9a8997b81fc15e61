/** The door of the connectors: how plugins are installed, run and asked. */
export { oversteps } from './answer-rules.js';
export type { PluginLog, PluginLogLine } from './captured-log.js';
export { isEnough, isolationHere, type Isolation } from './isolation.js';
export { PluginFailure } from './plugin.errors.js';
export type { HostFailureCode } from './plugin.errors.js';
export { PluginHost } from './plugin-host.js';
export type { CallOptions, HostOptions } from './plugin-host.js';
export { inspectPlugin, installPlugin, verifyPlugin } from './plugin-package.js';
export type { InspectedPlugin, InstalledPlugin, PluginFile, PluginProblem } from './plugin-package.js';
export type { ConnectionName, RunningConnection } from './process-pool.js';
/** Domains above speak of connected systems in the SDK's words without importing the SDK. */
export type {
  Action,
  Check,
  DataRecord,
  Dataset,
  Fail,
  Hit,
  Horizon,
  Identifier,
  Item,
  Located,
  Obeyed,
  Op,
  Outcome,
  PersonToObey,
  PluginManifest,
  RetentionRule,
  Target,
  Verification,
  VerifiedId,
} from '@lethe/plugin-sdk';
export {
  AnswerLater,
  DECLARED_REF,
  type CallAbout,
  type ConnectionDriver,
  type SystemCallOptions,
} from './connection-driver.js';
export { connectionStream, recipientRoles, secretsPlace } from './connection.js';
export { nameTaken } from './create-connection.js';
export { ConnectorCalls, type EnabledConnection } from './connector-calls.js';
export { Connections, type ConnectionRow } from './connections.js';
export { OpenWork, type OpenRequest, type OpenWorkSource, type Takeover } from './open-work.js';
export { ConnectorsModule } from './connectors.module.js';
export { connectorsMigrations } from './connectors.migrations.js';
export { SetConnectionStatus } from './change-connection.js';
export { ListConnections } from './list-connections.js';
export { QuarantineConnection } from './quarantine-connection.js';
export { RemoveConnection } from './remove-connection.js';
export { RemovePlugin } from './remove-plugin.js';
export { RollbackConnection } from './switch-connection.js';
