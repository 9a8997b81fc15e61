/** Works one lane of an endpoint: its deliveries one after another, for as long as they succeed. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import { done, later, type Chance, type Job, type JobContext, type JobResult } from '#jobs';
import { Database, type NewEvent, type Query } from '#ledger';
import { CLOCK } from '#platform';
import { AttemptDelivery, isAcknowledgement, type Attempt } from './attempt-delivery.js';
import { firstOfLane, jobOfLane, leaveLane, settleDelivery, type DeliveryRow } from './deliveries.js';
import { EndpointHealth } from './endpoint-health.js';
import { nextAttempt } from './delivery-retry.js';
import { acknowledged } from '../propagation.js';
import { endpointStream, type EndpointRow } from './webhook-endpoint.js';
import { WebhookEndpoints } from './webhook-endpoints.js';

export const lanePayload = z.strictObject({ endpoint: z.uuid(), lane: z.uuid() });
type Lane = z.infer<typeof lanePayload>;

/** Injection token of the jitter. */
export const CHANCE = Symbol('lethe:propagation-chance');
const ACTOR = 'system:propagation';
/** Then others of the same endpoint have their turn. */
const IN_A_ROW = 25;

type Failed = Extract<Attempt, { kind: 'refused' | 'unreached' }>;

/** Time and chance of deliveries. */
@Injectable()
export class DeliveryTime {
  constructor(
    @Inject(CLOCK) readonly clock: Clock,
    @Inject(CHANCE) readonly chance: Chance,
  ) {}
}

@Injectable()
export class WorkLane {
  constructor(
    private readonly database: Database,
    private readonly endpoints: WebhookEndpoints,
    private readonly attempts: AttemptDelivery,
    private readonly health: EndpointHealth,
    private readonly time: DeliveryTime,
  ) {}

  /** How many lanes of an endpoint may be worked at once now. */
  limit(endpoint: string): { concurrency: number } {
    return { concurrency: this.health.slots.most(endpoint) };
  }

  async run(job: Job<Lane>, context: JobContext): Promise<JobResult> {
    const { slots } = this.health;
    // Claimed together with too many that may hang: it is claimed again when one of them has left.
    if (!slots.enter(job.payload.endpoint)) return later(this.time.clock.now());
    try {
      return await this.work(job, context);
    } finally {
      slots.leave(job.payload.endpoint);
    }
  }

  private async work(job: Job<Lane>, context: JobContext): Promise<JobResult> {
    const { tenant, payload } = job;
    const { endpoint: endpointId, lane } = payload;
    // A job that was replaced while its worker was silent: two of them would send out of order.
    if ((await jobOfLane(this.database, tenant, endpointId, lane)) !== job.id) return done();
    for (let sent = 0; sent < IN_A_ROW; sent += 1) {
      const endpoint = await this.endpoints.find(tenant, endpointId);
      if (endpoint?.status !== 'enabled') return this.leave(tenant, payload, true);
      const query: Query = (statement) => this.database.fetch(tenant, statement);
      const delivery = await firstOfLane(query, tenant, endpointId, lane);
      if (!delivery) return this.leave(tenant, payload, false);
      const now = this.time.clock.now();
      const notBefore = await this.health.notBefore(tenant, endpoint, delivery.next_at, now);
      if (notBefore) return later(notBefore);
      await context.heartbeat();
      const attempt = await this.attempts.attempt(tenant, endpoint, delivery, context.signal);
      const result = await this.settle({ tenant, endpoint, delivery, context }, attempt);
      if (result) return result;
    }
    return later(this.time.clock.now());
  }

  /** Undefined: go on with the next of the lane. */
  private async settle(at: Attempted, attempt: Attempt): Promise<JobResult | undefined> {
    const { tenant, endpoint, delivery, context } = at;
    switch (attempt.kind) {
      case 'delivered': {
        // The word first: a crash in between repeats the message, and loses no acknowledgement.
        if (isAcknowledgement(endpoint, delivery)) {
          const word = acknowledged(endpoint.system ?? '', [delivery.position ?? 0], 'webhook');
          await context.append({ actorRef: ACTOR, events: [word] });
        }
        await this.write(at, { state: 'delivered', nextAt: null, status: attempt.status, code: null });
        await this.health.reached(tenant, endpoint);
        return undefined;
      }
      case 'gone':
        await this.write(at, { state: 'pending', nextAt: null, status: attempt.status, code: 'gone' });
        await this.health.disable(tenant, endpoint, 'gone', ACTOR);
        return this.leave(tenant, { endpoint: endpoint.id, lane: delivery.lane }, true);
      case 'refused':
      case 'unreached':
        return this.failed(at, attempt);
    }
  }

  private async failed(at: Attempted, { kind, status, code, retryAfterMs }: Failed): Promise<JobResult | undefined> {
    const { tenant, endpoint, delivery, context } = at;
    const now = this.time.clock.now();
    if (kind === 'unreached') await this.health.unreached(tenant, endpoint, now, retryAfterMs);
    // Whoever refuses one message is there for the others.
    else await this.health.reached(tenant, endpoint);
    const firstAt = delivery.first_at ?? now;
    const next = nextAttempt({ attempts: delivery.attempts + 1, firstAt, now, retryAfterMs }, this.time.chance);
    if (next) {
      await this.write(at, { state: 'pending', nextAt: next, status, code });
      return later(next);
    }
    const { id, position, type } = delivery;
    const given: NewEvent = {
      stream: endpointStream(endpoint.id),
      type: 'WebhookDeliveryFailed.v1',
      data: { id: endpoint.id, deliveryId: id, position, type, code },
    };
    await context.append({ actorRef: ACTOR, events: [given] });
    await this.write(at, { state: 'failed', nextAt: null, status, code });
    // Given up: those behind it must not wait for ever.
    return undefined;
  }

  private async write(
    { tenant, delivery }: Attempted,
    change: { state: DeliveryRow['state']; nextAt: Date | null; status: number | null; code: string | null },
  ): Promise<void> {
    const now = this.time.clock.now();
    await this.database.transaction(tenant, (query) => settleDelivery(query, tenant, delivery.id, { ...change, now }));
  }

  private async leave(tenant: TenantId, { endpoint, lane }: Lane, always: boolean): Promise<JobResult> {
    const left = await leaveLane(this.database, tenant, endpoint, lane, always);
    return left ? done() : later(this.time.clock.now());
  }
}

interface Attempted {
  tenant: TenantId;
  endpoint: EndpointRow;
  delivery: DeliveryRow;
  context: JobContext;
}
