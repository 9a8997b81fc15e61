/** Puts a pair (plugin version, configuration) that stood its trial in the place of the one that serves; one append. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, Json, JsonObject, SubjectId } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { Sealer } from '#subjects';
import { connectionChanged, connectionStream, secretsPlace } from './connection.js';
import { keepVersions } from './connection-versions.js';
import type { ConnectionRow } from './connections.js';
import { ConnectorCalls } from './connector-calls.js';

/** What is recorded of the switch. */
export interface SwitchFact {
  type: 'ConnectionUpgraded.v1' | 'ConnectionRolledBack.v1' | 'ConnectionSecretsRotated.v1';
  /** Names of the secrets that are new, never their values. */
  secretNames: string[];
}

/** The answer of every switch. */
export type Switched = { id: string; status: string; version: string; configVersion: number; datasets: string[] };

@Injectable()
export class ConnectionSwitch {
  constructor(
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly calls: ConnectorCalls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * New calls get the new pair once this is recorded, on every replica; running calls and open plans end on the old one.
   * Errors: 409 `connection-changed` when somebody else changed it during the trial.
   */
  async to(
    by: Caller,
    before: ConnectionRow,
    after: ConnectionRow,
    secrets: Record<string, string>,
    fact: SwitchFact,
  ): Promise<Switched> {
    const { tenant } = by;
    const { id } = before;
    const isNew = fact.secretNames.length > 0;
    const sealed = isNew
      ? JSON.stringify(await this.sealer.seal(tenant, id as SubjectId, 'case', secrets, secretsPlace(id)))
      : before.secrets;
    const answer = answerOf(after);
    await this.store.append({
      tenant,
      actorRef: by.actorRef,
      events: [{ stream: connectionStream(id), type: fact.type, data: dataOf(before, after, fact) }],
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: answer }) } : {}),
      side: async (query) => {
        const { rowCount } = await query({
          text: `UPDATE connection SET plugin_version = $5, content_hash = $6, config = $7, config_format = $8, config_version = $9,
                   datasets = $10, secrets = $11, checked_at = $12
                 WHERE tenant = $1 AND id = $2 AND config_version = $3 AND secrets IS NOT DISTINCT FROM $4`,
          values: [
            ...[tenant, id, before.config_version, before.secrets],
            ...[after.plugin_version, after.content_hash, JSON.stringify(after.config), after.config_format],
            ...[after.config_version, JSON.stringify(after.datasets), sealed, this.clock.now()],
          ],
        });
        if (rowCount !== 1) throw connectionChanged();
        if (after.config_version !== before.config_version) await keepVersions(query, tenant, before, after);
      },
    });
    by.idempotency = undefined;
    // Not waited for: a running call may take as long as its deadline allows.
    void this.calls.host.retireOthers({ tenant, id }, after.config_version);
    return answer;
  }
}

function answerOf(row: ConnectionRow): Switched {
  return {
    id: row.id,
    status: row.status,
    version: row.plugin_version ?? '',
    configVersion: row.config_version,
    datasets: row.datasets.map(({ name }) => name),
  };
}

function dataOf(before: ConnectionRow, after: ConnectionRow, { secretNames }: SwitchFact): JsonObject {
  return { id: before.id, before: pairOf(before), after: pairOf(after), secretNames };
}

function pairOf({
  plugin_id,
  plugin_version,
  content_hash,
  config,
  config_format,
  config_version,
  datasets,
}: ConnectionRow): JsonObject {
  return {
    plugin: { id: plugin_id, version: plugin_version, contentHash: content_hash },
    config: config as Json,
    configFormat: config_format,
    configVersion: config_version,
    datasets: datasets.map(({ name, schemaHash }) => ({ name, schemaHash })),
  };
}
