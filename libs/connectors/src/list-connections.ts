/** Lists for the admin and the officer: connections with the isolation they really reach, approved plugins. */
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { TenantId } from '#kernel';
import type { ConnectionList, PluginList } from './connection.js';
import { Connections, type ConnectionRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';

@Injectable()
export class ListConnections {
  constructor(
    private readonly rows: Connections,
    private readonly calls: ConnectorCalls,
  ) {}

  async connections(tenant: TenantId): Promise<z.infer<typeof ConnectionList>> {
    const rows = await this.rows.all(tenant);
    const items = await Promise.all(
      rows.map(async (row) => ({
        id: row.id,
        name: row.name,
        role: row.role,
        legalEntity: row.legal_entity,
        country: row.country,
        plugin:
          row.plugin_id === null
            ? null
            : { id: row.plugin_id, version: row.plugin_version!, contentHash: row.content_hash! },
        configVersion: row.config_version,
        status: row.status,
        isolation: await this.isolation(tenant, row),
        datasets: row.datasets.map((dataset) => dataset.name),
        owner: row.owner,
        why: row.why,
        checkedAt: row.checked_at?.toISOString() ?? null,
      })),
    );
    return { items, next: null };
  }

  async plugins(tenant: TenantId): Promise<z.infer<typeof PluginList>> {
    const rows = await this.rows.plugins(tenant);
    return {
      items: rows.map(({ id, version, content_hash, manifest, installed_at }) => ({
        id,
        version,
        name: manifest.name,
        publisher: manifest.publisher,
        contentHash: content_hash,
        native: manifest.native,
        capabilities: manifest.capabilities,
        installedAt: installed_at.toISOString(),
      })),
      next: null,
    };
  }

  private async isolation(tenant: TenantId, row: ConnectionRow): Promise<string | null> {
    if (row.plugin_id === null) return null;
    const { level, separateUser, permissionFlags } = await this.calls.host.isolation(
      await this.rows.running(tenant, row),
    );
    return [level, ...(separateUser ? ['own user'] : []), ...(permissionFlags ? ['permission flags'] : [])].join(', ');
  }
}
