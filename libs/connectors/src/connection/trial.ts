/** Another pair (plugin version, configuration) is tried beside the one that serves, before it may serve. */
import { Injectable } from '@nestjs/common';
import type { Dataset } from '@lethe/plugin-sdk';
import { conflict, DomainError, type Json, type JsonObject } from '#kernel';
import { EventStore } from '#ledger';
import type { Caller } from '#platform';
import { connectionStream } from './connection.js';
import { Connections, type ConnectionRow, type PluginRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';
import { validConfig } from './create-connection.js';
import { PluginFailure } from '../plugin.errors.js';

/** What is changed by a trial that succeeds. */
export type Changing = 'upgrade' | 'rollback' | 'rotate-secret';
/** Where a trial failed. */
export type TrialStep = 'migrate' | 'config' | 'check';

/** No revision has this number. */
const BESIDE = -1;

/** The pair is not fit to serve. `code` is the plugin's or the host's, free of personal data. */
export class TrialFailed extends Error {
  constructor(
    readonly step: TrialStep,
    readonly code: string,
  ) {
    super(`${step}: ${code}`);
    this.name = 'TrialFailed';
  }
}

@Injectable()
export class Trials {
  constructor(
    private readonly store: EventStore,
    private readonly connections: Connections,
    private readonly calls: ConnectorCalls,
  ) {}

  /**
   * The stored configuration in the format of another version. Runs in a process of its own that gets neither the secrets
   * nor the way to the connected system's account; validated afterwards. Throws `TrialFailed`.
   */
  async migrated(by: Caller, row: ConnectionRow, plugin: PluginRow): Promise<{ config: Json; config_format: number }> {
    const format = plugin.manifest.configFormat ?? 1;
    if (format < row.config_format) throw new TrialFailed('migrate', 'format-older');
    const old = row.config as JsonObject;
    const config =
      format === row.config_format
        ? old
        : await inStep('migrate', async () => {
            const bare = await this.connections.running(by.tenant, { ...row, ...versionOf(plugin) }, {});
            return this.calls.host.migrate(bare, { config: old, from: row.config_format, to: format });
          });
    return { config: await inStep('config', async () => validConfig(plugin, config)), config_format: format };
  }

  /** Asks the connected system itself: does it let this pair in, and what does it hold? Throws `TrialFailed`. */
  async checked(
    by: Caller,
    { row, wanted }: { row: ConnectionRow; wanted: ConnectionRow },
    secrets: Record<string, string>,
  ): Promise<Dataset[]> {
    const { datasets: _, ...pair } = await this.connections.running(by.tenant, wanted, secrets);
    // The same revision with other secrets needs a process beside the one that serves.
    const beside = wanted.config_version === row.config_version ? { configVersion: BESIDE } : {};
    const candidate = { ...pair, ...beside, trial: true };
    try {
      return await inStep('check', async () => {
        const check = await this.calls.host.check(candidate);
        if (!check.ok) throw new TrialFailed('check', check.error.code);
        const datasets: Dataset[] = [];
        for await (const dataset of this.calls.host.datasets(candidate)) datasets.push(dataset);
        if (datasets.length === 0) throw new TrialFailed('check', 'no-dataset');
        return datasets;
      });
    } catch (error) {
      // Running calls of the version that serves have another process.
      await this.calls.host.retire(candidate);
      throw error;
    }
  }

  /** Records that a change was refused and what goes on serving; then tells the caller. */
  async refuse(
    by: Caller,
    row: ConnectionRow,
    { what, to, error }: { what: Changing; to: string | null; error: TrialFailed },
  ): Promise<never> {
    const { step, code } = error;
    const serving = { version: row.plugin_version, configVersion: row.config_version };
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        {
          stream: connectionStream(row.id),
          type: 'ConnectionChangeRefused.v1',
          data: { id: row.id, what, plugin: row.plugin_id, to, step, code, serving },
        },
      ],
    });
    throw conflict(`${what}-refused`, {
      detail: 'It was tried beside what serves and failed; nothing has changed. See step and cause.',
      extra: { step, cause: code },
    });
  }
}

/** The members of a row that name a plugin version. */
export function versionOf({
  id,
  version,
  content_hash,
}: PluginRow): Pick<ConnectionRow, 'plugin_id' | 'plugin_version' | 'content_hash'> {
  return { plugin_id: id, plugin_version: version, content_hash };
}

async function inStep<Result>(step: TrialStep, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PluginFailure) throw new TrialFailed(step, error.fail.code);
    if (error instanceof DomainError) throw new TrialFailed(step, error.code);
    throw error;
  }
}
