/** The door of the client. */
export { createLetheClient, LetheProblem, type ClientOptions, type LetheClient } from './client.js';
export { may, type MayOptions } from './may.js';
export type { components, operations, paths } from './schema.js';
