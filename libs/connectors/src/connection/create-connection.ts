/** Creates a connection of an approved plugin, stopped: it is checked first, then enabled. Or registers a system without one. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, newId, unprocessable, type Json, type JsonObject, type SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import type { Caller } from '#platform';
import { Sealer } from '#subjects';
import { ConnectionBody, connectionStream, secretsPlace, type SystemBody } from './connection.js';
import { Connections, type PluginRow } from './connections.js';

export class CreateConnection extends Command<{ id: string; status: string }> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof ConnectionBody>,
  ) {
    super();
  }
}

@CommandHandler(CreateConnection)
export class CreateConnectionHandler implements ICommandHandler<CreateConnection> {
  constructor(
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly connections: Connections,
  ) {}

  async execute({ by, body }: CreateConnection): Promise<{ id: string; status: string }> {
    const plugin = installedPlugin(await this.connections.plugins(by.tenant), body.plugin.id, body.plugin.version);
    const config = validConfig(plugin, body.config);
    const missing = plugin.manifest.secrets.filter((secret) => !(secret in body.secrets));
    if (missing.length > 0)
      throw unprocessable('secret-missing', {
        detail: 'The plugin needs secrets that were not sent.',
        errors: missing.map((one) => ({ pointer: `/secrets/${one}`, code: 'required' })),
      });
    const id = newId();
    // Secrets are sealed under the connection's own key, which re-wrapping of epochs covers like any other.
    const sealed = await this.sealer.seal(by.tenant, id as SubjectId, 'case', body.secrets, secretsPlace(id));
    const { name, role, legalEntity, country } = body;
    await this.store
      .append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [
          {
            stream: connectionStream(id),
            type: 'ConnectionCreated.v1',
            data: {
              id,
              name,
              role,
              legalEntity,
              country,
              plugin: { id: plugin.id, version: plugin.version, contentHash: plugin.content_hash },
              config: config as JsonObject,
              configVersion: 1,
            },
          },
        ],
        expect: { [connectionStream(id)]: 0 },
        side: async (query) => {
          await query({
            text: `INSERT INTO connection (tenant, id, name, role, legal_entity, country, plugin_id, plugin_version, content_hash, config, config_version, secrets, status, config_format)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, 'stopped', $12)`,
            values: [
              by.tenant,
              id,
              name,
              role,
              legalEntity,
              country,
              plugin.id,
              plugin.version,
              plugin.content_hash,
              JSON.stringify(config),
              JSON.stringify(sealed),
              plugin.manifest.configFormat ?? 1,
            ],
          });
        },
      })
      .catch(nameTaken);
    return { id, status: 'stopped' };
  }
}

export class RegisterSystem extends Command<{ id: string; status: string }> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof SystemBody>,
  ) {
    super();
  }
}

@CommandHandler(RegisterSystem)
export class RegisterSystemHandler implements ICommandHandler<RegisterSystem> {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
  ) {}

  async execute({ by, body }: RegisterSystem): Promise<{ id: string; status: string }> {
    const id = newId();
    const { owner, why, ...identity } = body;
    const words = await this.connections.words(by.tenant, { owner, why });
    await this.store
      .append({
        tenant: by.tenant,
        actorRef: by.actorRef,
        events: [{ stream: connectionStream(id), type: 'SystemRegistered.v1', data: { id, ...identity, words } }],
        side: async (query) => {
          await query({
            text: `INSERT INTO connection (tenant, id, name, role, legal_entity, country, config_version, status, owner, why) VALUES ($1, $2, $3, $4, $5, $6, 0, 'manual', $7, $8)`,
            values: [by.tenant, id, body.name, body.role, body.legalEntity, body.country, owner, why],
          });
        },
      })
      .catch(nameTaken);
    return { id, status: 'manual' };
  }
}

/** An approved version. Errors: 422 `plugin-not-installed`. */
export function installedPlugin(plugins: readonly PluginRow[], id: string, version: string): PluginRow {
  const plugin = plugins.find((one) => one.id === id && one.version === version);
  if (!plugin)
    throw unprocessable('plugin-not-installed', 'Install this version of the plugin first (POST /v1/admin/plugins).');
  return plugin;
}

/** The configuration as the manifest's JSON Schema reads it, with defaults. Errors name the field, never the value. */
export function validConfig(plugin: PluginRow, config: Record<string, Json>): Json {
  const parsed = z.fromJSONSchema(plugin.manifest.config as Parameters<typeof z.fromJSONSchema>[0]).safeParse(config);
  if (parsed.success) return parsed.data as Json;
  const errors = parsed.error.issues.slice(0, 20).map((issue) => ({
    pointer: `/config/${issue.path.map(String).join('/')}`,
    code: (issue.code ?? 'invalid').replaceAll('_', '-'),
  }));
  throw unprocessable('config-invalid', {
    detail: "The configuration does not match the plugin's schema. See errors and POST /v1/admin/plugins/inspect.",
    errors,
  });
}

/** A name that is taken as a refusal: 409 `connection-name-taken`; anything else is rethrown. */
export function nameTaken(error: unknown): never {
  if ((error as { code?: string }).code === '23505')
    throw conflict('connection-name-taken', 'A connection of this tenant has this name already.');
  throw error;
}
