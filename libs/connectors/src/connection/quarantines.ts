/** Restart budget and quarantine that every replica shares: failures are counted in the database, quarantine is a fact. */
import { Inject, Injectable } from '@nestjs/common';
import { conflict, newId, type Clock, type JsonObject, type TenantId } from '#kernel';
import { Database, EventStore, type Query } from '#ledger';
import { CLOCK, LOGGER, type Caller, type Logger } from '#platform';
import type { Sealed } from '#subjects';
import { pluginStream } from './connection.js';
import type { ConnectionRow } from './connections.js';
import type { PluginFailure } from '../plugin.errors.js';
import type { ProcessOwner } from '../process/process-start.js';
import { BUDGET_FAILURES, BUDGET_WINDOW_MS } from '../process/restart-budget.js';

const ACTOR = 'system:connectors';
/** Why, when a person and not the budget set it aside. */
export const BY_OPERATOR = 'by-operator';

interface Guilty {
  tenant: TenantId;
  connection: string;
  plugin: { id: string; version: string; contentHash: string };
}

@Injectable()
export class Quarantines {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Counts an unplanned end; sets the plugin aside when it was the fifth in ten minutes, on whatever replicas. */
  async failed({ id: connection, tenant, plugin }: ProcessOwner, failure: PluginFailure): Promise<void> {
    const guilty: Guilty = { tenant: tenant as TenantId, connection, plugin };
    const { code } = failure.fail;
    const failures = await this.database.transaction(guilty.tenant, (query) => this.count(query, guilty, code));
    this.log.warn({ connection, plugin: failure.plugin, code, failures }, 'a plugin broke');
    if (failures >= BUDGET_FAILURES) await this.set(guilty, ACTOR, { why: code, failures });
  }

  /** Sets the version that serves a connection aside. Running calls are not cut off. */
  async setBy(by: Caller, row: ConnectionRow, words: Sealed): Promise<void> {
    await this.set(guiltyOf(by.tenant, row), by.actorRef, { why: BY_OPERATOR, words });
  }

  /** A fresh budget. Errors: 409 `not-quarantined`. */
  async clear(by: Caller, row: ConnectionRow, words: Sealed): Promise<void> {
    const { tenant, connection, plugin } = guiltyOf(by.tenant, row);
    const values = [tenant, connection, plugin.contentHash];
    await this.store.append({
      tenant,
      actorRef: by.actorRef,
      events: [
        { stream: pluginStream(plugin.id), type: 'PluginQuarantineCleared.v1', data: { connection, plugin, words } },
      ],
      side: async (query) => {
        const text = 'DELETE FROM plugin_quarantine WHERE tenant = $1 AND connection = $2 AND content_hash = $3';
        const { rowCount } = await query({ text, values });
        if (rowCount !== 1)
          throw conflict('not-quarantined', 'The plugin version of this connection is not quarantined.');
        await query({
          text: 'DELETE FROM plugin_failure WHERE tenant = $1 AND connection = $2 AND content_hash = $3',
          values,
        });
      },
    });
  }

  private async count(query: Query, { tenant, connection, plugin }: Guilty, code: string): Promise<number> {
    const now = this.clock.now();
    const values = [tenant, connection, plugin.contentHash];
    await query({
      text: 'DELETE FROM plugin_failure WHERE tenant = $1 AND connection = $2 AND content_hash = $3 AND at <= $4',
      values: [...values, new Date(now.getTime() - BUDGET_WINDOW_MS)],
    });
    await query({
      text: 'INSERT INTO plugin_failure (tenant, connection, content_hash, at, id, code) VALUES ($1, $2, $3, $4, $5, $6)',
      values: [...values, now, newId(), code],
    });
    const { rows } = await query<{ n: number }>({
      text: 'SELECT count(*)::int AS n FROM plugin_failure WHERE tenant = $1 AND connection = $2 AND content_hash = $3',
      values,
    });
    return rows[0]?.n ?? 0;
  }

  private async set(
    { tenant, connection, plugin }: Guilty,
    actorRef: string,
    more: JsonObject & { why: string },
  ): Promise<void> {
    const known = await this.database.fetch(tenant, {
      text: 'SELECT 1 FROM plugin_quarantine WHERE tenant = $1 AND connection = $2 AND content_hash = $3',
      values: [tenant, connection, plugin.contentHash],
    });
    if (known.rows.length > 0) return;
    const { id, version, contentHash } = plugin;
    await this.store.append({
      tenant,
      actorRef,
      events: [
        {
          stream: pluginStream(id),
          type: 'PluginQuarantined.v1',
          data: { connection, plugin: { id, version, contentHash }, ...more },
        },
      ],
      side: async (query) => {
        await query({
          text: `INSERT INTO plugin_quarantine (tenant, connection, content_hash, plugin_id, plugin_version, why, since)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
          values: [tenant, connection, contentHash, id, version, more.why, this.clock.now()],
        });
      },
    });
  }
}

function guiltyOf(
  tenant: TenantId,
  { id: connection, plugin_id, plugin_version, content_hash }: ConnectionRow,
): Guilty {
  if (plugin_id === null || plugin_version === null || content_hash === null)
    throw conflict('connection-without-plugin', 'This system has no connector. Its work is a manual task.');
  return { tenant, connection, plugin: { id: plugin_id, version: plugin_version, contentHash: content_hash } };
}
