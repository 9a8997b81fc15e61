/** The door of the plugin kit: the table-map engine that the SQL plugins share. The suite is at `./conformance`. */
export type { Cascade, Column, Dialect, Family, Rights, Session, SqlRow, SqlValue } from './dialect.js';
export { daysFrom } from './describe-tables.js';
export { sqlConnector, timeLeft, type SqlSystem } from './sql-connector.js';
export { parseTableMap, tableMapSchema, type MappedDataset, type TableMap } from './table-map.js';
