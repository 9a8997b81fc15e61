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
  Op,
  Outcome,
  RetentionRule,
  Target,
  Verification,
} from '@lethe/plugin-sdk';
import type { Clock, Json, TenantId } from '#kernel';
import { CLOCK, LOGGER, type Logger } from '#platform';
import { Connections, type ConnectionRow } from './connections.js';
import { hostFailure } from './plugin.errors.js';
import { PluginHost, type CallOptions } from './plugin-host.js';
import type { RunningConnection } from './process-pool.js';

/** An enabled connection as a plan needs it; `status` is `silent` when its plugin did not answer just now. */
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
  status: 'ready' | 'silent';
}

const DATASETS_MS = 15_000;

@Injectable()
export class ConnectorCalls implements OnApplicationShutdown {
  readonly host: PluginHost;

  constructor(
    private readonly connections: Connections,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) log: Logger,
  ) {
    this.host = new PluginHost({ clock, log: (line) => log.info({ ...line }, 'plugin') });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.host.close();
  }

  /** Every enabled connection with the datasets its plugin declares now. */
  async enabled(tenant: TenantId): Promise<EnabledConnection[]> {
    const rows = (await this.connections.all(tenant)).filter((row) => row.status === 'enabled');
    return Promise.all(rows.map((row) => this.describe(tenant, row)));
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

  check(tenant: TenantId, id: string, options?: CallOptions): Promise<Check> {
    return this.any(tenant, id).then((connection) => this.host.check(connection, options));
  }

  /** Datasets as the plugin declares them now; also for a connection that is not enabled yet. */
  async datasets(tenant: TenantId, id: string, options?: CallOptions): Promise<Dataset[]> {
    const { datasets: _, ...connection } = await this.any(tenant, id);
    const found: Dataset[] = [];
    for await (const dataset of this.host.datasets(connection, options)) found.push(dataset);
    return found;
  }

  async *locate(tenant: TenantId, id: string, items: Item[], options?: CallOptions): AsyncGenerator<Located> {
    yield* this.host.locate(await this.ready(tenant, id), items, options);
  }

  async *read(
    tenant: TenantId,
    id: string,
    items: Item[],
    at: Located[],
    options?: CallOptions,
  ): AsyncGenerator<DataRecord> {
    yield* this.host.read(await this.ready(tenant, id), items, at, options);
  }

  async *apply(
    tenant: TenantId,
    id: string,
    op: Op,
    items: Item[],
    at: Target[],
    options?: CallOptions,
  ): AsyncGenerator<Outcome> {
    yield* this.host.apply(await this.ready(tenant, id), op, items, at, options);
  }

  /** How pending work stands; `operation-unsupported` when the plugin cannot be asked. */
  async *poll(
    tenant: TenantId,
    id: string,
    handle: Json,
    at: Target[],
    options?: CallOptions,
  ): AsyncGenerator<Outcome> {
    yield* this.host.poll(await this.ready(tenant, id), handle, at, options);
  }

  async *verify(
    tenant: TenantId,
    id: string,
    items: Item[],
    at: Target[],
    options?: CallOptions,
  ): AsyncGenerator<Verification> {
    yield* this.host.verify(await this.ready(tenant, id), items, at, options);
  }

  async *horizon(tenant: TenantId, id: string, options?: CallOptions): AsyncGenerator<Horizon> {
    yield* this.host.horizon(await this.ready(tenant, id), options);
  }

  async *scan(tenant: TenantId, id: string, rule: RetentionRule, options?: CallOptions): AsyncGenerator<Hit> {
    yield* this.host.scan(await this.ready(tenant, id), rule, options);
  }

  private async describe(tenant: TenantId, row: ConnectionRow): Promise<EnabledConnection> {
    const running = await this.connections.running(tenant, row);
    const isolation = await this.host.isolation(running);
    const deadline = new Date(this.clock.now().getTime() + DATASETS_MS);
    const live = await this.datasets(tenant, row.id, { deadline }).catch(() => undefined);
    return {
      id: row.id,
      name: row.name,
      pluginId: running.plugin.id,
      pluginVersion: running.plugin.version,
      contentHash: running.plugin.contentHash,
      configVersion: row.config_version,
      role: row.role,
      legalEntity: row.legal_entity,
      country: row.country,
      datasets: live ?? row.datasets,
      isolation: isolation.level,
      status: live ? 'ready' : 'silent',
    };
  }

  private async any(tenant: TenantId, id: string): Promise<RunningConnection> {
    return this.connections.running(tenant, await this.connections.get(tenant, id));
  }

  private async ready(tenant: TenantId, id: string): Promise<RunningConnection> {
    const row = await this.connections.get(tenant, id);
    if (row.status !== 'enabled')
      throw hostFailure('connection-disabled', `${row.plugin_id ?? 'none'}@${row.plugin_version ?? '0'}`);
    return this.connections.running(tenant, row);
  }
}
