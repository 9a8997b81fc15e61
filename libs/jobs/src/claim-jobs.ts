/** Takes jobs of one tenant under a lease. Claims of a tenant are serial (its `job_due` row is locked), so limits are exact. */
import type { TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import { chooseJobs, type Bucket, type Choice, type OpenJob, type Situation } from './choose-jobs.js';
import type { Job } from './job.js';

/** What this process offers to a claim. */
export interface Claim extends Pick<Situation, 'now' | 'slots' | 'capacity' | 'limit'> {
  tenant: TenantId;
  /** Lease by queue, in milliseconds. */
  leaseMs: ReadonlyMap<string, number>;
}

/** A claimed job: its payload is still the stored text. */
export type ClaimedJob = Job<string> & { leaseMs: number };

/** Candidates of one (queue, key): a long backlog behind a slow connection costs a claim no more than a short one. */
const LANE = 16;

/**
 * Tenants with something to do. `run_at` is the product's time, which a test clock may move; leases are kept in the
 * database's time, because they tell live processes from dead ones.
 */
export async function dueTenants(database: Database, now: Date, quiet: TenantId[], most: number): Promise<TenantId[]> {
  const { rows } = await database.global<{ tenant: TenantId }>({
    name: 'job-due-tenants',
    text: `SELECT tenant FROM job_due WHERE (next_run_at <= $1 OR next_lease_at <= clock_timestamp()) AND tenant <> ALL($2::uuid[])
           ORDER BY next_run_at LIMIT $3`,
    values: [now, quiet, most],
  });
  return rows.map((row) => row.tenant);
}

/** Claims what limits and slots allow. */
export async function claimJobs(database: Database, claim: Claim): Promise<ClaimedJob[]> {
  return database.transaction(claim.tenant, async (query) => {
    const seen = await look(query, claim.tenant);
    const choice = chooseJobs({ ...claim, ...seen });
    const [claimed] = await Promise.all([
      choice.ids.length > 0 ? take(query, claim, choice.ids) : [],
      ...choice.buckets.map((bucket) => fill(query, claim.tenant, bucket)),
      setNext(query, claim, choice, seen),
    ]);
    return claimed;
  });
}

interface Seen extends Pick<Situation, 'open' | 'running' | 'buckets'> {
  /** Earliest end of a valid lease. */
  leaseUntil: Date | undefined;
  /** Jobs that were not read, behind the last one of a full lane, are not due before this. */
  behind: Date | undefined;
}

/** One round trip: the lock first, so that the reads after it see what the claim before this one did. */
async function look(query: Query, tenant: TenantId): Promise<Seen> {
  const values = [tenant];
  const [, ready, running, buckets] = await Promise.all([
    query({ name: 'job-due-lock', text: 'SELECT next_run_at FROM job_due WHERE tenant = $1 FOR UPDATE', values }),
    query<ReadyRow>({ name: 'job-ready', text: readyText, values }),
    query<RunningRow>({ name: 'job-running', text: runningText, values }),
    query<BucketRow>({
      name: 'job-buckets',
      text: 'SELECT concurrency_key, tokens, refilled_at FROM job_bucket WHERE tenant = $1',
      values,
    }),
  ]);
  const open: OpenJob[] = ready.rows.map((row) => ({
    id: row.id,
    queue: row.queue,
    key: row.concurrency_key,
    runAt: row.run_at,
    expired: false,
  }));
  const counts = new Map<string, number>();
  let leaseUntil: Date | undefined;
  for (const row of running.rows) {
    if (row.expired) {
      open.push({ id: row.id, queue: row.queue, key: row.concurrency_key, runAt: row.run_at, expired: true });
      continue;
    }
    counts.set(row.concurrency_key, (counts.get(row.concurrency_key) ?? 0) + 1);
    leaseUntil = earliest([leaseUntil, row.lease_until]);
  }
  const known = buckets.rows.map((row): [string, Bucket] => [
    row.concurrency_key,
    { key: row.concurrency_key, tokens: row.tokens, refilledAt: row.refilled_at },
  ]);
  return {
    open,
    running: counts,
    buckets: new Map(known),
    leaseUntil,
    behind: earliest(ready.rows.filter((row) => row.place === LANE).map((row) => row.run_at)),
  };
}

function earliest(dates: (Date | undefined)[]): Date | undefined {
  return dates.reduce((first, date) => (first && (!date || first <= date) ? first : date), undefined);
}

interface ReadyRow {
  id: string;
  queue: string;
  concurrency_key: string;
  run_at: Date;
  place: number;
}

/** Hops over the index from lane to lane, and reads the first jobs of each. */
const readyText = `
  WITH RECURSIVE lane AS (
    (SELECT queue, concurrency_key FROM job WHERE tenant = $1 AND state = 'ready' ORDER BY queue, concurrency_key LIMIT 1)
    UNION ALL
    SELECT n.queue, n.concurrency_key FROM lane AS l, LATERAL (
      SELECT queue, concurrency_key FROM job
      WHERE tenant = $1 AND state = 'ready' AND (queue, concurrency_key) > (l.queue, l.concurrency_key)
      ORDER BY queue, concurrency_key LIMIT 1) AS n)
  SELECT f.id, l.queue, l.concurrency_key, f.run_at, (row_number() OVER (PARTITION BY l.queue, l.concurrency_key))::int AS place
  FROM lane AS l, LATERAL (
    SELECT id, run_at FROM job
    WHERE tenant = $1 AND state = 'ready' AND queue = l.queue AND concurrency_key = l.concurrency_key
    ORDER BY run_at, id LIMIT ${LANE}) AS f`;

interface RunningRow extends Omit<ReadyRow, 'place'> {
  lease_until: Date;
  expired: boolean;
}

const runningText = `
  SELECT id, queue, concurrency_key, run_at, lease_until, lease_until < clock_timestamp() AS expired
  FROM job WHERE tenant = $1 AND state = 'running'`;

interface BucketRow {
  concurrency_key: string;
  tokens: number;
  refilled_at: Date;
}

interface ClaimedRow {
  id: string;
  queue: string;
  concurrency_key: string;
  payload: string;
  attempts: number;
  max_attempts: number | null;
  generation: number;
  fence: number;
  dedupe_key: string | null;
}

/** SKIP LOCKED: a row whose silent holder is completing it at this very moment is his. */
async function take(query: Query, claim: Claim, ids: string[]): Promise<ClaimedJob[]> {
  const queues = [...claim.leaseMs.keys()];
  const { rows } = await query<ClaimedRow>({
    name: 'job-claim',
    text: `WITH free AS (
             SELECT id FROM job WHERE tenant = $1 AND id = ANY($2::uuid[])
               AND (state = 'ready' OR (state = 'running' AND lease_until < clock_timestamp())) FOR UPDATE SKIP LOCKED)
           UPDATE job SET state = 'running', attempts = attempts + 1, fence = fence + 1,
             lease_until = clock_timestamp() + l.ms * interval '1 millisecond'
           FROM free, unnest($3::text[], $4::int[]) AS l(queue, ms)
           WHERE job.tenant = $1 AND job.id = free.id AND l.queue = job.queue
           RETURNING job.id, job.queue, concurrency_key, payload, attempts, max_attempts, generation, fence, dedupe_key`,
    values: [claim.tenant, ids, queues, queues.map((queue) => claim.leaseMs.get(queue))],
  });
  return rows.map((row) => ({
    tenant: claim.tenant,
    id: row.id,
    queue: row.queue,
    key: row.concurrency_key,
    payload: row.payload,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    generation: row.generation,
    fence: row.fence,
    dedupeKey: row.dedupe_key,
    leaseMs: claim.leaseMs.get(row.queue) ?? 0,
  }));
}

async function fill(query: Query, tenant: TenantId, bucket: Bucket): Promise<void> {
  await query({
    name: 'job-bucket-fill',
    text: `INSERT INTO job_bucket (tenant, concurrency_key, tokens, refilled_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant, concurrency_key) DO UPDATE SET tokens = EXCLUDED.tokens, refilled_at = EXCLUDED.refilled_at`,
    values: [tenant, bucket.key, bucket.tokens, bucket.refilledAt],
  });
}

/** Exact because enqueuers wait for the lock of this row: a job that becomes ready meanwhile lowers the time afterwards. */
async function setNext(query: Query, claim: Claim, choice: Choice, seen: Seen): Promise<void> {
  const leaseMs = choice.ids.length > 0 ? Math.min(...claim.leaseMs.values()) : null;
  await query({
    name: 'job-due-next',
    text: `UPDATE job_due SET next_run_at = $2, next_lease_at = LEAST($3::timestamptz, clock_timestamp() + $4::int * interval '1 millisecond')
           WHERE tenant = $1`,
    values: [claim.tenant, earliest([choice.nextRunAt, seen.behind]) ?? 'infinity', seen.leaseUntil ?? null, leaseMs],
  });
}
