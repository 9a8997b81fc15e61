/**
 * Rows of deliveries and lanes. Whoever adds to a lane and whoever leaves it lock it, so that none is left lying. Locks are
 * taken in one order: lane, delivery, endpoint.
 */
import type { TenantId } from '#kernel';
import type { Query } from '#ledger';

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
