/** A declared system's row: found by an admin, and changed only from what the admin's change was made of. */
import { connectionChanged, type Connections, type ConnectionRow } from '#connectors';
import { notFound, type TenantId } from '#kernel';
import type { Query } from '#ledger';
import { declaredKinds, type DeclaredConfig } from './declared-system.js';

/** Errors: 404, also for a connection that runs a plugin. */
export async function declaredConnection(
  connections: Connections,
  tenant: TenantId,
  id: string,
): Promise<ConnectionRow> {
  const row = (await connections.all(tenant)).find((one) => one.id === id);
  if (!row || !(declaredKinds as readonly string[]).includes(row.kind)) throw notFound('connection');
  return row;
}

/** What changes; the rest stays as it is. */
export interface ConnectionChange {
  config: DeclaredConfig;
  configVersion?: number;
  secrets?: string | null;
  datasets?: ConnectionRow['datasets'];
}

/** Errors: 409 `connection-changed` when somebody else was quicker, which undoes the append around it. */
export async function changeConnection(
  query: Query,
  tenant: TenantId,
  before: ConnectionRow,
  change: ConnectionChange,
): Promise<void> {
  const { configVersion = before.config_version, secrets = before.secrets, datasets = before.datasets } = change;
  const { rowCount } = await query({
    text: `UPDATE connection SET config = $3, config_version = $4, secrets = $5, datasets = $6
           WHERE tenant = $1 AND id = $2 AND config = $7::jsonb AND config_version = $8 AND secrets IS NOT DISTINCT FROM $9`,
    values: [
      ...[tenant, before.id, JSON.stringify(change.config), configVersion, secrets, JSON.stringify(datasets)],
      ...[JSON.stringify(before.config), before.config_version, before.secrets],
    ],
  });
  if (rowCount !== 1) throw connectionChanged();
}
