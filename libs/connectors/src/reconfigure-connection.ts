/** Another configuration or plugin version for a connection: it stops, is checked again, and every open plan is void. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, type Json, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import { JsonValue, type Caller } from '#platform';
import { ConnectionBody, connectionStream } from './connection.js';
import { Connections, type ConnectionRow, type PluginRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { installedPlugin, validConfig } from './create-connection.js';

/** The whole new configuration; secrets stay. */
export const ConfigureBody = z
  .strictObject({ config: z.record(z.string().max(200), JsonValue) })
  .meta({ id: 'ConfigureConnection' });
/** An installed version of the same plugin; an older one is a rollback. */
export const UpgradeBody = z
  .strictObject({ version: ConnectionBody.shape.plugin.shape.version })
  .meta({ id: 'UpgradeConnection' });

type Wanted = { config?: Record<string, Json>; version?: string };

export class ReconfigureConnection extends Command<{ id: string; status: string }> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly wanted: Wanted,
  ) {
    super();
  }
}

@CommandHandler(ReconfigureConnection)
export class ReconfigureConnectionHandler implements ICommandHandler<ReconfigureConnection> {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
  ) {}

  async execute({ by, id, wanted }: ReconfigureConnection): Promise<{ id: string; status: string }> {
    const row = await this.connections.get(by.tenant, id);
    if (row.plugin_id === null)
      throw conflict('connection-without-plugin', 'This system has no connector. Its work is a manual task.');
    const version = wanted.version ?? row.plugin_version;
    const plugin = installedPlugin(await this.connections.plugins(by.tenant), row.plugin_id, version ?? '');
    const config = validConfig(plugin, wanted.config ?? (row.config as Record<string, Json>));
    await this.append(by, row, plugin, config);
    // Ends what runs with the old one; the row's status keeps work away until it is enabled, a check may run before.
    await this.calls.host.disable({ tenant: by.tenant, id });
    this.calls.host.enable({ tenant: by.tenant, id });
    return { id, status: 'stopped' };
  }

  private async append(by: Caller, row: ConnectionRow, plugin: PluginRow, config: Json): Promise<void> {
    const { id } = row;
    const versionOf = (of: string | null, contentHash: string | null): JsonObject => ({ version: of, contentHash });
    const before = { plugin: versionOf(row.plugin_version, row.content_hash), config: row.config };
    const after = { plugin: versionOf(plugin.version, plugin.content_hash), config };
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: connectionStream(id),
          type: 'ConnectionChanged.v1',
          data: { id, configVersion: row.config_version + 1, before, after },
        },
      ],
      side: async (query) => {
        // Unchecked, nobody knows what it holds now; a stopped connection is named as not searched.
        await query({
          text: `UPDATE connection SET plugin_version = $3, content_hash = $4, config = $5, config_version = config_version + 1,
                   status = 'stopped', datasets = '[]' WHERE tenant = $1 AND id = $2`,
          values: [by.tenant, id, plugin.version, plugin.content_hash, JSON.stringify(config)],
        });
      },
    });
  }
}
