/** Works one lane of an endpoint: its deliveries one after another, for as long as they succeed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import {
  done,
  enqueueIn,
  later,
  type Chance,
  type DeadJudge,
  type Job,
  type JobContext,
  type JobResult,
  type NewJob,
} from '#jobs';
import { Database, type NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { AttemptDelivery, decisionIn, type Attempt } from './attempt-delivery.js';
import { removeDeliveries, settleDelivery, type DeliveryRow } from './deliveries.js';
import { EndpointHealth } from './endpoint-health.js';
import { nextAttempt } from './delivery-retry.js';
import { endTurn, leaveLane, takeTurn, type LaneOfJob } from './lane-turn.js';
import { giveJobs, startAllLanes, startIdleLanes } from './start-lanes.js';
import { acknowledged } from '../propagation.js';
import { endpointStream, type EndpointRow } from './webhook-endpoint.js';
import { WebhookEndpoints } from './webhook-endpoints.js';

export const lanePayload = z.strictObject({ endpoint: z.uuid(), lane: z.uuid() });
export const anewPayload = z.strictObject({ endpoint: z.uuid() });
type Lane = z.infer<typeof lanePayload>;

/** Injection token of the jitter. */
export const CHANCE = Symbol('lethe:propagation-chance');
const ACTOR = 'system:propagation';
/** Then others of the same endpoint have their turn. */
const IN_A_ROW = 25;
/** How soon a replaced job's attempt is seen to have ended. */
const LOOK_MS = 200;

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

  /** Starts everything an endpoint that was enabled has to send. */
  async startAll({ tenant, payload }: Job<z.infer<typeof anewPayload>>, context: JobContext): Promise<JobResult> {
    const { endpoint } = payload;
    if ((await this.endpoints.find(tenant, endpoint))?.status === 'enabled')
      await startAllLanes(this.database, tenant, endpoint, this.time.clock.now(), () => context.heartbeat());
    return done();
  }

  /** Starts what lies without anybody who would start it. */
  resume(tenant: TenantId): Promise<void> {
    return startIdleLanes(this.database, tenant, this.time.clock.now());
  }

  /** What nobody here can read of a dead job, its lane knows: that goes on by another job, and the dead one needs nobody. */
  readonly judge: DeadJudge = (tenant, dead) =>
    this.database.transaction(tenant, async (query) => {
      const { rows } = await query<{ endpoint: string; lane: string }>({
        name: 'webhook-lane-of-dead',
        text: 'UPDATE webhook_lane SET job = NULL WHERE tenant = $1 AND job = ANY($2::uuid[]) RETURNING endpoint, lane',
        values: [tenant, dead.map(({ id }) => id)],
      });
      const jobs: NewJob[] = [];
      for (const { endpoint, lane } of rows) jobs.push(...(await giveJobs(query, tenant, endpoint, [lane])));
      await enqueueIn(query, tenant, jobs, this.time.clock.now());
      return dead.map(({ id }) => ({ id, after: 'over' as const }));
    });

  private async work({ id: job, tenant, payload }: Job<Lane>, context: JobContext): Promise<JobResult> {
    const own = { ...payload, job };
    for (let sent = 0; sent < IN_A_ROW;) {
      const endpoint = await this.endpoints.find(tenant, payload.endpoint);
      if (!endpoint) return this.forget(tenant, payload.endpoint);
      if (endpoint.status !== 'enabled') return this.leave(tenant, own);
      const turn = await takeTurn(this.database, tenant, own, (query, { next_at }) =>
        this.health.notBefore(query, tenant, endpoint, next_at, this.time.clock.now()),
      );
      switch (turn.kind) {
        case 'left':
          return done();
        case 'wait':
          return later(turn.until);
        case 'busy':
          await sleep(LOOK_MS, undefined, { signal: context.signal });
          break;
        case 'send': {
          sent += 1;
          await context.heartbeat();
          const attempt = await this.attempts.attempt(tenant, endpoint, turn.delivery, context.signal);
          const isGone = await this.settle({ tenant, endpoint, delivery: turn.delivery, job, context }, attempt);
          if (isGone) return this.leave(tenant, own);
        }
      }
    }
    return later(this.time.clock.now());
  }

  /** True when the endpoint wants no more. Otherwise the lane is looked at again: somebody may have sent something anew. */
  private async settle(at: Attempted, attempt: Attempt): Promise<boolean> {
    const { tenant, endpoint, delivery, context } = at;
    switch (attempt.kind) {
      case 'delivered': {
        // The word first: a crash in between repeats the message, and loses no acknowledgement.
        const decision = decisionIn(delivery);
        const system = decision === undefined ? undefined : await this.endpoints.systemOf(tenant, endpoint);
        if (decision !== undefined && system !== undefined)
          await context.append({ actorRef: ACTOR, events: [acknowledged(system, [decision], 'webhook')] });
        await this.write(at, { state: 'delivered', nextAt: null, status: attempt.status, code: null });
        await this.health.reached(tenant, endpoint);
        return false;
      }
      case 'gone':
        await this.write(at, { state: 'pending', nextAt: null, status: attempt.status, code: attempt.code });
        await this.health.disable(tenant, endpoint, attempt.code, ACTOR);
        return true;
      case 'refused':
      case 'unreached':
        await this.failed(at, attempt);
        return false;
    }
  }

  private async failed(at: Attempted, { kind, status, code, retryAfterMs }: Failed): Promise<void> {
    const { tenant, endpoint, delivery, context } = at;
    const now = this.time.clock.now();
    if (kind === 'unreached') await this.health.unreached(tenant, endpoint, now, retryAfterMs);
    // Whoever refuses one message is there for the others.
    else await this.health.reached(tenant, endpoint);
    const firstAt = delivery.first_at ?? now;
    const next = nextAttempt({ attempts: delivery.attempts + 1, firstAt, now, retryAfterMs }, this.time.chance);
    if (next) return this.write(at, { state: 'pending', nextAt: next, status, code });
    const { id, position, type } = delivery;
    const given: NewEvent = {
      stream: endpointStream(endpoint.id),
      type: 'WebhookDeliveryFailed.v1',
      data: { id: endpoint.id, deliveryId: id, position, type, code },
    };
    await context.append({ actorRef: ACTOR, events: [given] });
    // Given up: those behind it must not wait for ever.
    await this.write(at, { state: 'failed', nextAt: null, status, code });
  }

  private async write(
    { tenant, delivery, job }: Attempted,
    change: { state: DeliveryRow['state']; nextAt: Date | null; status: number | null; code: string | null },
  ): Promise<void> {
    const now = this.time.clock.now();
    const { id, endpoint, lane } = delivery;
    await this.database.transaction(tenant, async (query) => {
      await endTurn(query, tenant, { endpoint, lane, job });
      await settleDelivery(query, tenant, id, { ...change, now });
    });
  }

  private async forget(tenant: TenantId, endpoint: string): Promise<JobResult> {
    await this.database.transaction(tenant, (query) => removeDeliveries(query, tenant, endpoint));
    return done();
  }

  private async leave(tenant: TenantId, own: LaneOfJob): Promise<JobResult> {
    await leaveLane(this.database, tenant, own);
    return done();
  }
}

interface Attempted {
  tenant: TenantId;
  endpoint: EndpointRow;
  delivery: DeliveryRow;
  job: string;
  context: JobContext;
}
