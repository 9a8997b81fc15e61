/** Another configuration for a connection: it stops, is checked again, and every open plan is void. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Json, JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import { JsonValue, type Caller } from '#platform';
import { connectionChanged, connectionStream } from './connection.js';
import { keepVersions } from './connection-versions.js';
import { Connections, type ConnectionRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { installedPlugin, validConfig } from './create-connection.js';
import { withPlugin } from './switch-connection.js';

/** The whole new configuration; secrets stay. */
export const ConfigureBody = z
  .strictObject({ config: z.record(z.string().max(200), JsonValue) })
  .meta({ id: 'ConfigureConnection' });
export class ReconfigureConnection extends Command<{ id: string; status: string }> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly wanted: z.infer<typeof ConfigureBody>,
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
    const row = await withPlugin(this.connections, by, id);
    const plugins = await this.connections.plugins(by.tenant);
    const plugin = installedPlugin(plugins, row.plugin_id, row.plugin_version ?? '');
    const config = validConfig(plugin, wanted.config);
    const config_version = await this.connections.versions.next(by.tenant, row);
    await this.append(by, row, { ...row, config, config_version, status: 'stopped', datasets: [] });
    // Ends what runs with the old one; the row's status keeps work away until it is enabled, a check may run before.
    await this.calls.host.retireOthers({ tenant: by.tenant, id });
    return { id, status: 'stopped' };
  }

  private async append(by: Caller, before: ConnectionRow, after: ConnectionRow): Promise<void> {
    const { id } = before;
    const plugin = { version: after.plugin_version, contentHash: after.content_hash };
    const pair = ({ config }: ConnectionRow): JsonObject => ({ plugin, config: config as Json });
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: connectionStream(id),
          type: 'ConnectionChanged.v1',
          data: { id, configVersion: after.config_version, before: pair(before), after: pair(after) },
        },
      ],
      side: async (query) => {
        // Unchecked, nobody knows what it holds now; a stopped connection is named as not searched.
        const { rowCount } = await query({
          text: `UPDATE connection SET config = $3, config_version = $4, status = 'stopped', datasets = '[]'
                 WHERE tenant = $1 AND id = $2 AND config_version = $5`,
          values: [by.tenant, id, JSON.stringify(after.config), after.config_version, before.config_version],
        });
        if (rowCount !== 1) throw connectionChanged();
        await keepVersions(query, by.tenant, before, after);
      },
    });
  }
}
