/** Lists for the admin and the officer: connections with the isolation they really reach, approved plugins. */
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { TenantId } from '#kernel';
import { CONFIG, type Config } from '#platform';
import type { ConnectionList, PluginList } from './connection.js';
import type { ConnectionVersion } from './connection-versions.js';
import { Connections, type ConnectionRow, type QuarantineRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { isEnough } from '../process/isolation.js';

type Item = z.infer<typeof ConnectionList>['items'][number];
type Blocked = Item['blocked'];

@Injectable()
export class ListConnections {
  constructor(
    private readonly rows: Connections,
    private readonly calls: ConnectorCalls,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async connections(tenant: TenantId): Promise<z.infer<typeof ConnectionList>> {
    const [rows, quarantines, versions] = await Promise.all([
      this.rows.all(tenant),
      this.rows.quarantines(tenant),
      this.rows.versions.all(tenant),
    ]);
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
        blocked: await this.blocked(tenant, row, quarantines),
        previous: previousOf(row, versions),
      })),
    );
    return { items, next: null };
  }

  async plugins(tenant: TenantId): Promise<z.infer<typeof PluginList>> {
    const [rows, quarantines] = await Promise.all([this.rows.plugins(tenant), this.rows.quarantines(tenant)]);
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
        quarantinedFor: quarantines.filter((one) => one.content_hash === content_hash).map((one) => one.connection),
      })),
      next: null,
    };
  }

  /** Why the plugin would not be started at the next call. */
  private async blocked(tenant: TenantId, row: ConnectionRow, quarantines: QuarantineRow[]): Promise<Blocked> {
    const aside = quarantines.find((one) => one.connection === row.id && one.content_hash === row.content_hash);
    if (aside)
      return {
        code: 'plugin-quarantined',
        why: `${aside.plugin_id}@${aside.plugin_version}: ${aside.why}`,
        since: aside.since.toISOString(),
      };
    const { LETHE_MIN_ISOLATION: least } = this.config;
    if (row.plugin_id === null || least === 'process') return null;
    const { level, notes } = await this.calls.host.isolation({ plugin: await this.rows.plugin(tenant, row) });
    if (isEnough(level, least)) return null;
    return { code: 'isolation-too-weak', why: `${level} instead of ${least}. ${notes.join(' ')}`, since: null };
  }

  private async isolation(tenant: TenantId, row: ConnectionRow): Promise<string | null> {
    if (row.plugin_id === null) return null;
    const { level, separateUser, permissionFlags } = await this.calls.host.isolation({
      plugin: await this.rows.plugin(tenant, row),
    });
    return [level, ...(separateUser ? ['own user'] : []), ...(permissionFlags ? ['permission flags'] : [])].join(', ');
  }
}

function previousOf(row: ConnectionRow, versions: readonly ConnectionVersion[]): Item['previous'] {
  const own = versions.filter((one) => one.connection === row.id);
  const replaces = own.find((one) => one.config_version === row.config_version)?.replaces ?? null;
  const found = own.find((one) => one.config_version === replaces);
  return found ? { version: found.plugin_version, configVersion: found.config_version } : null;
}
