/** The door of the platform: configuration, authentication, permissions, audit, problems, keys, logging. */
export * from './abilities.js';
export * from './answers.js';
export * from './audited.js';
export * from './authenticate.js';
export * from './caller.js';
export * from './can.js';
export * from './config.js';
export * from './idempotency.js';
export { parseJsonBody } from './json-body.js';
export * from './key-provider.js';
export { FileKeys } from './file-keys.js';
export * from './log.js';
export * from './migrate.js';
export * from './platform.module.js';
export * from './problem-details.js';
export * from './provision.js';
export { RateLimits } from './rate-limits.js';
export * from './validation.js';
