/** What the worker runs for retention, and the process that ends an item whose job died. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { EventStore, Subscriptions, type Process, type StoredEvent } from '#ledger';
import { JobWorker } from '#jobs';
import { CONFIG, type Config } from '#platform';
import { isDone } from './plan/batch-outcomes.js';
import { KeptPeopleProjection } from './hold/kept-people.projection.js';
import { foldPlan, planFact, planStream } from './plan/plan-state.js';
import { BATCH_QUEUE, batchOf, batchPayload } from './retention-jobs.js';
import { RETENTION_ACTOR, RunBatch } from './plan/run-batch.js';

const LEASE_MS = 15_000;

/** A job that died (its worker crashed every time) must not leave its run running for ever. */
@Injectable()
export class RetentionDeadJobs implements Process {
  readonly name = 'retention-dead-jobs';
  readonly types = new Set(['JobDied.v1']);

  constructor(private readonly store: EventStore) {}

  async handle({ tenant, type, data }: StoredEvent): Promise<void> {
    if (type !== 'JobDied.v1' || data['queue'] !== BATCH_QUEUE) return;
    const dead = batchOf(data['dedupeKey'] as string | null);
    if (!dead) return;
    const state = foldPlan(await this.store.load(tenant, planStream(dead.planId)));
    const run = state?.items[dead.item];
    const planned = state?.head.items[dead.item];
    if (!run || !planned || run.ended !== undefined) return;
    const gone = run.outcomes.reduce((sum, one) => sum + (isDone(planned.action, one) ? one.count : 0), 0);
    const { planId: id, runId, item } = dead;
    const code = typeof data['code'] === 'string' ? data['code'] : 'job-died';
    await this.store.append({
      tenant,
      actorRef: RETENTION_ACTOR,
      events: [planFact('RetentionItemEnded.v1', { id, runId, item, code, left: run.total - gone })],
      expect: { [planStream(id)]: state.version },
    });
  }
}

/** Registers the work in processes with the role `worker`. */
@Injectable()
export class RetentionWorker implements OnModuleInit {
  constructor(
    private readonly batch: RunBatch,
    private readonly deadJobs: RetentionDeadJobs,
    private readonly jobs: JobWorker,
    private readonly subscriptions: Subscriptions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.subscriptions.project(new KeptPeopleProjection());
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    // One call into a connection at a time: its plugin and its vendor's limits are shared.
    const options = { payload: batchPayload, lease: LEASE_MS, perKey: { concurrency: 1 } };
    this.jobs.handle(BATCH_QUEUE, options, (job, context) => this.batch.run(job, context));
    this.subscriptions.process(this.deadJobs);
  }
}
