/** The door of the kernel: ids, clock, errors, canonical JSON, how identifiers are spelt, work in turn. No Nest, no I/O. */
export * from './clock.js';
export * from './errors.js';
export * from './identifier.js';
export * from './ids.js';
export * from './in-turn.js';
export * from './json.js';
