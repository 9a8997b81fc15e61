/** Binds what retention asks of connected systems and of requests: neighbours in its layer, and what lies above it. */
import { Inject, Injectable, Module } from '@nestjs/common';
import { ConnectorCalls, Connections, ConnectorsModule, type ConnectionRow, type Item } from '#connectors';
import type { Clock, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { KeptGroups, RequestHoldWitnesses, RequestsModule } from '#requests';
import {
  HoldWitnesses,
  RetentionSystems,
  type DueRecord,
  type PersonAsked,
  type PersonRecord,
  type RetentionCallOptions,
  type RetentionRule,
  type RetentionSystem,
  type RetentionTarget,
  type TargetOutcome,
  type TargetVerification,
} from '#retention';

@Injectable()
export class ConnectedRetentionSystems extends RetentionSystems {
  constructor(
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  override async enabled(tenant: TenantId): Promise<RetentionSystem[]> {
    const found = await this.calls.enabled(tenant);
    return found.map(({ id, pluginId, pluginVersion, contentHash, configVersion, datasets, status }) => ({
      ...{ id, pluginId, pluginVersion, contentHash, configVersion, datasets, status },
    }));
  }

  override async find(tenant: TenantId, connectionId: string, withinMs?: number): Promise<RetentionSystem | undefined> {
    const row = (await this.connections.all(tenant)).find(({ id }) => id === connectionId);
    // A system that pulls or is called has duties too; it is never scanned.
    if (row && row.kind !== 'plugin') return this.calls.find(tenant, connectionId);
    if (!row || row.plugin_id === null || row.plugin_version === null || row.content_hash === null) return undefined;
    const known = {
      ...{ id: row.id, pluginId: row.plugin_id, pluginVersion: row.plugin_version },
      ...{ contentHash: row.content_hash, configVersion: row.config_version },
    };
    if (row.status !== 'enabled') return { ...known, datasets: row.datasets, status: 'disabled' };
    return { ...known, ...(await this.live(tenant, row, withinMs)) };
  }

  override async known(tenant: TenantId, connectionId: string): Promise<boolean> {
    return (await this.connections.all(tenant)).some(({ id }) => id === connectionId);
  }

  override scan(
    tenant: TenantId,
    connectionId: string,
    rule: RetentionRule,
    options?: RetentionCallOptions,
  ): AsyncIterable<DueRecord> {
    return this.calls.scan(tenant, connectionId, rule, options);
  }

  override locate(
    tenant: TenantId,
    connectionId: string,
    people: PersonAsked[],
    options?: RetentionCallOptions,
  ): AsyncIterable<PersonRecord> {
    return this.calls.locate(tenant, connectionId, people, options);
  }

  override apply(
    tenant: TenantId,
    connectionId: string,
    rule: RetentionRule,
    targets: RetentionTarget[],
    options?: RetentionCallOptions,
  ): AsyncIterable<TargetOutcome> {
    return this.calls.apply(tenant, connectionId, { kind: 'retention', rule }, itemsOf(targets), targets, options);
  }

  override verify(
    tenant: TenantId,
    connectionId: string,
    targets: RetentionTarget[],
    options?: RetentionCallOptions,
  ): AsyncIterable<TargetVerification> {
    return this.calls.verify(tenant, connectionId, itemsOf(targets), targets, options);
  }

  /** What the plugin declares now: a schema that moved must not be taken for the approved one. */
  private async live(
    tenant: TenantId,
    row: ConnectionRow,
    withinMs: number | undefined,
  ): Promise<Pick<RetentionSystem, 'datasets' | 'status'>> {
    try {
      const deadline = withinMs === undefined ? {} : { deadline: new Date(this.clock.now().getTime() + withinMs) };
      return { datasets: await this.calls.datasets(tenant, row.id, deadline), status: 'ready' };
    } catch {
      return { datasets: row.datasets, status: 'silent' };
    }
  }
}

/** Retention asks about records and not about people: its items carry a key and no identifiers. */
function itemsOf(targets: readonly RetentionTarget[]): Item[] {
  return [...new Set(targets.map(({ itemKey }) => itemKey))].map((itemKey) => ({ itemKey, generation: 0, ids: [] }));
}

@Module({
  imports: [ConnectorsModule, RequestsModule],
  providers: [
    { provide: RetentionSystems, useClass: ConnectedRetentionSystems },
    KeptGroups,
    { provide: HoldWitnesses, useClass: RequestHoldWitnesses },
  ],
  exports: [RetentionSystems, HoldWitnesses],
})
export class RetentionSystemsModule {}
