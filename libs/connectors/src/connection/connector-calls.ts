/** Calls into enabled connections, for requests and retention: the plugin host behind tenant and connection id. */
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type {
  Check,
  DataRecord,
  Dataset,
  Hit,
  Horizon,
  Item,
  Located,
  Obeyed,
  Op,
  Outcome,
  PersonToObey,
  RetentionRule,
  Target,
  Verification,
} from '@lethe/plugin-sdk';
import type { Clock, Json, TenantId } from '#kernel';
import { CLOCK, CONFIG, LOGGER, type Config, type Logger } from '#platform';
import type { ConnectionDriver, SystemCallOptions, TakenBack } from './connection-driver.js';
import { Connections, type ConnectionRow } from './connections.js';
import { obeyCall } from '../call/obey-call.js';
import { hostFailure, PluginFailure } from '../plugin.errors.js';
import { PluginHost } from '../call/plugin-host.js';
import { Quarantines } from './quarantines.js';

/** An enabled connection as a plan needs it; `status` is `silent` when its plugin did not, or could not, answer just now. */
export interface EnabledConnection {
  id: string;
  name: string;
  pluginId: string;
  pluginVersion: string;
  contentHash: string;
  configVersion: number;
  role: string;
  legalEntity: string;
  country: string;
  datasets: Dataset[];
  isolation: string;
  /** False: the system cannot be searched when a plan is made; its declared datasets are planned, uncounted. */
  searched: boolean;
  status: 'ready' | 'silent';
}

const DATASETS_MS = 15_000;
const UNSUPPORTED = { class: 'permanent', code: 'operation-unsupported' } as const;

@Injectable()
export class ConnectorCalls implements OnApplicationShutdown {
  readonly host: PluginHost;
  private readonly drivers = new Map<string, ConnectionDriver>();

