/** Takes a plugin version away: refused while a connection or an open plan runs it; its files go with the last tenant. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, notFound, type TenantId } from '#kernel';
import { EventStore } from '#ledger';
import type { Caller } from '#platform';
import { Tenants } from '#tenancy';
import { ConnectionBody, pluginStream } from '../connection/connection.js';
import { Connections, type PluginRow } from '../connection/connections.js';
import { ConnectorCalls } from '../connection/connector-calls.js';
import { OpenWork } from '../connection/open-work.js';
import { removePluginFiles } from './plugin-package.js';

export const RemovePluginBody = z
  .strictObject({ version: ConnectionBody.shape.plugin.shape.version, reason: z.string().min(1).max(500) })
  .meta({ id: 'RemovePlugin' });
export const RemovedPluginView = z
  .strictObject({ id: z.string(), version: z.string(), filesRemoved: z.boolean() })
  .meta({ id: 'RemovedPlugin' });
type Removed = z.infer<typeof RemovedPluginView>;

export class RemovePlugin extends Command<Removed> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly body: z.infer<typeof RemovePluginBody>,
  ) {
    super();
  }
}

@CommandHandler(RemovePlugin)
export class RemovePluginHandler implements ICommandHandler<RemovePlugin> {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
    private readonly work: OpenWork,
    private readonly tenants: Tenants,
  ) {}

  async execute({ by, id, body: { version, reason } }: RemovePlugin): Promise<Removed> {
    const plugins = await this.connections.plugins(by.tenant);
    const found = plugins.filter((one) => one.id === id && one.version === version);
    if (found.length === 0) throw notFound('plugin version');
    const hashes = found.map((one) => one.content_hash);
    await this.mustBeFree(by.tenant, hashes);
    const words = await this.connections.words(by.tenant, { reason });
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        { stream: pluginStream(id), type: 'PluginRemoved.v1', data: { id, version, contentHashes: hashes, words } },
      ],
      side: async (query) => {
        // Also in the append: a connection that was created meanwhile keeps its plugin.
        const used = await query({
          text: 'SELECT 1 FROM connection WHERE tenant = $1 AND content_hash = ANY($2::text[])',
          values: [by.tenant, hashes],
        });
        if (used.rows.length > 0) throw inUse([]);
        const text = 'DELETE FROM plugin WHERE tenant = $1 AND id = $2 AND version = $3';
        await query({ text, values: [by.tenant, id, version] });
      },
    });
    const removed = await Promise.all(found.map((plugin) => this.removeFiles(plugin)));
    return { id, version, filesRemoved: removed.every(Boolean) };
  }

  private async mustBeFree(tenant: TenantId, hashes: readonly string[]): Promise<void> {
    const [rows, versions] = await Promise.all([this.connections.all(tenant), this.connections.versions.all(tenant)]);
    const serving = rows.filter((row) => row.content_hash !== null && hashes.includes(row.content_hash));
    if (serving.length > 0) throw inUse(serving.map((row) => row.id));
    for (const { connection, config_version } of versions.filter((one) => hashes.includes(one.content_hash))) {
      const open = await this.work.known.open(tenant, connection);
      if (open.some((one) => one.configVersion === config_version)) throw inUse([connection]);
    }
  }

  /** Tenants share the files of equal bytes. */
  private async removeFiles(plugin: PluginRow): Promise<boolean> {
    for (const { id } of await this.tenants.all())
      if ((await this.connections.plugins(id)).some((one) => one.content_hash === plugin.content_hash)) return false;
    await removePluginFiles(this.connections.pluginDir(plugin.id, plugin.version, plugin.content_hash));
    await this.calls.host.forget(plugin.content_hash);
    return true;
  }
}

function inUse(connectionIds: string[]): ReturnType<typeof conflict> {
  return conflict('plugin-in-use', {
    detail: 'A connection, or the plan of an open request, runs this version. Upgrade or remove the connection first.',
    extra: { connectionIds },
  });
}
