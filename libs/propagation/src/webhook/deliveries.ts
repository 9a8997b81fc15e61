/**
 * Rows of deliveries and lanes. Whoever adds to a lane and whoever leaves it lock it, so that none is left lying. Locks are
 * taken in one order: lane, delivery, endpoint.
 */
import { newId, type TenantId } from '#kernel';
import { enqueueIn } from '#jobs';
import type { Query } from '#ledger';

/** Queue of the jobs that work a lane. */
export const WEBHOOK_LANE = 'webhook-lane';

export interface DeliveryRow {
  id: string;
  endpoint: string;
  lane: string;
  /** Null for a test. */
  position: number | null;
  type: string;
  state: 'pending' | 'delivered' | 'failed';
  attempts: number;
  first_at: Date | null;
  next_at: Date | null;
  last_status: number | null;
  last_code: string | null;
  delivered_at: Date | null;
  created_at: Date;
}

/** A delivery to be made. `lane` is the person; deliveries of one lane leave one after another, by position. */
export type NewDelivery = Pick<DeliveryRow, 'id' | 'endpoint' | 'lane' | 'position' | 'type'>;

/** Adds a delivery once per endpoint and position; false when it was there. The caller starts the lane. */
export async function addDelivery(query: Query, tenant: TenantId, delivery: NewDelivery, now: Date): Promise<boolean> {
  const { id, endpoint, lane, position, type } = delivery;
  const { rowCount } = await query({
    name: 'webhook-delivery-add',
    text: `INSERT INTO webhook_delivery (tenant, id, endpoint, lane, position, type, state, created_at)
           VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7) ON CONFLICT (tenant, endpoint, position) DO NOTHING`,
    values: [tenant, id, endpoint, lane, position, type, now],
  });
  return rowCount === 1;
}

/** Gives a lane a job unless it has one. */
export async function startLane(
  query: Query,
  tenant: TenantId,
  endpoint: string,
  lane: string,
  now: Date,
): Promise<void> {
  const job = newId();
  const { rows } = await query<{ job: string }>({
    name: 'webhook-lane-start',
    text: `INSERT INTO webhook_lane (tenant, endpoint, lane, job) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant, endpoint, lane) DO UPDATE SET job = COALESCE(webhook_lane.job, excluded.job) RETURNING job`,
    values: [tenant, endpoint, lane, job],
  });
  if (rows[0]?.job !== job) return;
  // Keyed by endpoint: one that hangs holds its own slots and nobody else's.
  const payload = { endpoint, lane };
  await enqueueIn(query, tenant, [{ id: job, queue: WEBHOOK_LANE, key: endpoint, payload }], now);
}

/** Starts a lane now, though its job may wait for its next attempt; one that is sending looks at its lane again by itself. */
export async function hastenLane(
  query: Query,
  tenant: TenantId,
  endpoint: string,
  lane: string,
  now: Date,
): Promise<void> {
  await query({
    name: 'webhook-lane-hasten',
    text: `UPDATE webhook_lane SET job = NULL WHERE tenant = $1 AND endpoint = $2 AND lane = $3
           AND (sender IS NULL OR sending_until <= clock_timestamp())`,
    values: [tenant, endpoint, lane],
  });
  await startLane(query, tenant, endpoint, lane, now);
}

/** Starts every lane of an endpoint that has something to send; their 72 hours begin anew. What is being sent ends first. */
export async function startAllLanes(query: Query, tenant: TenantId, endpoint: string, now: Date): Promise<void> {
  await query({
    name: 'webhook-lanes-reset',
    text: 'UPDATE webhook_lane SET job = NULL WHERE tenant = $1 AND endpoint = $2',
    values: [tenant, endpoint],
  });
  const { rows } = await query<{ lane: string }>({
    name: 'webhook-lanes-open',
    text: `UPDATE webhook_delivery SET attempts = 0, first_at = NULL, next_at = NULL WHERE tenant = $1 AND endpoint = $2 AND state = 'pending'
           RETURNING lane`,
    values: [tenant, endpoint],
  });
  for (const lane of new Set(rows.map((row) => row.lane))) await startLane(query, tenant, endpoint, lane, now);
}

const firstText = `SELECT * FROM webhook_delivery WHERE tenant = $1 AND endpoint = $2 AND lane = $3 AND state = 'pending'
                   ORDER BY position NULLS FIRST, id LIMIT 1`;

/** The delivery a lane must make first. */
export async function firstOfLane(
  query: Query,
  tenant: TenantId,
  endpoint: string,
  lane: string,
): Promise<DeliveryRow | undefined> {
  const values = [tenant, endpoint, lane];
  const { rows } = await query<DeliveryRow>({ name: 'webhook-lane-first', text: firstText, values });
  return rows[0];
}

/** What became of an attempt. */
export async function settleDelivery(
  query: Query,
  tenant: TenantId,
  id: string,
  change: {
    state: DeliveryRow['state'];
    now: Date;
    nextAt: Date | null;
    status: number | null;
    code: string | null;
  },
): Promise<void> {
  await query({
    name: 'webhook-delivery-settle',
    text: `UPDATE webhook_delivery SET state = $3, attempts = attempts + 1, first_at = COALESCE(first_at, $4), next_at = $5, last_status = $6,
             last_code = $7, delivered_at = CASE WHEN $3 = 'delivered' THEN $4 END WHERE tenant = $1 AND id = $2`,
    values: [tenant, id, change.state, change.now, change.nextAt, change.status, change.code],
  });
}

/**
 * Removes everything of an endpoint: with it, and again when a step that still listed it has added to it since. Whoever
 * adds starts a lane, and whoever works that lane finds that the endpoint is gone.
 */
export async function removeDeliveries(query: Query, tenant: TenantId, endpoint: string): Promise<void> {
  const values = [tenant, endpoint];
  await query({ text: 'DELETE FROM webhook_lane WHERE tenant = $1 AND endpoint = $2', values });
  await query({ text: 'DELETE FROM webhook_delivery WHERE tenant = $1 AND endpoint = $2', values });
}
