/** How an endpoint as a whole is doing: a rest after it could not be reached, and the end when it wants no more. */
import { Injectable } from '@nestjs/common';
import { enqueue } from '#jobs';
import type { TenantId } from '#kernel';
import { EventStore, type InlineRow, type Query } from '#ledger';
import { restUntil } from './delivery-retry.js';
import { DeliverySlots } from './delivery-slots.js';
import { WEBHOOK_ANEW } from './start-lanes.js';
import { endpointStream, type DisabledBecause, type EndpointRow } from './webhook-endpoint.js';

/** One delivery tries whether the endpoint is back; the others wait this long for its answer. */
const PROBE_MS = 12_000;

@Injectable()
export class EndpointHealth {
  constructor(
    private readonly store: EventStore,
    readonly slots: DeliverySlots,
  ) {}

  /** When a delivery may start; undefined = now. After a rest one delivery goes first and the others wait for it. */
  async notBefore(
    query: Query,
    tenant: TenantId,
    { id, resume_at }: EndpointRow,
    nextAt: Date | null,
    now: Date,
  ): Promise<Date | undefined> {
    if (nextAt && nextAt > now) return nextAt;
    if (!resume_at) return undefined;
    if (resume_at > now) return resume_at;
    const probing = new Date(now.getTime() + PROBE_MS);
    const { rowCount } = await query({
      name: 'webhook-endpoint-probe',
      text: 'UPDATE webhook_endpoint SET resume_at = $3 WHERE tenant = $1 AND id = $2 AND resume_at = $4',
      values: [tenant, id, probing, resume_at],
    });
    return rowCount === 1 ? undefined : probing;
  }

  /** It answered: everybody may go on. */
  async reached(tenant: TenantId, { id, failures, resume_at }: EndpointRow): Promise<void> {
    this.slots.answered(id);
    if (failures === 0 && !resume_at) return;
    await this.update(tenant, {
      name: 'webhook-endpoint-reached',
      text: 'UPDATE webhook_endpoint SET failures = 0, resume_at = NULL WHERE tenant = $1 AND id = $2',
      values: [tenant, id],
    });
  }

  /** Its own wish to be left alone (Retry-After) holds for all its deliveries. */
  async unreached(
    tenant: TenantId,
    { id, failures }: EndpointRow,
    now: Date,
    retryAfterMs: number | undefined,
  ): Promise<void> {
    this.slots.silent(id);
    await this.update(tenant, {
      name: 'webhook-endpoint-unreached',
      text: `UPDATE webhook_endpoint SET failures = failures + 1, resume_at = GREATEST($3::timestamptz, resume_at) WHERE tenant = $1 AND id = $2`,
      values: [tenant, id, restUntil(failures + 1, now, retryAfterMs)],
    });
  }

  /** What is pending stays, and goes out when a human enables the endpoint again. */
  disable(tenant: TenantId, row: EndpointRow, because: DisabledBecause, actorRef: string): Promise<void> {
    return this.setStatus(tenant, row, 'disabled', because, actorRef);
  }

  /** Everything undelivered is due at once, with 72 hours of its own: by a job, because a backlog takes its time. */
  enable(tenant: TenantId, row: EndpointRow, actorRef: string): Promise<void> {
    const anew = enqueue({ queue: WEBHOOK_ANEW, payload: { endpoint: row.id } });
    return this.setStatus(tenant, row, 'enabled', null, actorRef, anew);
  }

  private async setStatus(
    tenant: TenantId,
    { id, status }: EndpointRow,
    after: 'enabled' | 'disabled',
    because: DisabledBecause | null,
    actorRef: string,
    rows: InlineRow[] = [],
  ): Promise<void> {
    if (status === after) return;
    const data = { id, before: { status }, after: { status: after, because } };
    await this.store.append({
      ...{ tenant, actorRef, events: [{ stream: endpointStream(id), type: 'WebhookEndpointChanged.v1', data }], rows },
      side: async (query) => {
        await query({
          text: `UPDATE webhook_endpoint SET status = $3, disabled_because = $4, failures = 0, resume_at = NULL WHERE tenant = $1 AND id = $2`,
          values: [tenant, id, after, because],
        });
      },
    });
  }

  private async update(tenant: TenantId, statement: Parameters<Query>[0]): Promise<void> {
    await this.store.database.transaction(tenant, (query) => query(statement));
  }
}
