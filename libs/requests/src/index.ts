/** The door of requests: the life of a request from receipt to certificate, what others may read of it, and the ports others fill. */
export * from './plan/decision.js';
export * from './step/outcome.js';
export * from './ports.js';
export * from './request.js';
export { foldRequest } from './request-evolve.js';
export * from './request-state.js';
export { HandOver, type LeftOver, type NewOwner } from './course/hand-over.js';
export { ReplayErasures, type ReplayedStep } from './step/replay-erasures.js';
export { ReplayKeys, type ReplayedKeys } from './step/replay-keys.js';
export { RequestsModule } from './requests.module.js';
export { RequestHoldWitnesses } from './step/hold-witnesses.js';
export { KeptGroups } from './step/kept-groups.projection.js';
export { Requests } from './requests.js';
export { requestsMigrations } from './requests.migrations.js';
export { certificateMigrations } from './certificate/certificate.migrations.js';
