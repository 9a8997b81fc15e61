/** The list of deliveries, one more try, and a message to test an endpoint with. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { newId, notFound, type Clock } from '#kernel';
import { JobWorker } from '#jobs';
import { Database } from '#ledger';
import { CLOCK, KeyProvider, openCursor, sealCursor, type Caller } from '#platform';
import { addDelivery, type DeliveryRow } from './deliveries.js';
import { endpointDisabled } from '../propagation.errors.js';
import { freeLane, startLane } from './start-lanes.js';
import { WebhookEndpoints } from './webhook-endpoints.js';

const states = ['pending', 'delivered', 'failed'] as const;

export const SearchDeliveriesBody = z
  .strictObject({
    endpointId: z.uuid().optional(),
    state: z.enum(states).optional(),
    type: z.string().max(50).optional(),
    limit: z.int().min(1).max(500).default(50),
    cursor: z.string().min(1).max(500).optional(),
  })
  .meta({ id: 'SearchWebhookDeliveries' });

export const DeliveryView = z
  .strictObject({
    id: z.uuid(),
    endpointId: z.uuid(),
    type: z.string(),
    /** Null for a test. */
    position: z.int().nullable(),
    state: z.enum(states),
    attempts: z.int(),
    nextAttemptAt: z.string().nullable(),
    lastStatus: z.int().nullable(),
    /** `status-503`, `timeout`, `address-refused` and the like. */
    lastCode: z.string().nullable(),
    deliveredAt: z.string().nullable(),
    createdAt: z.string(),
  })
  .meta({ id: 'WebhookDelivery' });
export const DeliveryList = z
  .strictObject({ items: z.array(DeliveryView), next: z.string().nullable() })
  .meta({ id: 'WebhookDeliveries' });
export const DeliveryStarted = z.strictObject({ deliveryId: z.uuid() }).meta({ id: 'StartedWebhookDelivery' });

const LIST = 'webhook-deliveries';
/** Newest first; UUIDv7 ids sort by time. */
const END = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

@Injectable()
export class WebhookDeliveries {
  constructor(
    private readonly database: Database,
    private readonly endpoints: WebhookEndpoints,
    private readonly keys: KeyProvider,
    private readonly worker: JobWorker,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async search(by: Caller, wanted: z.infer<typeof SearchDeliveriesBody>): Promise<z.infer<typeof DeliveryList>> {
    const { cursor, limit, ...filter } = wanted;
    const [before = END] = cursor === undefined ? [] : openCursor(this.keys, by, LIST, filter, cursor);
    const { rows } = await this.database.fetch<DeliveryRow>(by.tenant, {
      name: 'webhook-deliveries',
      text: `SELECT * FROM webhook_delivery WHERE tenant = $1 AND id < $2 AND ($3::uuid IS NULL OR endpoint = $3)
             AND ($4::text IS NULL OR state = $4) AND ($5::text IS NULL OR type = $5) ORDER BY id DESC LIMIT $6`,
      values: [by.tenant, before, filter.endpointId ?? null, filter.state ?? null, filter.type ?? null, limit],
    });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return { items: rows.map(viewOf), next: last ? sealCursor(this.keys, by, LIST, filter, [last.id]) : null };
  }

  /** Sends it again, whatever became of it, in its place among those of the same person. Throws 404, 409 `endpoint-disabled`. */
  async redeliver(by: Caller, id: string): Promise<{ deliveryId: string }> {
    const row = await this.find(by, id);
    await this.assertEnabled(by, row.endpoint);
    const now = this.clock.now();
    await this.database.transaction(by.tenant, async (query) => {
      await freeLane(query, by.tenant, row.endpoint, row.lane);
      await query({
        text: `UPDATE webhook_delivery SET state = 'pending', attempts = 0, first_at = NULL, next_at = NULL, delivered_at = NULL
               WHERE tenant = $1 AND id = $2`,
        values: [by.tenant, id],
      });
      // A human who sends it now knows better than our last attempts.
      await query({
        text: 'UPDATE webhook_endpoint SET resume_at = NULL WHERE tenant = $1 AND id = $2',
        values: [by.tenant, row.endpoint],
      });
      await startLane(query, by.tenant, row.endpoint, row.lane, now);
    });
    this.worker.wake(by.tenant);
    return { deliveryId: id };
  }

  /** A signed message without content, to see that the receiver takes it. */
  async test(by: Caller, endpoint: string): Promise<{ deliveryId: string }> {
    await this.assertEnabled(by, endpoint);
    const id = newId();
    const now = this.clock.now();
    await this.database.transaction(by.tenant, async (query) => {
      await addDelivery(query, by.tenant, { id, endpoint, lane: id, position: null, type: 'webhook.test' }, now);
      await startLane(query, by.tenant, endpoint, id, now);
    });
    this.worker.wake(by.tenant);
    return { deliveryId: id };
  }

  private async find(by: Caller, id: string): Promise<DeliveryRow> {
    const { rows } = await this.database.fetch<DeliveryRow>(by.tenant, {
      name: 'webhook-delivery',
      text: 'SELECT * FROM webhook_delivery WHERE tenant = $1 AND id = $2',
      values: [by.tenant, id],
    });
    if (!rows[0]) throw notFound('webhook delivery');
    return rows[0];
  }

  private async assertEnabled(by: Caller, endpoint: string): Promise<void> {
    if ((await this.endpoints.get(by.tenant, endpoint)).status !== 'enabled') throw endpointDisabled();
  }
}

function viewOf(row: DeliveryRow): z.infer<typeof DeliveryView> {
  const { id, endpoint, type, position, state, attempts, last_status, last_code } = row;
  return {
    ...{ id, endpointId: endpoint, type, position, state, attempts, lastStatus: last_status, lastCode: last_code },
    nextAttemptAt: state === 'pending' ? (row.next_at?.toISOString() ?? null) : null,
    deliveredAt: row.delivered_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
