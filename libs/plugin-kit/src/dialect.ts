/** What a SQL plugin brings: how to talk to its database. Everything about persons and rows is in the engine. */
import type { Horizon, Json } from '@lethe/plugin-sdk';

export type SqlValue = null | boolean | number | string;
export type SqlRow = Record<string, Json>;

/** One transaction on one connection. */
export interface Session {
  /** Runs one statement with positional parameters and returns its rows (RETURNING included). */
  all(sql: string, parameters?: SqlValue[]): Promise<SqlRow[]>;
  /**
   * Commits what was done so far and goes on. Only for engines that cannot delete a parent and its children in one
   * transaction although the order is right (DuckDB's over-eager foreign keys).
   */
  step?(): Promise<void>;
}

/** How values of a column are compared; `other` is compared as text. */
export type Family = 'text' | 'integer' | 'uuid' | 'temporal' | 'other';

/** A column that is present in the connected system. */
export interface Column {
  name: string;
  /** The system's own words for the type. */
  type: string;
  family: Family;
}

/** What the account may do with a table. */
export interface Rights {
  select: boolean;
  update: boolean;
  delete: boolean;
}

/** A foreign key by which deleting a row of `to` would silently delete or change rows of `table`. */
export interface Cascade {
  table: string;
  column: string;
  toColumn: string;
}

/** The port between the table-map engine and a database. Errors thrown are `ConnectorError`s, free of values. */
export interface Dialect {
  /** Quotes one identifier. */
  quote(name: string): string;
  /** Placeholder of the n-th parameter, from 1. */
  parameter(position: number): string;
  /** Suffix that locks selected rows; empty where the engine has one writer only. */
  readonly lockRows: '' | ' FOR UPDATE';
  /** Runs `work` in one transaction; `read` cannot write. `writes` names the tables that will change. */
  transaction<T>(mode: 'read' | 'write', work: (session: Session) => Promise<T>, writes?: string[]): Promise<T>;
  /** Columns by table name as written in the table map; a missing table is absent. */
  columns(session: Session, tables: string[]): Promise<Map<string, Column[]>>;
  rights(session: Session, table: string): Promise<Rights>;
  /** Name of the account, for the officer. */
  account(session: Session): Promise<string>;
  cascades(session: Session, table: string): Promise<Cascade[]>;
  /** What the system itself keeps after an erasure (write-ahead log, freed blocks, audit triggers). */
  layers(session: Session, table: string, now: Date): Promise<Omit<Horizon, 'dataset'>[]>;
}
