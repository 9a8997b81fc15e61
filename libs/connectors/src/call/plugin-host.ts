/** Runs the plugins of all connections: one process each, started on demand, and holds their answers to the contract. */
import type { Clock } from '#kernel';
import type {
  Check,
  DataRecord,
  Dataset,
  Hit,
  Horizon,
  Item,
  Json,
  Located,
  Op,
  Outcome,
  PluginArgs,
  PluginOp,
  RetentionRule,
  Target,
  Verification,
} from '@lethe/plugin-sdk';
import type { Asked, Break } from './answer-rules.js';
import { asked, mustBeAsked, OutcomeRules, ReadRules, VerifyRules } from './answer-rules.js';
import type { Isolation } from '../process/isolation.js';
import { CallPlaces } from './call-places.js';
import type { PluginAnswers } from './plugin-answers.js';
import { readAnswer } from './plugin-answers.js';
import type { HostFailureCode } from '../plugin.errors.js';
import { hostFailure } from '../plugin.errors.js';
import type { ConnectionName, PoolOptions, RunningConnection } from '../process/process-pool.js';
import { nameOf, ProcessPool } from '../process/process-pool.js';
import type { ConnectionPlugin } from '../process/standings.js';

/** What every call may state beside its arguments. */
export interface CallOptions {
  /** When the call must have ended; never later than the manifest's `callTimeoutS` from now. */
  deadline?: Date;
  signal?: AbortSignal;
  /** Revision of the connection that the caller's plan was made on; what serves now when absent. */
  configVersion?: number;
}

/** How a host is set up. */
export interface HostOptions extends PoolOptions {
  /** Calls that run at once in this process over all connections. Default 4. */
  concurrency?: number;
  /** Answers one call may give. Default 1,000,000. */
  mostAnswers?: number;
}

/**
 * The server's side of all plugins. Every call rejects with `PluginFailure`, whose `fail.class` says whether it may be
 * tried again; answers that came before a failure have been handed on, because their effects have happened.
 */
export class PluginHost {
  private readonly pool: ProcessPool;
  private readonly places: CallPlaces;
  private readonly mostAnswers: number;
  private readonly clock: Clock;

  constructor(options: HostOptions) {
    this.pool = new ProcessPool(options);
    this.clock = options.clock;
    this.places = new CallPlaces(options.clock, options.concurrency ?? 4);
    this.mostAnswers = options.mostAnswers ?? 1_000_000;
  }

  /** Answers of one operation, checked for their shape only; the named methods below also hold it to what was asked. */
  async *call<Operation extends PluginOp>(
    connection: RunningConnection,
    op: Operation,
    args: Json,
    options: CallOptions = {},
  ): AsyncGenerator<PluginAnswers[Operation], void, undefined> {
    const plugin = nameOf(connection);
    const deadline = this.deadline(connection, options.deadline);
    const free = await this.places.take(connection, deadline, options.signal);
    let given = 0;
    try {
      const process = await this.pool.process(connection);
      const call = process.call(op, args, deadline, options.signal);
      // The place is held until the plugin has really ended, even when the reader has gone away.
      void call.settled.then(free);
      try {
        for await (const value of call.answers()) {
          if (++given > this.mostAnswers) throw hostFailure('too-many-answers', plugin);
          yield readAnswer(op, value, plugin, (text) => process.redact(text));
        }
      } finally {
        call.stop(hostFailure('aborted', plugin));
        await call.settled;
      }
    } finally {
      free();
    }
  }

  /** Whether the connection works, and as whom. */
  async check(connection: RunningConnection, options?: CallOptions): Promise<Check> {
    for await (const answer of this.call(connection, 'check', {}, options)) return answer;
    throw hostFailure('no-answer', nameOf(connection));
  }

  /** What the connected system holds. */
  datasets(connection: RunningConnection, options?: CallOptions): AsyncGenerator<Dataset> {
    return this.call(connection, 'datasets', {}, options);
  }

  /** Records of the items in the datasets of the connection. */
  async *locate(connection: RunningConnection, items: Item[], options?: CallOptions): AsyncGenerator<Located> {
    const limits = await this.asked(connection, items, options);
    for await (const located of this.call(connection, 'locate', wire({ items }), options)) {
      mustBeAsked(located, limits, this.no(connection));
      yield located;
    }
  }

  /** The content of located records. */
  async *read(
    connection: RunningConnection,
    items: Item[],
    at: Located[],
    options?: CallOptions,
  ): AsyncGenerator<DataRecord> {
    const limits = await this.asked(connection, items, options);
    const rules = new ReadRules(at, this.no(connection));
    for await (const record of this.call(connection, 'read', wire({ items, at }), options)) {
      mustBeAsked(record, limits, this.no(connection));
      rules.take(record);
      yield record;
    }
  }

  /** Carries out an approved plan. A target without an outcome comes back as `failed` with `no-outcome`. */
  async *apply(
    connection: RunningConnection,
    op: Op,
    items: Item[],
    at: Target[],
    options?: CallOptions,
  ): AsyncGenerator<Outcome> {
    const limits = await this.asked(connection, items, options);
    yield* this.outcomes(connection, 'apply', wire({ op, items, at }), at, limits, options);
  }

  /** Asks how pending work stands. `at` are the targets that are still pending. */
  async *poll(
    connection: RunningConnection,
    handle: Json,
    at: Target[],
    options?: CallOptions,
  ): AsyncGenerator<Outcome> {
    const limits = { datasets: new Set(at.map((t) => t.dataset)), items: new Set(at.map((t) => t.itemKey)) };
    yield* this.outcomes(connection, 'poll', { handle }, at, limits, options);
  }

