/** Jobs enter in the same transaction as the facts that cause them: neither exists without the other. */
import { canonicalize, newId, type TenantId } from '#kernel';
import type { Flushed, InlineRow, InlineTable, Query } from '#ledger';
import type { NewJob } from './job.js';

const jobTable: InlineTable = {
  name: 'job',
  columns: 8,
  text: `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, max_attempts, dedupe_key, created_at)
         SELECT $1, j.id, j.queue, j.key, j.payload, 'ready', j.run_at, j.max_attempts, j.dedupe_key, j.created_at
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::text[], $9::timestamptz[])
           AS j(id, queue, key, payload, run_at, max_attempts, dedupe_key, created_at)
         ON CONFLICT DO NOTHING`,
};

const dueTable: InlineTable = {
  name: 'job_due',
  columns: 1,
  text: `INSERT INTO job_due (tenant, next_run_at) SELECT $1::uuid, min(d.run_at) FROM unnest($2::timestamptz[]) AS d(run_at)
         ON CONFLICT (tenant) DO UPDATE SET next_run_at = LEAST(job_due.next_run_at, EXCLUDED.next_run_at)`,
};

/** Row that makes workers look at the tenant at `runAt`, at the latest. Belongs beside every job that becomes ready. */
export function dueRow(runAt?: Date): InlineRow {
  return { into: dueTable, row: (at) => [runAt?.toISOString() ?? at.now] };
}

/** True for a commit that may have made a job ready. */
export function mayBeDue({ wrote }: Flushed): boolean {
  return wrote(dueTable);
}

/** The same outside a flush. */
export async function setDue(query: Query, tenant: TenantId, runAt: Date[]): Promise<void> {
  await query({ name: 'job-due', text: dueTable.text, values: [tenant, runAt] });
}

function values(job: NewJob): (now: string) => unknown[] {
  // Serialised here and not in the flush, so that a payload without canonical form is its own caller's error.
  const payload = canonicalize(job.payload);
  const id = job.id ?? newId();
  // The clock and not `recordedAt`: after a clock that ran ahead a job would wait until time has caught up.
  return (now) => [
    id,
    job.queue,
    job.key ?? '',
    payload,
    job.runAt?.toISOString() ?? now,
    job.maxAttempts ?? null,
    job.dedupeKey ?? null,
    now,
  ];
}

/**
 * Rows for `Append.rows`: the job exists if and only if the append does. A repeated `dedupeKey` changes nothing.
 * Throws `NotCanonical` for a payload that can't be stored.
 */
export function enqueue(job: NewJob): InlineRow[] {
  const row = values(job);
  return [{ into: jobTable, row: (at) => row(at.now) }, dueRow(job.runAt)];
}

/** The same for a transaction that appends nothing. `now` is the time of creation, and of the run when the job names none. */
export async function enqueueIn(query: Query, tenant: TenantId, jobs: NewJob[], now: Date): Promise<void> {
  if (jobs.length === 0) return;
  const rows = jobs.map((job) => values(job)(now.toISOString()));
  const columns = Array.from({ length: jobTable.columns }, (_, column) => rows.map((row) => row[column]));
  await query({ name: 'job-enqueue', text: jobTable.text, values: [tenant, ...columns] });
  await setDue(
    query,
    tenant,
    jobs.map((job) => job.runAt ?? now),
  );
}
