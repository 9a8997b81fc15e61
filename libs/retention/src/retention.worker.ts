/** What the worker runs for retention, and the process that ends an item whose job died. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { JsonObject, TenantId } from '#kernel';
import { Subscriptions, type Process, type StoredEvent } from '#ledger';
import { cancelJob, JobWorker } from '#jobs';
import { CONFIG, type Config } from '#platform';
import { isDone } from './plan/batch-outcomes.js';
import { KeptPeopleProjection } from './hold/kept-people.projection.js';
import { foldPlan, planFact, planStream, type PlanState } from './plan/plan-state.js';
import { BATCH_QUEUE, batchOf, batchPayload, type BatchPayload } from './retention-jobs.js';
import { RETENTION_ACTOR, RunBatch, RunSources } from './plan/run-batch.js';

const LEASE_MS = 15_000;

/** A job that died (its worker crashed every time) must not leave its run running for ever. */
@Injectable()
export class RetentionDeadJobs implements Process {
  readonly name = 'retention-dead-jobs';
  readonly types = new Set(['JobDied.v1']);

  constructor(private readonly from: RunSources) {}

  async handle({ tenant, type, data }: StoredEvent): Promise<void> {
    if (type !== 'JobDied.v1' || data['queue'] !== BATCH_QUEUE) return;
    const dead = batchOf(data['dedupeKey'] as string | null);
    if (!dead) return;
    const state = foldPlan(await this.from.store.load(tenant, planStream(dead.planId)));
    if (state) await this.end(tenant, state, dead, data);
    // Also on a repeat: who died in between had ended the item and not the run.
    await this.from.discardEnded(tenant, dead.planId, dead.runId);
  }

  /** Nobody has to see to the job: what it leaves is forgotten, stays due and comes with the next plan. */
  private async end(tenant: TenantId, state: PlanState, dead: BatchPayload, died: JsonObject): Promise<void> {
    const { planId: id, runId, item } = dead;
    const [run, planned] = [state.items[item], state.head.items[item]];
    if (!run || !planned || run.ended !== undefined) return;
    const gone = run.outcomes.reduce((sum, one) => sum + (isDone(planned.action, one) ? one.count : 0), 0);
    const code = typeof died['code'] === 'string' ? died['code'] : 'job-died';
    await this.from.store.append({
      tenant,
      actorRef: RETENTION_ACTOR,
      events: [planFact('RetentionItemEnded.v1', { id, runId, item, code, left: run.total - gone })],
      rows: [this.from.batches.forget(runId, item), cancelJob(died['jobId'] as string)],
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
    // The fact of a death ends its item; the job itself never waits for anybody.
    this.jobs.dead.judge(BATCH_QUEUE, async (_, dead) => dead.map(({ id }) => ({ id, after: 'over' })));
    this.subscriptions.process(this.deadJobs);
  }
}
