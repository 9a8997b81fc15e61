/** A waiting job whose answer has come runs now instead of at its next look. */
import type { TenantId } from '#kernel';
import type { InlineRow, InlineTable, Query } from '#ledger';
import { dueRow, setDue } from './enqueue-job.js';

const wakeTable: InlineTable = {
  name: 'job_wake',
  columns: 2,
  text: `UPDATE job SET run_at = w.at FROM unnest($2::uuid[], $3::timestamptz[]) AS w(id, at)
         WHERE job.tenant = $1 AND job.id = w.id AND job.state = 'ready' AND job.run_at > w.at`,
};

/** Rows for `Append.rows`: a job that waits for its time runs at once. A running or ended one stays as it is. */
export function wakeJob(id: string): InlineRow[] {
  return [{ into: wakeTable, row: (at) => [id, at.now] }, dueRow()];
}

/** The same for a transaction that appends nothing. */
export async function wakeIn(query: Query, tenant: TenantId, ids: readonly string[], now: Date): Promise<void> {
  if (ids.length === 0) return;
  await query({ name: 'job-wake', text: wakeTable.text, values: [tenant, ids, ids.map(() => now)] });
  await setDue(query, tenant, [now]);
}
