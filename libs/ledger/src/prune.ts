/** What the ledger keeps beside the log and need not keep for ever: kept answers, and checkpoints that newer ones cover. */
import type { TenantId } from '#kernel';
import type { Database } from './database/database.js';

/** Forgets answers kept under idempotency keys from before `before`; a repeat of such a call is a new one. Returns how many. */
export async function forgetAnswers(
  database: Database,
  tenant: TenantId,
  before: Date,
  limit = 5_000,
): Promise<number> {
  const { rowCount } = await database.transaction(tenant, (query) =>
    query({
      text: `DELETE FROM idempotency WHERE tenant = $1 AND key IN (
               SELECT key FROM idempotency WHERE tenant = $1 AND created_at < $2 LIMIT $3)`,
      values: [tenant, before, limit],
    }),
  );
  return rowCount ?? 0;
}

/**
 * Removes published checkpoints from before `before`, but the last one of each day: a later one proves every entry that
 * an earlier one did, and who holds a removed one can still compare it with the log. Returns how many.
 */
export async function thinCheckpoints(database: Database, tenant: TenantId, before: Date): Promise<number> {
  const { rowCount } = await database.transaction(tenant, (query) =>
    query({
      text: `DELETE FROM checkpoint WHERE tenant = $1 AND signed_at < $2 AND size NOT IN (
               SELECT max(size) FROM checkpoint WHERE tenant = $1 GROUP BY date_trunc('day', signed_at AT TIME ZONE 'UTC'))`,
      values: [tenant, before],
    }),
  );
  return rowCount ?? 0;
}
