/** Who gives lanes their jobs: one when something is added, all of an endpoint's when it is enabled, and those left lying. */
import { enqueueIn, type NewJob } from '#jobs';
import { newId, type TenantId } from '#kernel';
import type { Database, Query } from '#ledger';

/** Queue of the jobs that work a lane. */
export const WEBHOOK_LANE = 'webhook-lane';
/** Queue of the jobs that start all lanes of an endpoint. */
export const WEBHOOK_ANEW = 'webhook-endpoint-anew';
/** Lanes a transaction. */
const BATCH = 500;
const FIRST = '00000000-0000-0000-0000-000000000000';

/**
 * Gives lanes of an endpoint, in order, a job: those that have none, or all of them `anew`. The caller enqueues the jobs
 * last: from then until it commits nobody else of the tenant can enqueue, and whoever waits for a row then may wait for
 * one who holds that row and would enqueue.
 */
export async function giveJobs(
  query: Query,
  tenant: TenantId,
  endpoint: string,
  lanes: readonly string[],
  anew = false,
): Promise<NewJob[]> {
  const jobs = new Set(lanes.map(() => newId()));
  const { rows } = await query<{ lane: string; job: string }>({
    name: 'webhook-lanes-start',
    text: `INSERT INTO webhook_lane (tenant, endpoint, lane, job) SELECT $1, $2, s.lane, s.job FROM unnest($3::uuid[], $4::uuid[]) AS s(lane, job)
           ON CONFLICT (tenant, endpoint, lane) DO UPDATE SET job = CASE WHEN $5 THEN excluded.job ELSE COALESCE(webhook_lane.job, excluded.job) END
           RETURNING lane, job`,
    values: [tenant, endpoint, lanes, [...jobs], anew],
  });
  // Keyed by endpoint: one that hangs holds its own slots and nobody else's.
  return rows
    .filter(({ job }) => jobs.has(job))
    .map(({ lane, job }) => ({ id: job, queue: WEBHOOK_LANE, key: endpoint, payload: { endpoint, lane } }));
}

/** Gives a lane a job unless it has one. */
export async function startLane(
  query: Query,
  tenant: TenantId,
  endpoint: string,
  lane: string,
  now: Date,
): Promise<void> {
  await enqueueIn(query, tenant, await giveJobs(query, tenant, endpoint, [lane]), now);
}

/** Takes a lane's job, which may wait for its next attempt, so that `startLane` starts it now; one that is sending looks again by itself. */
export async function freeLane(query: Query, tenant: TenantId, endpoint: string, lane: string): Promise<void> {
  await query({
    name: 'webhook-lane-free',
    text: `UPDATE webhook_lane SET job = NULL WHERE tenant = $1 AND endpoint = $2 AND lane = $3
           AND (sender IS NULL OR sending_until <= clock_timestamp())`,
    values: [tenant, endpoint, lane],
  });
}

/**
 * Starts every lane of an endpoint that has something to send; their 72 hours begin anew. What is being sent ends first. In
 * batches of their own, after the endpoint is enabled: whoever still found it disabled had seen nothing that is not seen here.
 * @param goOn before each batch; what it throws ends the work, and a repeat begins it again
 */
export async function startAllLanes(
  database: Database,
  tenant: TenantId,
  endpoint: string,
  now: Date,
  goOn: () => Promise<void>,
): Promise<void> {
  let after = FIRST;
  for (let more = true; more;) {
    await goOn();
    const lanes = await database.transaction(tenant, (query) => startNext(query, tenant, endpoint, { after, now }));
    after = lanes.at(-1) ?? after;
    more = lanes.length === BATCH;
  }
}

async function startNext(
  query: Query,
  tenant: TenantId,
  endpoint: string,
  { after, now }: { after: string; now: Date },
): Promise<string[]> {
  const { rows } = await query<{ lane: string }>({
    name: 'webhook-lanes-open',
    text: `SELECT DISTINCT lane FROM webhook_delivery WHERE tenant = $1 AND endpoint = $2 AND state = 'pending' AND lane > $3
           ORDER BY lane LIMIT ${BATCH}`,
    values: [tenant, endpoint, after],
  });
  const lanes = rows.map(({ lane }) => lane);
  const jobs = await giveJobs(query, tenant, endpoint, lanes, true);
  await query({
    name: 'webhook-deliveries-anew',
    text: `UPDATE webhook_delivery SET attempts = 0, first_at = NULL, next_at = NULL
           WHERE tenant = $1 AND endpoint = $2 AND state = 'pending' AND lane = ANY($3::uuid[])`,
    values: [tenant, endpoint, lanes],
  });
  await enqueueIn(query, tenant, jobs, now);
  return lanes;
}

/** Starts what has something to send, an endpoint that wants it and no job: somebody who was to start it has died. */
export async function startIdleLanes(database: Database, tenant: TenantId, now: Date): Promise<void> {
  for (let more = true; more;)
    more = await database.transaction(tenant, async (query) => {
      const { rows } = await query<{ endpoint: string; lanes: string[] }>({
        name: 'webhook-lanes-idle',
        text: `SELECT endpoint, array_agg(lane ORDER BY lane) AS lanes FROM (
                 SELECT DISTINCT d.endpoint, d.lane FROM webhook_delivery d
                 JOIN webhook_endpoint e ON e.tenant = $1 AND e.id = d.endpoint AND e.status = 'enabled'
                 WHERE d.tenant = $1 AND d.state = 'pending' AND NOT EXISTS (
                   SELECT FROM webhook_lane l WHERE l.tenant = $1 AND l.endpoint = d.endpoint AND l.lane = d.lane AND l.job IS NOT NULL)
                 LIMIT ${BATCH}) AS idle GROUP BY endpoint ORDER BY endpoint`,
        values: [tenant],
      });
      const jobs: NewJob[] = [];
      for (const { endpoint, lanes } of rows) jobs.push(...(await giveJobs(query, tenant, endpoint, lanes)));
      await enqueueIn(query, tenant, jobs, now);
      return rows.flatMap(({ lanes }) => lanes).length === BATCH;
    });
}
