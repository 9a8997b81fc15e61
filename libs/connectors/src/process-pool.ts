/** Which processes run: at most one a connection, replaced when its plugin, configuration or secrets change. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Clock } from '#kernel';
import type { PluginLog } from './captured-log.js';
import type { Isolation } from './isolation.js';
import { planLaunch, PLUGIN_USERS } from './isolation.js';
import { hostFailure } from './plugin.errors.js';
import { PluginProcess } from './plugin-process.js';
import type { ProcessOwner, ProcessStart, ProcessTimes } from './process-start.js';
import { RestartBudget } from './restart-budget.js';
import { RuntimeFolder, shippedRunner } from './runtime-folder.js';

/** A configured, credentialled instance of a plugin, as the caller keeps it. `id` is unique within its tenant. */
export interface RunningConnection extends ProcessOwner {
  /** Names of the datasets that answers may speak of: the approved table map. Asked from the plugin when absent. */
  datasets?: string[];
}

/** How the processes are run. */
export interface PoolOptions {
  clock: Clock;
  /** Receives the redacted lines plugins write. */
  log?: PluginLog;
  /** Path of the SDK's runner, alone in a folder with what it imports; the shipped one by default. */
  runner?: string;
  /** A process without a call for this long is stopped. Default 60,000 ms. */
  idleMs?: number;
  /** Default: hello within 10 s, 5 s grace after an abort. */
  times?: Partial<ProcessTimes>;
}

/** What is remembered of a connection as long as its plugin, configuration and secrets stay the same. */
export interface ConnectionMemory {
  datasets?: string[];
}

/** Which connection is meant, whatever its plugin and secrets are at present. */
export type ConnectionName = Pick<RunningConnection, 'tenant' | 'id'>;

/** What outlives a change of plugin, configuration or secrets. */
interface Standing {
  budget: RestartBudget;
  disabled: boolean;
}

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
  private readonly standings = new Map<string, Standing>();
  private readonly alive = new Set<PluginProcess>();
  private readonly users = new Set<number>();
  private readonly folder: RuntimeFolder;
  private closed = false;

  constructor(private readonly options: PoolOptions) {
    this.folder = new RuntimeFolder(() => options.runner ?? shippedRunner());
  }

  key({ tenant, id }: ConnectionName): string {
    return JSON.stringify([tenant, id]);
  }

  /** A process that can take a call now. Rejects with `PluginFailure`. */
  async process(connection: RunningConnection): Promise<PluginProcess> {
    for (;;) {
      if (this.closed) throw hostFailure('host-closed', nameOf(connection));
      const blocked = this.blocked(connection);
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

  blocked(connection: ConnectionName): 'connection-disabled' | 'plugin-quarantined' | undefined {
    const { disabled, budget } = this.standing(connection);
    if (disabled) return 'connection-disabled';
    return budget.quarantined ? 'plugin-quarantined' : undefined;
  }

  async isolation({ plugin }: Pick<RunningConnection, 'plugin'>): Promise<Isolation> {
    return (await planLaunch(plugin.manifest, PLUGIN_USERS.first, [])).isolation;
  }

  async disable(connection: ConnectionName): Promise<void> {
    this.standing(connection).disabled = true;
    const entry = this.entries.get(this.key(connection));
    if (entry) await this.retire(entry);
  }

  enable(connection: ConnectionName): void {
    this.standing(connection).disabled = false;
  }

  clearQuarantine(connection: ConnectionName): void {
    this.standing(connection).budget.clear();
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
    await this.folder.remove();
  }

  private entry(connection: RunningConnection): Entry {
    const key = this.key(connection);
    const fingerprint = fingerprintOf(connection);
    const known = this.entries.get(key);
    if (known?.fingerprint === fingerprint) return known;
    // Calls that run finish on the old version, configuration and secrets; new calls get the new ones.
    if (known) void this.retire(known);
    const entry: Entry = { fingerprint, memory: {}, process: undefined, idle: undefined };
    this.entries.set(key, entry);
    return entry;
  }

  private standing(connection: ConnectionName): Standing {
    const key = this.key(connection);
    const known = this.standings.get(key) ?? { budget: new RestartBudget(this.options.clock), disabled: false };
    this.standings.set(key, known);
    return known;
  }

  private async retire(entry: Entry): Promise<void> {
    clearTimeout(entry.idle);
    const running = entry.process;
    entry.process = undefined;
    await (await running?.catch(() => undefined))?.stop();
  }

  private async retireIdle(entry: Entry): Promise<void> {
    const running = await entry.process?.catch(() => undefined);
    if (running?.running === 0) await this.retire(entry);
  }

  private async start(owner: RunningConnection, entry: Entry): Promise<PluginProcess> {
    const user = this.freeUser();
    try {
      const point = await this.folder.prepare(owner.plugin);
      const launch = await planLaunch(owner.plugin.manifest, user, [
        join(dirname(point.runner), '*'),
        join(point.plugin, '*'),
      ]);
      const process = await this.launch(entry, { owner, point, launch });
      void process.ended.then((failure) => {
        this.users.delete(user);
        this.alive.delete(process);
        if (failure) this.standing(owner).budget.failed();
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
      return await PluginProcess.start({ ...begin, clock, log, times: all, onIdle });
    } catch (error) {
      this.standing(begin.owner).budget.failed();
      throw error;
    }
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
