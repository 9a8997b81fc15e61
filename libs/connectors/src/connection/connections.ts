/** Reads of connections and approved plugins, and the opened form a plugin process is started from. */
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { conflict, newId, notFound, type JsonObject, type SubjectId, type TenantId } from '#kernel';
import { Database } from '#ledger';
import { CONFIG, type Config } from '#platform';
import { Sealer, type Sealed } from '#subjects';
import { secretsPlace, WORDS_PLACE } from './connection.js';
import type { ConnectionRow, PluginRow, QuarantineRow } from './connection-rows.js';
import { ConnectionVersions } from './connection-versions.js';
import { hostFailure } from '../plugin.errors.js';
import type { RunningConnection } from '../process/process-pool.js';

export type { ConnectionRow, PluginRow, QuarantineRow } from './connection-rows.js';

@Injectable()
export class Connections {
  /** The pairs (plugin version, configuration) that served. */
  readonly versions: ConnectionVersions;

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.versions = new ConnectionVersions(database);
  }

  async all(tenant: TenantId): Promise<ConnectionRow[]> {
    const { rows } = await this.database.fetch<ConnectionRow>(tenant, {
      name: 'connections',
      text: 'SELECT * FROM connection WHERE tenant = $1 ORDER BY id',
      values: [tenant],
    });
    return rows;
  }

  /** One connection; 404 when it is not this tenant's. */
  async get(tenant: TenantId, id: string): Promise<ConnectionRow> {
    const row = (await this.all(tenant)).find((one) => one.id === id);
    if (!row) throw notFound('connection');
    return row;
  }

  /** Approved plugin versions, newest first. */
  async plugins(tenant: TenantId): Promise<PluginRow[]> {
    const { rows } = await this.database.fetch<PluginRow>(tenant, {
      name: 'plugins',
      text: 'SELECT * FROM plugin WHERE tenant = $1 ORDER BY id, installed_at DESC',
      values: [tenant],
    });
    return rows;
  }

  /** What a human wrote, for a fact: it may name staff or customers, so it is sealed under a key of its own. */
  words(tenant: TenantId, words: JsonObject): Promise<Sealed> {
    return this.sealer.seal(tenant, newId() as SubjectId, 'case', words, WORDS_PLACE);
  }

  /** Folder of an installed version; named by its hash, so that a tampered one is refused at start. */
  pluginDir(id: string, version: string, contentHash: string): string {
    return join(this.config.pluginDir, id, `${version}-${contentHash}`);
  }

  /** The plugin of a connection, whatever has become of its secrets. Errors: 409 for a system without a connector. */
  async plugin(tenant: TenantId, row: ConnectionRow): Promise<RunningConnection['plugin']> {
    const { plugin_id: id, plugin_version: version, content_hash: contentHash } = row;
    const plugin = (await this.plugins(tenant)).find(
      (one) => one.id === id && one.version === version && one.content_hash === contentHash,
    );
    if (!plugin || id === null || version === null || contentHash === null) {
      throw conflict('connection-without-plugin', 'This system has no connector. Its work is a manual task.');
    }
    return { id, version, contentHash, dir: this.pluginDir(id, version, contentHash), manifest: plugin.manifest };
  }

  /**
   * What the host needs to run a connection. Errors: 409 for a system without a connector; `PluginFailure` of class `config`
   * when its secrets are gone, which ends this call and no other connection's.
   */
  async running(tenant: TenantId, row: ConnectionRow, given?: Record<string, string>): Promise<RunningConnection> {
    const plugin = await this.plugin(tenant, row);
    const secrets = given ?? (await this.opened(tenant, row));
    if (!secrets) throw hostFailure('secrets-unreadable', `${plugin.id}@${plugin.version}`);
    const datasets = row.datasets.map((dataset) => dataset.name);
    return {
      id: row.id,
      tenant,
      plugin,
      config: row.config,
      secrets,
      configVersion: row.config_version,
      quarantined: (await this.quarantines(tenant)).some(
        (one) => one.connection === row.id && one.content_hash === plugin.contentHash,
      ),
      ...(datasets.length > 0 ? { datasets } : {}),
    };
  }

  /** Every quarantine that stands; written by whichever replica saw the failures. */
  async quarantines(tenant: TenantId): Promise<QuarantineRow[]> {
    const { rows } = await this.database.fetch<QuarantineRow>(tenant, {
      name: 'plugin-quarantines',
      text: 'SELECT * FROM plugin_quarantine WHERE tenant = $1 ORDER BY since, connection',
      values: [tenant],
    });
    return rows;
  }

  /**
   * The stored secrets of a connection with new values in their place. Errors: 409 `secrets-unreadable`, unless these are all
   * that its plugin needs: so it is mended.
   */
  async secrets(
    tenant: TenantId,
    row: ConnectionRow,
    given: Record<string, string> = {},
  ): Promise<Record<string, string>> {
    const stored = await this.opened(tenant, row);
    if (stored) return { ...stored, ...given };
    const { manifest } = await this.plugin(tenant, row);
    if (manifest.secrets.every((name) => name in given)) return given;
    throw conflict('secrets-unreadable', 'The secrets of this connection can no longer be opened. Enter all of them.');
  }

  private async opened(tenant: TenantId, row: ConnectionRow): Promise<Record<string, string> | undefined> {
    if (row.secrets === null) return {};
    const opened = await this.sealer.open(tenant, JSON.parse(row.secrets) as Sealed, secretsPlace(row.id));
    return opened.readable ? (opened.value as Record<string, string>) : undefined;
  }
}
