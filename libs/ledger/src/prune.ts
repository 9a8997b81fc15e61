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
      // An array, not IN: a planner that thinks many will match would join with every answer there is.
      text: `DELETE FROM idempotency WHERE tenant = $1 AND key = ANY(ARRAY(
               SELECT key FROM idempotency WHERE tenant = $1 AND created_at < $2 ORDER BY created_at LIMIT $3))`,
      values: [tenant, before, limit],
    }),
  );
  return rowCount ?? 0;
}

/**
 * Removes published checkpoints from before `before`, but the last one of each day (UTC): a later one proves every entry
 * that an earlier one did, and who holds a removed one can still compare it with the log. Returns how many.
 *
 * A busy log is signed every second, so they are walked from the smallest, in steps of `limit`, up to the first that is
 * young enough to stay.
 */
export async function thinCheckpoints(
  database: Database,
  tenant: TenantId,
  before: Date,
  limit = 5_000,
): Promise<number> {
  let removed = 0;
  for (let from = 0; ;) {
    const { rows } = await database.fetch<{ size: number; signed_at: Date }>(tenant, {
      name: 'checkpoints-by-size',
      text: 'SELECT size, signed_at FROM checkpoint WHERE tenant = $1 AND size >= $2 ORDER BY size LIMIT $3',
      values: [tenant, from, limit],
    });
    const needless = rows.flatMap((row, at) => {
      const next = rows[at + 1];
      return next && row.signed_at < before && dayOf(row) === dayOf(next) ? [row.size] : [];
    });
    if (needless.length > 0) removed += await remove(database, tenant, needless);
    const last = rows.at(-1);
    // The last one of a step is compared with the one behind it in the next step.
    if (!last || rows.length < limit || last.signed_at >= before) return removed;
    from = last.size;
  }
}

function dayOf({ signed_at }: { signed_at: Date }): string {
  return signed_at.toISOString().slice(0, 10);
}

async function remove(database: Database, tenant: TenantId, sizes: readonly number[]): Promise<number> {
  const { rowCount } = await database.transaction(tenant, (query) =>
    query({
      name: 'checkpoints-thin',
      text: 'DELETE FROM checkpoint WHERE tenant = $1 AND size = ANY($2::bigint[])',
      values: [tenant, sizes],
    }),
  );
  return rowCount ?? 0;
}
