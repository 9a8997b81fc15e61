/** The door of the connectors: how plugins are installed, run and asked. */
export { oversteps } from './call/answer-rules.js';
export type { PluginLog, PluginLogLine } from './process/captured-log.js';
export { isEnough, isolationHere, type Isolation } from './process/isolation.js';
export { PluginFailure } from './plugin.errors.js';
export type { HostFailureCode } from './plugin.errors.js';
export { PluginHost } from './call/plugin-host.js';
export type { CallOptions, HostOptions } from './call/plugin-host.js';
export { inspectPlugin, installPlugin, verifyPlugin } from './package/plugin-package.js';
export type { InspectedPlugin, InstalledPlugin, PluginFile, PluginProblem } from './package/plugin-package.js';
export type { ConnectionName, RunningConnection } from './process/process-pool.js';
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
  type TakenBack,
  type SystemCallOptions,
} from './connection/connection-driver.js';
export { connectionChanged, connectionStream, recipientRoles, secretsPlace } from './connection/connection.js';
export { nameTaken } from './connection/create-connection.js';
export { ConnectorCalls, type EnabledConnection } from './connection/connector-calls.js';
export { Connections, type ConnectionRow } from './connection/connections.js';
export { OpenWork, type OpenRequest, type OpenWorkSource, type Takeover } from './connection/open-work.js';
export { ConnectorsModule } from './connectors.module.js';
export { connectorsMigrations } from './connectors.migrations.js';
export { SetConnectionStatus } from './connection/change-connection.js';
export { ListConnections } from './connection/list-connections.js';
export { QuarantineConnection } from './connection/quarantine-connection.js';
export { RemoveConnection } from './connection/remove-connection.js';
export { RemovePlugin } from './package/remove-plugin.js';
export { RollbackConnection } from './connection/switch-connection.js';