  constructor(
    private readonly connections: Connections,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) log: Logger,
    @Inject(CONFIG) config: Config,
    quarantines: Quarantines,
  ) {
    this.host = new PluginHost({
      clock,
      minIsolation: config.LETHE_MIN_ISOLATION,
      log: (line) => log.info({ ...line }, 'plugin'),
      onSpawnerLost: (how) => log.warn({ how }, 'the process that starts plugins has ended, and they with it'),
      onFailure: (owner, failure, quarantined) => {
        void quarantines.failed(owner, failure).then(
          // It is a fact now, which every call reads; what this process remembers must not outlive its end.
          () => quarantined && this.host.clearQuarantine(owner),
          (error: unknown) => log.error({ error }, 'the failure of a plugin could not be recorded'),
        );
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.host.close();
  }

  /** Registers what reaches connections of a kind that runs no plugin; in `onModuleInit`. */
  use(kind: string, driver: ConnectionDriver): void {
    this.drivers.set(kind, driver);
  }

  /** Every enabled connection with the datasets its plugin declares now. */
  async enabled(tenant: TenantId): Promise<EnabledConnection[]> {
    const rows = (await this.connections.all(tenant)).filter((row) => row.status === 'enabled');
    return Promise.all(rows.map((row) => this.describe(tenant, row)));
  }

  /** One of them, whatever has become of the others; undefined when it is not enabled. */
  async find(tenant: TenantId, id: string): Promise<EnabledConnection | undefined> {
    const row = (await this.connections.all(tenant)).find((one) => one.id === id && one.status === 'enabled');
    return row && this.describe(tenant, row);
  }

  /** Systems that nobody can search for us. */
  async unsearchable(tenant: TenantId): Promise<{ id: string; name: string; owner: string; why: string }[]> {
    const rows = await this.connections.all(tenant);
    return rows
      .filter((row) => row.status !== 'enabled')
      .map((row) => ({
        id: row.id,
        name: row.name,
        owner: row.owner ?? row.legal_entity,
        why: row.why ?? `connection is ${row.status}`,
      }));
  }

  async check(tenant: TenantId, id: string, options?: SystemCallOptions): Promise<Check> {
    const row = await this.connections.get(tenant, id);
    const driver = this.drivers.get(row.kind);
    if (driver) return driver.check(tenant, row);
    return this.host.check({ ...(await this.connections.running(tenant, row)), trial: true }, options);
  }

  /** Datasets as the plugin declares them now; also for a connection that is not enabled yet. */
  async datasets(tenant: TenantId, id: string, options?: SystemCallOptions): Promise<Dataset[]> {
    const row = await this.connections.get(tenant, id);
    const driver = this.drivers.get(row.kind);
    if (driver) return driver.datasets(row);
    const { datasets: _, ...connection } = await this.connections.running(tenant, row);
    const found: Dataset[] = [];
    for await (const dataset of this.host.datasets({ ...connection, trial: true }, options)) found.push(dataset);
    return found;
  }

  async *locate(tenant: TenantId, id: string, items: Item[], options?: SystemCallOptions): AsyncGenerator<Located> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) yield* driver.locate(tenant, row, items, options);
    else yield* this.host.locate(await this.connections.running(tenant, row), items, options);
  }

  async *read(
    tenant: TenantId,
    id: string,
    items: Item[],
    at: Located[],
    options?: SystemCallOptions,
  ): AsyncGenerator<DataRecord> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) yield* driver.read(tenant, row, items, at, options);
    else yield* this.host.read(await this.connections.running(tenant, row), items, at, options);
  }

  async *apply(
    tenant: TenantId,
    id: string,
    op: Op,
    items: Item[],
    at: Target[],
    options?: SystemCallOptions,
  ): AsyncGenerator<Outcome> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) yield* driver.apply(tenant, row, { op, items, at }, options);
    else yield* this.host.apply(await this.connections.running(tenant, row), op, items, at, options);
  }

  /** How pending work stands; `operation-unsupported` when the plugin cannot be asked. */
  async *poll(
    tenant: TenantId,
    id: string,
    handle: Json,
    at: Target[],
    options?: SystemCallOptions,
  ): AsyncGenerator<Outcome> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) yield* driver.poll(tenant, row, handle, at, options);
    else yield* this.host.poll(await this.connections.running(tenant, row), handle, at, options);
  }

  /** Takes an `apply` back that nobody has begun. A plugin begins at once: only its own answer says how its work stands. */
  async withdraw(tenant: TenantId, id: string, itemKey: string, at: Target[]): Promise<TakenBack[]> {
    const row = (await this.connections.all(tenant)).find((one) => one.id === id);
    return (row && (await this.drivers.get(row.kind)?.withdraw(tenant, row, itemKey, at))) ?? at.map(() => 'unknown');
  }

  async *verify(
    tenant: TenantId,
    id: string,
    items: Item[],
    at: Target[],
    options?: SystemCallOptions,
  ): AsyncGenerator<Verification> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) yield* driver.verify(tenant, row, items, at, options);
    else yield* this.host.verify(await this.connections.running(tenant, row), items, at, options);
  }

  async *horizon(tenant: TenantId, id: string, options?: SystemCallOptions): AsyncGenerator<Horizon> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) yield* driver.horizon(row);
    else yield* this.host.horizon(await this.connections.running(tenant, row), options);
  }

  /** Tells how people's decisions stand: one answer each. `operation-unsupported` when the system cannot be told. */
  async obey(tenant: TenantId, id: string, people: PersonToObey[], options?: SystemCallOptions): Promise<Obeyed[]> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (!driver) return obeyCall(this.host, await this.connections.running(tenant, row), people, options);
    if (!driver.obey) throw new PluginFailure(UNSUPPORTED, 'cannot be told of decisions', row.kind);
    return driver.obey(tenant, row, people, options);
  }

  async *scan(tenant: TenantId, id: string, rule: RetentionRule, options?: SystemCallOptions): AsyncGenerator<Hit> {
    const { row, driver } = await this.ready(tenant, id, options);
    if (driver) throw new PluginFailure(UNSUPPORTED, 'is not asked for retention scans', row.kind);
    yield* this.host.scan(await this.connections.running(tenant, row), rule, options);
  }

  private async describe(tenant: TenantId, row: ConnectionRow): Promise<EnabledConnection> {
    const driver = this.drivers.get(row.kind);
    const known = {
      id: row.id,
      name: row.name,
      configVersion: row.config_version,
      role: row.role,
      legalEntity: row.legal_entity,
      country: row.country,
    };
    if (driver) {
      const plugin = { pluginId: row.kind, pluginVersion: '1', contentHash: driver.contentHash(row) };
      const searched = driver.isSearched(row);
      const datasets = driver.datasets(row);
      return { ...known, ...plugin, datasets, isolation: driver.isolation, searched, status: 'ready' };
    }
    const plugin = await this.connections.plugin(tenant, row);
    const { id: pluginId, version: pluginVersion, contentHash } = plugin;
    const isolation = await this.host.isolation({ plugin });
    const deadline = new Date(this.clock.now().getTime() + DATASETS_MS);
    const live = await this.datasets(tenant, row.id, { deadline }).catch(() => undefined);
    return {
      ...known,
      ...{ pluginId, pluginVersion, contentHash, isolation: isolation.level, searched: true },
      datasets: live ?? row.datasets,
      status: live ? 'ready' : 'silent',
    };
  }

  private async ready(
    tenant: TenantId,
    id: string,
    options: SystemCallOptions = {},
  ): Promise<{ row: ConnectionRow; driver: ConnectionDriver | undefined }> {
    const row = await this.connections.get(tenant, id);
    if (row.status !== 'enabled')
      throw hostFailure('connection-disabled', `${row.plugin_id ?? row.kind}@${row.plugin_version ?? '0'}`);
    const driver = this.drivers.get(row.kind);
    const { configVersion } = options;
    if (driver || configVersion === undefined) return { row, driver };
    // Open work ends on the version its plan was made with, as long as that is known.
    return { row: (await this.connections.versions.at(tenant, row, configVersion)) ?? row, driver };
  }
}
