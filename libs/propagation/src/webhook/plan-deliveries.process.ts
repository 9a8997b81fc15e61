/** From the ledger to everybody who must hear of it: one row a delivery, one job a connector to be told. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type TenantId } from '#kernel';
import { enqueueIn, JobWorker } from '#jobs';
import { Database, type Process, type StoredEvent } from '#ledger';
import { CLOCK } from '#platform';
import { addDelivery } from './deliveries.js';
import { obeyJob } from '../obey-job.js';
import { publicEventTypes, translatedTypes, type PublicEvent } from '../event/public-event.js';
import { PublicEvents } from '../event/public-events.js';
import { connectionOf, mustObey, type System } from '../system.js';
import { Systems } from '../systems.js';
import { giveJobs } from './start-lanes.js';
import type { EndpointRow } from './webhook-endpoint.js';
import { WebhookEndpoints } from './webhook-endpoints.js';

/** The worker to wake and the time of what is enqueued. */
@Injectable()
export class Wakeable {
  constructor(
    readonly worker: JobWorker,
    @Inject(CLOCK) readonly clock: Clock,
  ) {}
}

/** Who may have to hear of the events of a step. */
interface Audience {
  events: Map<number, PublicEvent>;
  systems: System[];
  endpoints: EndpointRow[];
}

@Injectable()
export class PlanDeliveries implements Process {
  readonly name = 'propagation-deliveries';
  readonly types = translatedTypes;
  /** By step: read after its events, so that nobody who was there before one of them is missed. */
  private readonly audiences = new WeakMap<readonly StoredEvent[], Promise<Audience>>();

  constructor(
    private readonly database: Database,
    private readonly events: PublicEvents,
    private readonly systems: Systems,
    private readonly endpoints: WebhookEndpoints,
    private readonly jobs: Wakeable,
  ) {}

  /** At least once: rows and jobs of a repeat are there already. */
  async handle({ tenant, type, position }: StoredEvent, step: readonly StoredEvent[]): Promise<void> {
    if (!translatedTypes.has(type)) return;
    const audience = this.audiences.get(step) ?? this.audienceOf(tenant, step);
    this.audiences.set(step, audience);
    const { events, systems, endpoints } = await audience;
    const event = events.get(position);
    if (!event) return;
    const listening = endpoints.filter((row) => listens(row, event, systems));
    const told = publicEventTypes[event.type].obey ? systems.filter((system) => isTold(system, event)) : [];
    if (listening.length + told.length === 0) return;
    await this.plan(tenant, event, listening, told);
    this.jobs.worker.wake(tenant);
  }

  private async audienceOf(tenant: TenantId, step: readonly StoredEvent[]): Promise<Audience> {
    const [events, systems, endpoints] = await Promise.all([
      this.events.of(step),
      this.systems.all(tenant),
      this.endpoints.rows(tenant),
    ]);
    return { events: new Map(events.map((event) => [event.position, event])), systems, endpoints };
  }

  private plan(tenant: TenantId, event: PublicEvent, listening: EndpointRow[], told: System[]): Promise<void> {
    const now = this.jobs.clock.now();
    return this.database.transaction(tenant, async (query) => {
      const jobs = told.map((system) => obeyJob(system, event));
      for (const { id: endpoint } of listening) {
        const { position, type } = event;
        const id = newId();
        const lane = event.subject ?? id;
        const added = await addDelivery(query, tenant, { id, endpoint, lane, position, type }, now);
        // Started though the endpoint may be disabled: its job leaves the delivery lying, and one that is enabled just now
        // has looked for lanes before this delivery could be seen.
        if (added) jobs.push(...(await giveJobs(query, tenant, endpoint, [lane])));
      }
      await enqueueIn(query, tenant, jobs, now);
    });
  }
}

/** An endpoint hears what came after it; one that belongs to a system hears of that system's purposes. */
function listens(row: EndpointRow, event: PublicEvent, systems: readonly System[]): boolean {
  if (event.position < row.since || !row.types.includes(event.type)) return false;
  if (row.system === null) return true;
  const system = systems.find(({ id }) => id === row.system);
  return system !== undefined && mustObey(system, event.purpose);
}

/** Systems that are called, by their plugin or by a task in their inbox. */
function isTold(system: System, event: PublicEvent): boolean {
  return connectionOf(system) !== undefined && mustObey(system, event.purpose);
}
