/** What the worker runs for retention, and the process that ends an item whose job died. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { Subscriptions, type Process, type StoredEvent } from '#ledger';
import { cancelJob, enqueueIn, JobWorker, settleDeadIn } from '#jobs';
import { CONFIG, type Config } from '#platform';
import { isDone } from './plan/batch-outcomes.js';
import { KeptPeopleProjection } from './hold/kept-people.projection.js';
import { foldPlan, planFact, planStream, type PlanState } from './plan/plan-state.js';
import { BATCH_QUEUE, batchJob, batchOf, batchPayload, type BatchPayload } from './retention-jobs.js';
import { RETENTION_ACTOR, RunBatch, RunSources } from './plan/run-batch.js';

const LEASE_MS = 15_000;

type DeadBatch = BatchPayload & { died: string; jobId: string };

/** A job that died (its worker crashed every time) must not leave its run running for ever. */
@Injectable()
export class RetentionDeadJobs implements Process {
  readonly name = 'retention-dead-jobs';
  readonly types = new Set(['JobDied.v1']);

  constructor(private readonly from: RunSources) {}

  async handle({ tenant, type, data, recordedAt }: StoredEvent): Promise<void> {
    if (type !== 'JobDied.v1' || data['queue'] !== BATCH_QUEUE) return;
    const batch = batchOf(data['dedupeKey'] as string | null);
    if (!batch) return;
    const died = typeof data['code'] === 'string' ? data['code'] : 'job-died';
    const dead = { ...batch, died, jobId: data['jobId'] as string };
    const state = foldPlan(await this.from.store.load(tenant, planStream(dead.planId)));
    const run = state?.items[dead.item];
    if (state && run && run.ended === undefined)
      await (dead.batch < run.batches
        ? this.lookAgain(tenant, state, dead, new Date(recordedAt))
        : this.end(tenant, state, dead));
    // Also on a repeat: who died in between had ended the item and not the run.
    await this.from.discardEnded(tenant, dead.planId, dead.runId);
  }

  /** Nobody has heard what the batch did before: the last job of the item asks the system, and ends it. */
  private lookAgain(tenant: TenantId, state: PlanState, dead: DeadBatch, now: Date): Promise<void> {
    const { jobId, item, ...at } = dead;
    const last = { ...at, item, batch: state.items[item]?.batches ?? 0 };
    return this.from.store.database.transaction(tenant, async (query) => {
      await enqueueIn(query, tenant, [batchJob(last, state.head.items[item]?.connectionId ?? '')], now);
      await settleDeadIn(query, tenant, [{ id: jobId, after: 'over' }], now);
    });
  }

  /** Nobody has to see to the job: what it leaves is forgotten, stays due and comes with the next plan. */
  private async end(tenant: TenantId, state: PlanState, dead: DeadBatch): Promise<void> {
    const { planId: id, runId, item, died, jobId } = dead;
    const [run, planned] = [state.items[item], state.head.items[item]];
    if (!run || !planned) return;
    const gone = run.outcomes.reduce((sum, one) => sum + (isDone(planned.action, one) ? one.count : 0), 0);
    await this.from.store.append({
      tenant,
      actorRef: RETENTION_ACTOR,
      events: [planFact('RetentionItemEnded.v1', { id, runId, item, code: died, left: run.total - gone })],
      rows: [this.from.batches.forget(runId, item), cancelJob(jobId)],
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