  /** Reads again after an erasure. Fails with `no-verification` when a dataset of the connection was left out. */
  async *verify(
    connection: RunningConnection,
    items: Item[],
    at: Target[],
    options?: CallOptions,
  ): AsyncGenerator<Verification> {
    const limits = await this.asked(connection, items, options);
    const rules = new VerifyRules(limits, this.no(connection));
    for await (const verification of this.call(connection, 'verify', wire({ items, at }), options)) {
      mustBeAsked(verification, limits, this.no(connection));
      rules.take(verification);
      yield verification;
    }
    rules.finish();
  }

  /** Until when copies may outlive an erasure. */
  async *horizon(connection: RunningConnection, options?: CallOptions): AsyncGenerator<Horizon> {
    const { datasets } = await this.asked(connection, [], options);
    for await (const horizon of this.call(connection, 'horizon', {}, options)) {
      if (!datasets.has(horizon.dataset)) this.no(connection)('foreign-dataset');
      yield horizon;
    }
  }

  /** Records whose retention period has passed. */
  async *scan(connection: RunningConnection, rule: RetentionRule, options?: CallOptions): AsyncGenerator<Hit> {
    for await (const hit of this.call(connection, 'scan', wire({ rule }), options)) {
      if (hit.dataset !== rule.dataset) this.no(connection)('foreign-dataset');
      yield hit;
    }
  }

  /** A configuration of an older format in that of this plugin. It runs without configuration and secrets, and ends. */
  async migrate(
    connection: RunningConnection,
    args: PluginArgs['migrate'],
    options?: CallOptions,
  ): Promise<{ [key: string]: Json }> {
    const bare = { ...connection, config: null, secrets: {}, configVersion: 0 };
    try {
      for await (const { config } of this.call(bare, 'migrate', args, options)) return config;
      throw hostFailure('no-answer', nameOf(connection));
    } finally {
      void this.pool.retire(bare);
    }
  }

  /** The level this connection's plugin reaches on this machine, without starting it. */
  isolation(connection: Pick<RunningConnection, 'plugin'>): Promise<Isolation> {
    return this.pool.isolation(connection);
  }

  /** Why the connection cannot be called at present; undefined when it can. */
  blocked(connection: ConnectionPlugin): 'connection-disabled' | 'plugin-quarantined' | undefined {
    return this.pool.blocked(connection);
  }

  /** No new calls; running ones finish, then the process ends. */
  disable(connection: ConnectionName): Promise<void> {
    return this.pool.disable(connection);
  }

  /** Allows calls again. */
  enable(connection: ConnectionName): void {
    this.pool.enable(connection);
  }

  /** Gives a quarantined connection a fresh budget. */
  clearQuarantine(connection: ConnectionPlugin): void {
    this.pool.clearQuarantine(connection);
  }

  /** Ends the connection's processes but those of the revision `keep`; running calls finish first. */
  retireOthers(connection: ConnectionName, keep?: number): Promise<void> {
    return this.pool.retireOthers(connection, keep);
  }

  /** Ends every process of the connection now; running calls are told to stop. */
  end(connection: ConnectionName): Promise<void> {
    return this.pool.stopAll(connection);
  }

  /** Ends the process of one revision; running calls finish first. */
  retire(connection: RunningConnection): Promise<void> {
    return this.pool.retire(connection);
  }

  /** Removes the copies of a plugin's files that were made to start it. */
  forget(contentHash: string): Promise<void> {
    return this.pool.forget(contentHash);
  }

  /** Refuses new calls, lets running ones finish for `drainMs`, aborts the rest and ends every process. */
  close(drainMs = 10_000): Promise<void> {
    return this.pool.close(drainMs);
  }

  private async *outcomes(
    connection: RunningConnection,
    op: 'apply' | 'poll',
    args: Json,
    at: Target[],
    limits: Asked,
    options?: CallOptions,
  ): AsyncGenerator<Outcome> {
    const no = this.no(connection);
    const rules = new OutcomeRules(at, no, connection.plugin.manifest.id);
    for await (const outcome of this.call(connection, op, args, options)) {
      mustBeAsked(outcome, limits, no);
      yield* rules.take(outcome);
    }
    yield* rules.missing();
  }

  /** The connection's approved datasets; asked from the plugin once when the caller names none. */
  private async asked(connection: RunningConnection, items: Item[], options?: CallOptions): Promise<Asked> {
    if (connection.datasets) return asked(connection.datasets, items);
    const known = this.pool.memory(connection);
    if (!known.datasets) {
      const names: string[] = [];
      for await (const { name } of this.datasets(connection, options)) names.push(name);
      known.datasets = names;
    }
    return asked(known.datasets, items);
  }

  private no(connection: RunningConnection): Break {
    return (code: HostFailureCode) => {
      throw hostFailure(code, nameOf(connection));
    };
  }

  private deadline(connection: RunningConnection, wanted: Date | undefined): Date {
    const latest = this.clock.now().getTime() + connection.plugin.manifest.limits.callTimeoutS * 1000;
    return new Date(Math.min(latest, wanted?.getTime() ?? latest));
  }
}

/** Arguments as they travel: members that are `undefined` are left out when the frame is written. */
function wire(args: object): Json {
  return args as Json;
}
