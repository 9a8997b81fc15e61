/** One attempt of one delivery: the signed call, and what the receiver's answer means. */
import { Inject, Injectable } from '@nestjs/common';
import { canonicalize, type Clock, type Json, type TenantId } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, CONFIG, OutboundFailure, sendGuarded, type Config, type GuardedAnswer } from '#platform';
import { CLOUD_EVENT_MEDIA_TYPE, cloudEvent, testEvent } from './cloud-event.js';
import type { DeliveryRow } from './deliveries.js';
import { retryAfterOf } from './delivery-retry.js';
import { eventNames } from '../event/event-id.js';
import { publicEventTypes, type PublicType } from '../event/public-event.js';
import { PublicEvents } from '../event/public-events.js';
import { signatureHeaders } from './standard-webhooks.js';
import { signingSecrets, type EndpointInside, type EndpointRow } from './webhook-endpoint.js';
import { WebhookEndpoints } from './webhook-endpoints.js';

const TIMEOUT_MS = 10_000;
/** Only the status is read; the rest of a long answer is not worth its bytes. */
const MAX_BYTES = 4_096;

/**
 * `unreached`: the endpoint as a whole did not answer, or asked to be left alone; `refused`: it answered, and not with
 * success; `gone`: it wants no more (410), or nobody can open its URL any more.
 */
export type Attempt =
  | { kind: 'delivered'; status: number }
  | { kind: 'gone'; status: number | null; code: 'gone' | 'secrets-unreadable' }
  | { kind: 'refused' | 'unreached'; status: number | null; code: string; retryAfterMs: number | undefined };

@Injectable()
export class AttemptDelivery {
  constructor(
    private readonly store: EventStore,
    private readonly events: PublicEvents,
    private readonly endpoints: WebhookEndpoints,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async attempt(tenant: TenantId, endpoint: EndpointRow, delivery: DeliveryRow, signal: AbortSignal): Promise<Attempt> {
    const inside = await this.endpoints.opened(tenant, endpoint);
    if (!inside) return { kind: 'gone', status: null, code: 'secrets-unreadable' };
    const event = await this.bodyOf(tenant, delivery);
    const now = this.clock.now();
    try {
      const answer = await this.send(inside, event['id'] as string, canonicalize(event), signal);
      return judge(answer, now);
    } catch (error) {
      // A worker that stops has learnt nothing about the receiver.
      if (signal.aborted || !(error instanceof OutboundFailure)) throw error;
      const kind = error.code === 'redirect-refused' ? 'refused' : 'unreached';
      return { kind, status: null, code: error.code, retryAfterMs: undefined };
    }
  }

  private send(inside: EndpointInside, id: string, body: string, signal: AbortSignal): Promise<GuardedAnswer> {
    const now = this.clock.now();
    const signature = signatureHeaders(signingSecrets(inside, now), id, now, body);
    const headers = { ...signature, 'content-type': CLOUD_EVENT_MEDIA_TYPE, 'user-agent': 'lethe-webhooks/1' };
    const allow = this.config.LETHE_OUTBOUND_ALLOW;
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, cut: true };
    return sendGuarded({ url: inside.url, headers, body, allow, signal, ...limits });
  }

  private async bodyOf(tenant: TenantId, delivery: DeliveryRow): Promise<Record<string, Json>> {
    const names = await eventNames(this.store, tenant);
    if (delivery.position === null) return testEvent(names.logId, delivery.id, delivery.created_at);
    const [event] = await this.events.of(await this.store.read(tenant, delivery.position, 1));
    if (event?.position !== delivery.position) throw new Error('a delivery stands for no public event');
    return cloudEvent(names, event);
  }
}

/** Statuses that speak of the endpoint and not of this message (RFC 9110 section 15.6, RFC 6585 section 4). */
const resting = new Set([429, 502, 503, 504]);

function judge({ status, headers }: GuardedAnswer, now: Date): Attempt {
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  if (status === 410) return { kind: 'gone', status, code: 'gone' };
  const retryAfterMs = retryAfterOf(headers['retry-after'], now);
  return { kind: resting.has(status) ? 'unreached' : 'refused', status, code: `status-${status}`, retryAfterMs };
}

/** The decision that a delivery tells of, when a system must obey it: then the receiver's success may be its word. */
export function decisionIn({ position, type }: DeliveryRow): number | undefined {
  return position !== null && publicEventTypes[type as PublicType].obey ? position : undefined;
}
