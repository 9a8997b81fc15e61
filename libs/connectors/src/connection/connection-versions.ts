/** The pairs (plugin version, configuration) that served a connection: open work ends on its own, a rollback restores one. */
import type { Dataset, Json } from '@lethe/plugin-sdk';
import type { TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import type { ConnectionRow } from './connection-rows.js';

/** One pair. `replaces` is the revision that served before it. */
export interface ConnectionVersion {
  connection: string;
  config_version: number;
  plugin_id: string;
  plugin_version: string;
  content_hash: string;
  config: Json;
  config_format: number;
  datasets: Dataset[];
  replaces: number | null;
}

/** Reads of the pairs. */
export class ConnectionVersions {
  constructor(private readonly database: Database) {}

  /** Every pair of every connection of the tenant, oldest first. */
  async all(tenant: TenantId): Promise<ConnectionVersion[]> {
    const { rows } = await this.database.fetch<ConnectionVersion>(tenant, {
      name: 'connection-versions',
      text: 'SELECT * FROM connection_version WHERE tenant = $1 ORDER BY connection, config_version',
      values: [tenant],
    });
    return rows;
  }

  /** The connection as it was in another revision; undefined when that is not known. */
  async at(tenant: TenantId, row: ConnectionRow, configVersion: number): Promise<ConnectionRow | undefined> {
    if (row.config_version === configVersion) return row;
    const { rows } = await this.database.fetch<ConnectionVersion>(tenant, {
      name: 'connection-version',
      text: 'SELECT * FROM connection_version WHERE tenant = $1 AND connection = $2 AND config_version = $3',
      values: [tenant, row.id, configVersion],
    });
    const [found] = rows;
    return found && restored(row, found);
  }

  /** The pair a rollback restores. */
  async previous(tenant: TenantId, row: ConnectionRow): Promise<ConnectionRow | undefined> {
    const own = (await this.all(tenant)).filter((one) => one.connection === row.id);
    const replaces = own.find((one) => one.config_version === row.config_version)?.replaces ?? null;
    const found = own.find((one) => one.config_version === replaces);
    return found && restored(row, found);
  }

  /** A number no revision of the connection had: after a rollback the numbers go on where they were. */
  async next(tenant: TenantId, row: ConnectionRow): Promise<number> {
    const own = (await this.all(tenant)).filter((one) => one.connection === row.id);
    return Math.max(row.config_version, ...own.map((one) => one.config_version)) + 1;
  }
}

function restored(row: ConnectionRow, found: ConnectionVersion): ConnectionRow {
  const { config_version, plugin_id, plugin_version, content_hash, config, config_format, datasets } = found;
  return { ...row, config_version, plugin_id, plugin_version, content_hash, config, config_format, datasets };
}

/** Keeps what serves now, and what will serve after it. To be run in the append that switches. */
export async function keepVersions(
  query: Query,
  tenant: TenantId,
  before: ConnectionRow,
  after: ConnectionRow,
): Promise<void> {
  await keep(query, tenant, before, null);
  await keep(query, tenant, after, before.config_version);
}

async function keep(query: Query, tenant: TenantId, row: ConnectionRow, replaces: number | null): Promise<void> {
  await query({
    text: `INSERT INTO connection_version (tenant, connection, config_version, plugin_id, plugin_version, content_hash, config, config_format, datasets, replaces)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (tenant, connection, config_version) DO UPDATE SET datasets = excluded.datasets`,
    values: [
      tenant,
      row.id,
      row.config_version,
      row.plugin_id,
      row.plugin_version,
      row.content_hash,
      JSON.stringify(row.config),
      row.config_format,
      JSON.stringify(row.datasets),
      replaces,
    ],
  });
}
