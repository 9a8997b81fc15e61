/** Registers what runs by itself: the projection, the process that plans deliveries, the jobs and the chores. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Housekeeping, JobWorker } from '#jobs';
import { Subscriptions } from '#ledger';
import { CONFIG, type Config } from '#platform';
import { eachTenant, Tenants } from '#tenancy';
import { LatePropagations } from './report/late-propagations.js';
import { OBEY, obeyPayload } from './obey-job.js';
import { PlanDeliveries } from './webhook/plan-deliveries.process.js';
import { PropagationProjection } from './propagation.projection.js';
import { PublicEvents } from './event/public-events.js';
import { TellSystem } from './tell-system.js';
import { SLOTS } from './webhook/delivery-slots.js';
import { WEBHOOK_ANEW, WEBHOOK_LANE } from './webhook/start-lanes.js';
import { anewPayload, lanePayload, WorkLane } from './webhook/work-lane.js';

/** A message may take longer than a lease: the worker renews it meanwhile, and a dead worker's lanes are taken over soon. */
const LANE = { payload: lanePayload, concurrency: SLOTS, lease: 6_000 };
/** A lane never gives up: its deliveries end by themselves after 72 hours. */
const FOR_EVER = { maxAttempts: 1_000_000, backoff: { baseMs: 1_000, maxMs: 60_000 } };
/** Told until somebody is late for a day and an officer has been asked: by then it is a dead letter. */
const TELL = { payload: obeyPayload, concurrency: 8, perKey: { concurrency: 1 }, maxAttempts: 100 };
const LATE_EVERY_MS = 15_000;
const IDLE_EVERY_MS = 60_000;

/** What works. */
@Injectable()
export class PropagationWork {
  constructor(
    readonly plan: PlanDeliveries,
    readonly lanes: WorkLane,
    readonly systems: TellSystem,
    readonly late: LatePropagations,
    readonly tenants: Tenants,
  ) {}
}

/** What runs it. */
@Injectable()
export class PropagationRunning {
  constructor(
    readonly subscriptions: Subscriptions,
    readonly jobs: JobWorker,
    readonly chores: Housekeeping,
  ) {}
}

@Injectable()
export class PropagationWorker implements OnModuleInit {
  constructor(
    private readonly work: PropagationWork,
    private readonly events: PublicEvents,
    private readonly running: PropagationRunning,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    const { subscriptions, jobs, chores } = this.running;
    subscriptions.project(new PropagationProjection(this.events));
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    const { plan, lanes, systems, late, tenants } = this.work;
    subscriptions.process(plan);
    const perKey = (endpoint: string): { concurrency: number } => lanes.limit(endpoint);
    jobs.handle(WEBHOOK_LANE, { ...LANE, perKey, ...FOR_EVER }, (job, context) => lanes.run(job, context));
    jobs.dead.judge(WEBHOOK_LANE, lanes.judge);
    jobs.handle(WEBHOOK_ANEW, { payload: anewPayload, ...FOR_EVER }, (job, context) => lanes.startAll(job, context));
    jobs.handle(OBEY, TELL, (job, context) => systems.run(job, context));
    chores.every('webhook-lanes-idle', IDLE_EVERY_MS, () => eachTenant(tenants, (id) => lanes.resume(id)));
    chores.every('propagation-late', LATE_EVERY_MS, () => eachTenant(tenants, (id) => late.escalate(id)));
  }
}
