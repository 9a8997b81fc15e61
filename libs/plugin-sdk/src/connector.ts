/** What a plugin implements. Every method may be called again after a crash with the same arguments. */
import type {
  Action,
  DataRecord,
  Fail,
  Hit,
  Horizon,
  Item,
  Json,
  Located,
  Obeyed,
  Outcome,
  PersonToObey,
  RetentionRule,
  Target,
  Verification,
} from './records.js';

/** A column or property of a dataset. */
export interface DatasetField {
  name: string;
  /** Holds personal data. */
  personal: boolean;
  /** Identifier type the field carries, with the strength the table map gives it. */
  identifier?: { type: string; strength: 'identifying' | 'candidate' };
}

/** A reference from a field of this dataset to a field of another one in the same connection. */
export interface DatasetRef {
  field: string;
  to: { dataset: string; field: string };
  identifying: boolean;
}

/** A table, object type or collection in the connected system. */
export interface Dataset<D extends string = string> {
  name: D;
  title: string;
  /** Categories of personal data, for the article 15 information. */
  categories: string[];
  fields: DatasetField[];
  refs: DatasetRef[];
  /** May concern several people. */
  shared: boolean;
  /** The default action of the table map. */
  action: Action;
  /** Date field a retention duty counts from. */
  clockField?: string;
  /** Fields that go even when a duty keeps the record. */
  stripFields: string[];
  /** SHA-256 over the names and types actually present; a change blocks a plan until acknowledged. */
  schemaHash: string;
}

export interface Log {
  info(message: string, fields?: Record<string, Json>): void;
  warn(message: string, fields?: Record<string, Json>): void;
}

/** What a call receives beside its arguments. */
export interface Ctx<C> {
  config: C;
  /** Secrets of the connection by name; never in env, argv or on disk. */
  secrets: Readonly<Record<string, string>>;
  signal: AbortSignal;
  deadline: Date;
  /** The host's clock, so that tests state the time. */
  now(): Date;
  log: Log;
}

/**
 * `kept`: records of the same people that must stay as they are. They are never among the targets and get no outcome; a
 * system that can only erase several records together must refuse when one of these is among them.
 */
export type Op = { kind: 'erasure'; kept?: Target[] } | { kind: 'retention'; rule: RetentionRule };

export type Check = { ok: true; account: string; warnings?: string[] } | { ok: false; error: Fail; message: string };

/** One step of a migration: from a configuration of one format to the next one. Pure; it sees no secrets. */
export type MigrateConfig = (old: { [key: string]: Json }) => { [key: string]: Json };

/**
 * A connector. `check`, `datasets`, `locate`, `read`, `verify`, `horizon` and `scan` never write in the connected system.
 * Errors: throw `ConnectorError` for a whole call; report per record as an outcome of kind `failed`.
 */
export interface Connector<C = unknown, D extends string = string> {
  check(x: Ctx<C>): Promise<Check>;
  datasets(x: Ctx<C>): AsyncIterable<Dataset<D>>;
  locate(x: Ctx<C>, items: Item[]): AsyncIterable<Located<D>>;
  read(x: Ctx<C>, items: Item[], at: Located<D>[]): AsyncIterable<DataRecord<D>>;
  apply(x: Ctx<C>, op: Op, items: Item[], at: Target<D>[]): AsyncIterable<Outcome<D>>;
  /** By reference and by identifier; one `clean` per dataset and item, or a `residue` per record still there. */
  verify(x: Ctx<C>, items: Item[], at: Target<D>[]): AsyncIterable<Verification<D>>;
  horizon(x: Ctx<C>): AsyncIterable<Horizon<D>>;
  scan?(x: Ctx<C>, rule: RetentionRule<D>): AsyncIterable<Hit<D>>;
  poll?(x: Ctx<C>, handle: Json): AsyncIterable<Outcome<D>>;
  /** Brings consents, objections and restrictions into the system: one `Obeyed` per person. */
  obey?(x: Ctx<C>, people: PersonToObey[]): AsyncIterable<Obeyed>;
  /** `config[2]` makes a configuration of format 3 from one of format 2; an upgrade over several formats runs the chain. */
  migrate?: { config?: Record<number, MigrateConfig> };
}

/** Thrown by a connector when a whole call fails. `code` and `message` must be free of personal data and secrets. */
export class ConnectorError extends Error {
  constructor(
    readonly fail: Fail,
    message: string,
  ) {
    super(message);
    this.name = 'ConnectorError';
  }
}

/** Marks a connector for the runtime; a plugin's entry file exports the result as default. */
export function defineConnector<C, D extends string = string>(connector: Connector<C, D>): Connector<C, D> {
  return connector;
}
