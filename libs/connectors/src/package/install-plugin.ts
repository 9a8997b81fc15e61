/** Inspects and approves a plugin: what is installed is byte for byte what was shown. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { unprocessable, type Clock, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, CONFIG, JsonValue, type Caller, type Config } from '#platform';
import { pluginStream, type PluginView } from '../connection/connection.js';
import { PluginFolders } from './plugin-folders.js';
import { installPlugin, type InspectedPlugin } from './plugin-package.js';
import { PluginFailure } from '../plugin.errors.js';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);
/** `name` is a shipped plugin, or a folder below `<LETHE_PLUGIN_DIR>/incoming`. */
export const InspectPluginBody = z.strictObject({ name }).meta({ id: 'InspectPlugin' });
export const InstallPluginBody = z
  .strictObject({ name, contentHash: z.string().regex(/^[0-9a-f]{64}$/) })
  .meta({ id: 'InstallPlugin' });
export const InspectedPluginView = z
  .strictObject({
    name,
    contentHash: z.string(),
    native: z.boolean(),
    manifest: z.record(z.string(), JsonValue).nullable(),
    files: z.array(z.strictObject({ path: z.string(), bytes: z.number().int(), sha256: z.string() })),
    problems: z.array(z.strictObject({ code: z.string(), where: z.string() })),
  })
  .meta({ id: 'InspectedPlugin' });

/** Files and manifest of a plugin folder as an admin approves them. */
export function inspectedView(
  folder: string,
  { manifest, ...rest }: InspectedPlugin,
): z.infer<typeof InspectedPluginView> {
  return { name: folder, ...rest, manifest: (manifest ?? null) as unknown as JsonObject | null };
}

export class InstallPlugin extends Command<z.infer<typeof PluginView>> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof InstallPluginBody>,
  ) {
    super();
  }
}

@CommandHandler(InstallPlugin)
export class InstallPluginHandler implements ICommandHandler<InstallPlugin> {
  constructor(
    private readonly store: EventStore,
    private readonly folders: PluginFolders,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, body }: InstallPlugin): Promise<z.infer<typeof PluginView>> {
    const installed = await installPlugin(
      this.folders.folder(body.name),
      this.config.pluginDir,
      body.contentHash,
    ).catch((error: unknown) => {
      if (error instanceof PluginFailure) throw unprocessable(error.fail.code, error.message);
      throw error;
    });
    const { id, version, contentHash, manifest } = installed;
    const now = this.clock.now();
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: pluginStream(id),
          type: 'PluginInstalled.v1',
          data: { id, version, contentHash, native: manifest.native, capabilities: manifest.capabilities },
        },
      ],
      side: async (query) => {
        await query({
          text: `INSERT INTO plugin (tenant, id, version, content_hash, manifest, installed_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
          values: [by.tenant, id, version, contentHash, JSON.stringify(manifest), now],
        });
      },
    });
    const { name: title, publisher, native, capabilities } = manifest;
    const shown = { id, version, name: title, publisher, contentHash, native, capabilities };
    return { ...shown, installedAt: now.toISOString(), quarantinedFor: [] };
  }
}
