/** Every change of a job's state is guarded by its fence, so that who lost a job can't change it. */
import { DomainError, type TenantId } from '#kernel';
import type { Append, Appended, EventStore, InlineRow, InlineTable, Query } from '#ledger';
import { dueRow, setDue } from './enqueue-job.js';
import type { JobState } from './job.js';
import { cancelJob, cancelJobsIn } from './remove-jobs.js';

/** A change of one job; refused unless the job still has this fence and this state. */
export interface JobChange {
  id: string;
  fence: number;
  from: JobState;
  to: JobState;
  /** When it becomes ready again. */
  runAt?: Date;
  /** Replaces the count of attempts; with none, nothing has failed either. */
  attempts?: number;
  generation?: number;
  /** Renewed lease, when it stays running. */
  leaseMs?: number;
  errorCode?: string;
  errorClass?: string;
  /** When it ended. */
  finishedAt?: Date;
  /** The dead job that it stood in for, and that needs nobody any more. */
  standsFor?: string;
}

/** Somebody else holds the job, or it was cancelled: nothing was written. For an officer: 409, read the job again. */
export class FenceLost extends DomainError {
  constructor() {
    super(409, 'job-changed', 'The job has changed meanwhile. Read it again and decide again.');
    this.name = 'FenceLost';
  }
}

/** Fence and state together name one attempt: every claim raises the fence, and every end of an attempt leaves `running`. */
const guarded = 'AND job.fence = c.fence AND job.state = c.from_state';
const update = `
  UPDATE job SET state = c.to_state, run_at = COALESCE(c.run_at, job.run_at), attempts = COALESCE(c.attempts, job.attempts),
    generation = COALESCE(c.generation, job.generation),
    lease_until = clock_timestamp() + c.lease_ms * interval '1 millisecond', finished_at = c.finished_at,
    last_error_code = COALESCE(c.code, CASE WHEN c.attempts = 0 THEN NULL ELSE job.last_error_code END),
    last_error_class = COALESCE(c.class, CASE WHEN c.attempts = 0 THEN NULL ELSE job.last_error_class END)
  FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::int[], $9::int[], $10::text[], $11::text[], $12::timestamptz[])
    AS c(id, fence, from_state, to_state, run_at, attempts, generation, lease_ms, code, class, finished_at)
  WHERE job.tenant = $1 AND job.id = c.id ${guarded}
  RETURNING job.id`;

/**
 * In a flush a lost fence must undo its own append: the statement fails on purpose (division by zero) unless every job
 * was changed. The ledger then halves the batch down to the guilty append, so neighbours are kept, and completions of
 * many jobs share one commit, which `Append.side` would not allow.
 */
export const jobChangeTable: InlineTable = {
  name: 'job_change',
  columns: 11,
  // Claims are no part of a flush, so the fences of then are not there when it is done again.
  redo: update.replace(guarded, ''),
  text: `WITH changed AS (${update}) SELECT 1 / (CASE WHEN count(*) = cardinality($2::uuid[]) THEN 1 ELSE 0 END) FROM changed`,
};

const divisionByZero = '22012';

function values(change: JobChange): unknown[] {
  return [
    change.id,
    change.fence,
    change.from,
    change.to,
    change.runAt?.toISOString() ?? null,
    change.attempts ?? null,
    change.generation ?? null,
    change.leaseMs ?? null,
    change.errorCode ?? null,
    change.errorClass ?? null,
    change.finishedAt?.toISOString() ?? null,
  ];
}

/** Rows for `Append.rows` that change a job together with the events; append them with `appendFenced`. */
export function changeRows(change: JobChange): InlineRow[] {
  const rows: InlineRow[] = [{ into: jobChangeTable, row: () => values(change) }];
  if (change.standsFor !== undefined) rows.push(cancelJob(change.standsFor));
  return change.to === 'ready' ? [...rows, dueRow(change.runAt)] : rows;
}

/** Appends; throws `FenceLost` with nothing appended when a job among the rows is no longer the caller's. */
export async function appendFenced(store: EventStore, append: Append): Promise<Appended> {
  try {
    return await store.append(append);
  } catch (error) {
    if ((error as { code?: unknown }).code === divisionByZero) throw new FenceLost();
    throw error;
  }
}

/** Changes jobs in a transaction of their own, each by itself. Returns the ids that were changed; the others lost their fence. */
export async function changeJobs(query: Query, tenant: TenantId, changes: JobChange[]): Promise<Set<string>> {
  // By id, as leases are renewed: two transactions that change the same jobs wait for each other one way only.
  const rows = [...changes].sort((one, other) => (one.id < other.id ? -1 : 1)).map(values);
  const columns = Array.from({ length: jobChangeTable.columns }, (_, column) => rows.map((row) => row[column]));
  const ready = changes.flatMap((change) => (change.to === 'ready' && change.runAt ? [change.runAt] : []));
  const [changed] = await Promise.all([
    query<{ id: string }>({ name: 'job-change', text: update, values: [tenant, ...columns] }),
    ready.length > 0 ? setDue(query, tenant, ready) : undefined,
  ]);
  const ids = new Set(changed.rows.map((row) => row.id));
  await cancelJobsIn(
    query,
    tenant,
    changes.flatMap(({ id, standsFor, finishedAt }) =>
      standsFor !== undefined && finishedAt && ids.has(id) ? [{ id: standsFor, at: finishedAt }] : [],
    ),
  );
  return ids;
}
