/** The door of the plugin SDK: everything a connector author needs, and nothing of the server. */
export * from './connector.js';
export * from './manifest.js';
export * from './protocol.js';
export * from './records.js';
