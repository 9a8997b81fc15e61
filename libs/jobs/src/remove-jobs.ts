/** Jobs that must not run any more, and rows that need not be kept any longer. */
import type { TenantId } from '#kernel';
import type { Database, InlineRow, InlineTable, Query } from '#ledger';

const cancelTable: InlineTable = {
  name: 'job_cancel',
  columns: 2,
  text: `UPDATE job SET state = 'cancelled', lease_until = NULL, finished_at = c.at
         FROM unnest($2::uuid[], $3::timestamptz[]) AS c(id, at)
         WHERE job.tenant = $1 AND job.id = c.id AND job.state IN ('ready', 'running', 'dead', 'manual')`,
};

/** Row for `Append.rows`: the job is not started again, and a running attempt can't commit. A finished job stays as it is. */
export function cancelJob(id: string): InlineRow {
  return { into: cancelTable, row: (at) => [id, at.recordedAt] };
}

/** The same for several outside a flush. */
export async function cancelJobsIn(query: Query, tenant: TenantId, jobs: { id: string; at: Date }[]): Promise<void> {
  if (jobs.length === 0) return;
  const values = [tenant, jobs.map(({ id }) => id), jobs.map(({ at }) => at)];
  await query({ name: 'job-cancel', text: cancelTable.text, values });
}

/**
 * Deletes jobs that ended before `before`, at most `limit`; returns how many. Their dedupe keys are free again, so
 * `before` must be older than any replay of the events that enqueued them.
 */
export async function removeFinishedJobs(
  database: Database,
  tenant: TenantId,
  before: Date,
  limit = 1000,
): Promise<number> {
  const { rowCount } = await database.transaction(tenant, (query) =>
    query({
      // An array, not IN: a planner that thinks many will match would join with every job there is.
      text: `DELETE FROM job WHERE tenant = $1 AND id = ANY(ARRAY(
               SELECT id FROM job WHERE tenant = $1 AND state IN ('done', 'cancelled') AND finished_at < $2 ORDER BY finished_at LIMIT $3))`,
      values: [tenant, before, limit],
    }),
  );
  return rowCount ?? 0;
}
