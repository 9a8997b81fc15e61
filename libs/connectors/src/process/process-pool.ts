/** Which processes run: at most one a connection, replaced when its plugin, configuration or secrets change. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#kernel';
import type { PluginLog } from './captured-log.js';
import type { Isolation, IsolationLevel } from './isolation.js';
import { isEnough, planLaunch, PLUGIN_USERS } from './isolation.js';
import { hostFailure, isPlugins, PluginFailure } from '../plugin.errors.js';
import { PluginProcess } from './plugin-process.js';
import type { ProcessOwner, ProcessStart, ProcessTimes } from './process-start.js';
import { RuntimeFolder, shippedRunner } from './runtime-folder.js';
import { Spawner, spawnerBeside } from './spawner.js';
import { keyOf, Standings, type ConnectionName, type ConnectionPlugin } from './standings.js';

/** A configured, credentialled instance of a plugin, as the caller keeps it. `id` is unique within its tenant. */
export interface RunningConnection extends ProcessOwner {
  /** Names of the datasets that answers may speak of: the approved table map. Asked from the plugin when absent. */
  datasets?: string[];
  /** Revision of the configuration. Processes of two revisions live beside each other: open work ends on its own. */
  configVersion?: number;
  /** Set aside by any replica. */
  quarantined?: boolean;
  /** Asked although the connection is switched off: a check, before it serves. */
  trial?: boolean;
}

/** How the processes are run. */
export interface PoolOptions {
  clock: Clock;
  /** Receives the redacted lines plugins write. */
  log?: PluginLog;
  /** Path of the SDK's runner, in a folder with what it imports and the spawner; the shipped one by default. */
  runner?: string;
  /** A process without a call for this long is stopped. Default 60,000 ms. */
  idleMs?: number;
  /** A plugin that reaches less is refused with `isolation-too-weak`. Default `process`. */
  minIsolation?: IsolationLevel;
  /** Default: hello within 10 s, 5 s grace after an abort. */
  times?: Partial<ProcessTimes>;
  /** Told of every unplanned end, with what the budget of this process makes of it. */
  onFailure?: (owner: ProcessOwner, failure: PluginFailure, quarantined: boolean) => void;
  /** Told when the process that starts plugins has ended, and they with it; the next start brings another one. */
  onSpawnerLost?: (how: string) => void;
}

/** What is remembered of a connection as long as its plugin, configuration and secrets stay the same. */
export interface ConnectionMemory {
  datasets?: string[];
}

export type { ConnectionName } from './standings.js';

interface Entry {
  fingerprint: string;
  memory: ConnectionMemory;
  process: Promise<PluginProcess> | undefined;
  idle: NodeJS.Timeout | undefined;
}

/** `<id>@<version>` of a connection's plugin. */
export function nameOf({ plugin }: RunningConnection): string {
  return `${plugin.id}@${plugin.version}`;
}

/** Starts, shares, replaces and ends processes. Tenants and connections never share one. */
export class ProcessPool {
  private readonly entries = new Map<string, Entry>();
  private readonly standings: Standings;
  private readonly alive = new Set<PluginProcess>();
  private readonly users = new Set<number>();
  private readonly folder: RuntimeFolder;
  private readonly spawner: Spawner;
  private closed = false;

  constructor(private readonly options: PoolOptions) {
    this.standings = new Standings(options.clock);
    const runner = () => options.runner ?? shippedRunner();
    this.folder = new RuntimeFolder(runner);
    this.spawner = new Spawner(() => spawnerBeside(runner()), options.onSpawnerLost);
  }

  key(connection: ConnectionName & { configVersion?: number }): string {
    const { configVersion } = connection;
    return configVersion === undefined ? keyOf(connection) : keyOf(connection, configVersion);
  }

  /** A process that can take a call now. Rejects with `PluginFailure`. */
  async process(connection: RunningConnection): Promise<PluginProcess> {
    for (;;) {
      if (this.closed) throw hostFailure('host-closed', nameOf(connection));
      const blocked = connection.quarantined ? 'plugin-quarantined' : this.standings.blocked(connection);
      if (blocked) throw hostFailure(blocked, nameOf(connection));
      const entry = this.entry(connection);
      clearTimeout(entry.idle);
      entry.process ??= this.start(connection, entry);
      const started = entry.process;
      const process = await started;
      if (process.usable) return process;
      // It is stopping or dying: whoever comes first takes it out, and all come round again.
      if (entry.process === started) entry.process = undefined;
    }
  }

  memory(connection: RunningConnection): ConnectionMemory {
    return this.entry(connection).memory;
  }

  blocked(connection: ConnectionPlugin): 'connection-disabled' | 'plugin-quarantined' | undefined {
    return this.standings.blocked(connection);
  }

  async isolation({ plugin }: Pick<RunningConnection, 'plugin'>): Promise<Isolation> {
    return (await planLaunch(plugin.manifest, PLUGIN_USERS.first, [])).isolation;
  }

  async disable(connection: ConnectionName): Promise<void> {
    this.standings.disable(connection);
    await this.retireOthers(connection);
  }

  enable(connection: ConnectionName): void {
    this.standings.enable(connection);
  }

  clearQuarantine(connection: ConnectionPlugin): void {
    this.standings.budget(connection).clear();
  }

