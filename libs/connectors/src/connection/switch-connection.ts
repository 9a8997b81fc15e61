/** Upgrade, rollback and new secrets of a serving connection: tried beside what serves, then switched or refused. */
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { conflict, unprocessable } from '#kernel';
import type { Caller } from '#platform';
import { ConnectionBody } from './connection.js';
import { ConnectionSwitch, type SwitchFact, type Switched } from './connection-switch.js';
import { Connections, type ConnectionRow } from './connections.js';
import { installedPlugin } from './create-connection.js';
import { TrialFailed, Trials, versionOf, type Changing } from './trial.js';

const secrets = z.record(z.string().max(100), z.string().max(10_000));
/** An installed version of the same plugin. `secrets`: those the new version needs beside the ones it has. */
export const UpgradeBody = z
  .strictObject({ version: ConnectionBody.shape.plugin.shape.version, secrets: secrets.default({}) })
  .meta({ id: 'UpgradeConnection' });
/** New values of secrets; those that are not named stay. */
export const RotateSecretBody = z.strictObject({ secrets }).meta({ id: 'RotateConnectionSecret' });
export const SwitchedView = z
  .strictObject({
    id: z.uuid(),
    status: z.string(),
    version: z.string(),
    configVersion: z.number().int(),
    datasets: z.array(z.string()),
  })
  .meta({ id: 'SwitchedConnection' });
type Secrets = Record<string, string>;

/** To another installed version; its migration makes the new configuration from the stored one. */
export class UpgradeConnection extends Command<Switched> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly body: z.infer<typeof UpgradeBody>,
  ) {
    super();
  }
}
/** To the pair (plugin version, configuration) that served before. */
export class RollbackConnection extends Command<Switched> {
  constructor(
    readonly by: Caller,
    readonly id: string,
  ) {
    super();
  }
}
/** To other secrets; the old ones stay in use until the connected system accepted the new ones. */
export class RotateSecret extends Command<Switched> {
  constructor(
    readonly by: Caller,
    readonly id: string,
    readonly body: z.infer<typeof RotateSecretBody>,
  ) {
    super();
  }
}

@CommandHandler(UpgradeConnection)
export class UpgradeConnectionHandler implements ICommandHandler<UpgradeConnection> {
  constructor(
    private readonly connections: Connections,
    private readonly trials: Trials,
    private readonly change: ConnectionSwitch,
  ) {}

  async execute({ by, id, body }: UpgradeConnection): Promise<Switched> {
    const row = await withPlugin(this.connections, by, id);
    const plugin = installedPlugin(await this.connections.plugins(by.tenant), row.plugin_id, body.version);
    if (plugin.content_hash === row.content_hash)
      throw conflict('version-unchanged', 'This version serves the connection already.');
    const all = await this.connections.secrets(by.tenant, row, body.secrets);
    mustHave(plugin.manifest.secrets, all);
    return orRefuse(this.trials, by, row, { what: 'upgrade', to: plugin.version }, async () => {
      const migrated = await this.trials.migrated(by, row, plugin);
      const config_version = await this.connections.versions.next(by.tenant, row);
      const wanted = { ...row, ...versionOf(plugin), ...migrated, config_version };
      const datasets = await this.trials.checked(by, { row, wanted }, all);
      const fact: SwitchFact = { type: 'ConnectionUpgraded.v1', secretNames: Object.keys(body.secrets) };
      return this.change.to(by, row, { ...wanted, datasets }, all, fact);
    });
  }
}

@CommandHandler(RollbackConnection)
export class RollbackConnectionHandler implements ICommandHandler<RollbackConnection> {
  constructor(
    private readonly connections: Connections,
    private readonly trials: Trials,
    private readonly change: ConnectionSwitch,
  ) {}

  async execute({ by, id }: RollbackConnection): Promise<Switched> {
    const row = await withPlugin(this.connections, by, id);
    const before = await this.connections.versions.previous(by.tenant, row);
    if (!before)
      throw conflict('nothing-to-roll-back', 'No other pair of plugin version and configuration served here.');
    installedPlugin(await this.connections.plugins(by.tenant), row.plugin_id, before.plugin_version ?? '');
    const all = await this.connections.secrets(by.tenant, row);
    return orRefuse(this.trials, by, row, { what: 'rollback', to: before.plugin_version }, async () => {
      const datasets = await this.trials.checked(by, { row, wanted: before }, all);
      return this.change.to(by, row, { ...before, datasets }, all, {
        type: 'ConnectionRolledBack.v1',
        secretNames: [],
      });
    });
  }
}

@CommandHandler(RotateSecret)
export class RotateSecretHandler implements ICommandHandler<RotateSecret> {
  constructor(
    private readonly connections: Connections,
    private readonly trials: Trials,
    private readonly change: ConnectionSwitch,
  ) {}

  async execute({ by, id, body }: RotateSecret): Promise<Switched> {
    const row = await withPlugin(this.connections, by, id);
    const names = Object.keys(body.secrets);
    if (names.length === 0) throw unprocessable('secret-missing', 'Name at least one secret with its new value.');
    const all = await this.connections.secrets(by.tenant, row, body.secrets);
    return orRefuse(this.trials, by, row, { what: 'rotate-secret', to: row.plugin_version }, async () => {
      const datasets = await this.trials.checked(by, { row, wanted: row }, all);
      return this.change.to(by, row, { ...row, datasets }, all, {
        type: 'ConnectionSecretsRotated.v1',
        secretNames: names,
      });
    });
  }
}

/** A connection that runs a plugin. Errors: 404, 409 `connection-without-plugin`. */
export async function withPlugin(
  connections: Connections,
  by: Caller,
  id: string,
): Promise<ConnectionRow & { plugin_id: string }> {
  const row = await connections.get(by.tenant, id);
  const { plugin_id } = row;
  if (plugin_id === null)
    throw conflict('connection-without-plugin', 'This system has no connector. Its work is a manual task.');
  return { ...row, plugin_id };
}

function mustHave(names: readonly string[], secrets: Secrets): void {
  const missing = names.filter((name) => !(name in secrets));
  if (missing.length > 0)
    throw unprocessable('secret-missing', {
      detail: 'The new version needs secrets that are not stored. Send them with the upgrade.',
      errors: missing.map((name) => ({ pointer: `/secrets/${name}`, code: 'required' })),
    });
}

async function orRefuse(
  trials: Trials,
  by: Caller,
  row: ConnectionRow,
  about: { what: Changing; to: string | null },
  work: () => Promise<Switched>,
): Promise<Switched> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TrialFailed) return trials.refuse(by, row, { ...about, error });
    throw error;
  }
}