  /** Ends the connection's processes but those of `keep`; running calls finish first. */
  async retireOthers(connection: ConnectionName, keep?: number): Promise<void> {
    const own = this.key(connection).slice(0, -1);
    const kept = keep === undefined ? undefined : this.key({ ...connection, configVersion: keep });
    const ends = [...this.entries].filter(([key]) => key.startsWith(own) && key !== kept);
    await Promise.all(ends.map(([key, entry]) => this.drop(key, entry)));
  }

  /** Ends every process of the connection now: running calls are told to stop. New ones start again. */
  async stopAll(connection: ConnectionName): Promise<void> {
    const own = this.key(connection).slice(0, -1);
    for (const [key, entry] of this.entries)
      if (key.startsWith(own)) void entry.process?.then((running) => running.abortCalls()).catch(() => undefined);
    await this.retireOthers(connection);
  }

  /** Ends the process of one revision; running calls finish first. */
  async retire(connection: RunningConnection): Promise<void> {
    const key = this.key(connection);
    const entry = this.entries.get(key);
    if (entry) await this.drop(key, entry);
  }

  /** Removes the copy of a plugin that nobody runs any more. */
  forget(contentHash: string): Promise<void> {
    return this.folder.forget(contentHash);
  }

  async close(drainMs: number): Promise<void> {
    this.closed = true;
    const entries = [...this.entries.values()];
    for (const entry of entries) clearTimeout(entry.idle);
    await Promise.allSettled(entries.map((entry) => entry.process ?? Promise.resolve()));
    const ends = Promise.all([...this.alive].map((process) => process.stop()));
    const late = setTimeout(() => {
      for (const process of this.alive) process.abortCalls();
    }, drainMs);
    await ends;
    clearTimeout(late);
    await this.spawner.close();
    await this.folder.remove();
  }

  private entry(connection: RunningConnection): Entry {
    const key = this.key(connection);
    const fingerprint = fingerprintOf(connection);
    const known = this.entries.get(key);
    if (known?.fingerprint === fingerprint) return known;
    // Calls that run finish on the old version, configuration and secrets; new calls get the new ones.
    if (known) void this.end(known);
    const entry: Entry = { fingerprint, memory: {}, process: undefined, idle: undefined };
    this.entries.set(key, entry);
    return entry;
  }

  private async drop(key: string, entry: Entry): Promise<void> {
    if (this.entries.get(key) === entry) this.entries.delete(key);
    await this.end(entry);
  }

  private async end(entry: Entry): Promise<void> {
    clearTimeout(entry.idle);
    const running = entry.process;
    entry.process = undefined;
    await (await running?.catch(() => undefined))?.stop();
  }

  private async retireIdle(entry: Entry): Promise<void> {
    const running = await entry.process?.catch(() => undefined);
    if (running?.running !== 0) return;
    const known = [...this.entries].find(([, one]) => one === entry);
    // A connection that nobody asks leaves nothing behind; what it declared is asked again.
    if (known) await this.drop(known[0], entry);
    else await this.end(entry);
  }

  private async start(owner: RunningConnection, entry: Entry): Promise<PluginProcess> {
    const user = this.freeUser();
    try {
      await sleep(this.standings.budget(owner).pauseMs);
      await this.mustBeApart(owner);
      const point = await this.folder.prepare(owner.plugin);
      const launch = await planLaunch(owner.plugin.manifest, user, [
        join(dirname(point.runner), '*'),
        join(point.plugin, '*'),
      ]);
      const process = await this.launch(entry, { owner, point, launch });
      void process.ended.then((failure) => {
        this.users.delete(user);
        this.alive.delete(process);
        if (failure) this.failed(owner, failure);
      });
      this.alive.add(process);
      return process;
    } catch (error) {
      this.users.delete(user);
      entry.process = undefined;
      throw error;
    }
  }

  private async launch(entry: Entry, begin: Pick<ProcessStart, 'owner' | 'point' | 'launch'>): Promise<PluginProcess> {
    const { clock, log = () => undefined, times } = this.options;
    const all = { hello: 10_000, grace: 5_000, ...times };
    const onIdle = () => {
      clearTimeout(entry.idle);
      entry.idle = setTimeout(() => void this.retireIdle(entry), this.options.idleMs ?? 60_000);
      entry.idle.unref();
    };
    try {
      return await PluginProcess.start({ ...begin, spawner: this.spawner, clock, log, times: all, onIdle });
    } catch (error) {
      if (error instanceof PluginFailure) this.failed(begin.owner, error);
      throw error;
    }
  }

  private failed(owner: ProcessOwner, failure: PluginFailure): void {
    if (!isPlugins(failure)) return;
    const quarantined = this.standings.budget(owner).failed();
    this.options.onFailure?.(owner, failure, quarantined);
  }

  /** Fails closed, before a file of the plugin is read. */
  private async mustBeApart(owner: RunningConnection): Promise<void> {
    const { level } = await this.isolation(owner);
    const least = this.options.minIsolation ?? 'process';
    if (!isEnough(level, least)) throw hostFailure('isolation-too-weak', nameOf(owner), `${level} instead of ${least}`);
  }

  private freeUser(): number {
    let user = PLUGIN_USERS.first;
    while (this.users.has(user)) user++;
    this.users.add(user);
    return user;
  }
}

/** Changes when the process must be another one. Kept in memory only: it covers the secrets. */
function fingerprintOf({ plugin, config, secrets }: RunningConnection): string {
  return createHash('sha256')
    .update(JSON.stringify([plugin.contentHash, config, secrets]))
    .digest('hex');
}
