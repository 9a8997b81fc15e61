/** One approved run of retention over a shop in memory, with real ledger, jobs and seals. */
import { newId, systemClock, type SubjectId, type TenantId } from '#kernel';
import { enqueue, jobsMigrations, JobWorker } from '#jobs';
import { Subscriptions } from '#ledger';
import { People } from '#subjects';
import { tenancyMigrations, Tenants } from '#tenancy';
import { HeldRecords } from '../../libs/retention/src/hold/held-records.js';
import { Holds } from '../../libs/retention/src/hold/holds.js';
import { Keepers } from '../../libs/retention/src/hold/keepers.js';
import { KeptPeopleProjection } from '../../libs/retention/src/hold/kept-people.projection.js';
import { foldPlan, planFact, planStream, statusOf, type ItemRun } from '../../libs/retention/src/plan/plan-state.js';
import { RetentionBatches } from '../../libs/retention/src/plan/retention-batches.js';
import { bandOf, type PlannedItem } from '../../libs/retention/src/plan/retention-plan.js';
import { RunBatch, RunSources } from '../../libs/retention/src/plan/run-batch.js';
import { BATCH_QUEUE, batchJob, batchPayload } from '../../libs/retention/src/retention-jobs.js';
import { RetentionRules } from '../../libs/retention/src/retention-rules.js';
import { retentionMigrations } from '../../libs/retention/src/retention.migrations.js';
import { RetentionDeadJobs } from '../../libs/retention/src/retention.worker.js';
import { CONNECTION, RetentionShop } from './retention-shop.js';
import { openSubjects, type SubjectsFixture } from './subjects-fixture.js';
import { until } from './until.js';

/** Databases that the specs of a file share. */
export function openRetention(): Promise<SubjectsFixture> {
  return openSubjects(systemClock, [...jobsMigrations, ...tenancyMigrations, ...retentionMigrations]);
}

export class RetentionRun {
  readonly shop = new RetentionShop();
  private readonly planId = newId();
  private readonly runId = newId();
  private readonly workers: JobWorker[] = [];
  private readonly subscriptions: Subscriptions;
  private readonly sources: RunSources;

  private constructor(
    private readonly base: SubjectsFixture,
    readonly tenant: TenantId,
  ) {
    const { store, keys, sealer, keyStore } = base;
    const { database } = base.ledger;
    this.subscriptions = new Subscriptions(
      store,
      () => Promise.resolve([tenant]),
      () => undefined,
    );
    const people = new People(database, sealer);
    const keepers = new Keepers(new Holds(database, people), database, store, this.subscriptions);
    this.sources = new RunSources(
      store,
      new RetentionRules(database, new Tenants(database, store, keys, systemClock), systemClock),
      new HeldRecords(keepers, people, this.shop),
      new RetentionBatches(database, sealer, keyStore, systemClock),
      keys,
    );
    this.subscriptions.project(new KeptPeopleProjection());
    this.subscriptions.process(new RetentionDeadJobs(this.sources));
    this.subscriptions.start();
  }

  /** Of a tenant of its own. */
  static async open(base: SubjectsFixture): Promise<RetentionRun> {
    const run = new RetentionRun(base, await base.newTenant());
    await run.definePolicy(1);
    return run;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop(0, 50)));
    await this.subscriptions.stop();
    await this.base.ledger.superuser.query('DELETE FROM job');
  }

  async definePolicy(version: number): Promise<void> {
    const orders = { connectionId: CONNECTION, dataset: 'orders' };
    const policy = { ...orders, period: 'P3Y', action: 'erase', stripFields: [] };
    await this.base.ledger.database.transaction(this.tenant, (query) =>
      query({
        text: `INSERT INTO retention_policy (tenant, id, connection, dataset, definition, version)
               VALUES ($1, 'orders', $2, 'orders', $3, $4)
               ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version`,
        values: [this.tenant, CONNECTION, JSON.stringify(policy), version],
      }),
    );
  }

  async holdTheDataset(): Promise<void> {
    await this.base.ledger.database.transaction(this.tenant, (query) =>
      query({
        text: `INSERT INTO retention_hold (tenant, id, ground, connection, dataset, words, review_on, placed_at)
               VALUES ($1, $2, 'gdpr-17-3-e', $3, 'orders', '{}', '2030-01-01', now())`,
        values: [this.tenant, newId(), CONNECTION],
      }),
    );
  }

  /** An approved plan over `count` records, as `ApprovePlan` leaves it. */
  async approve(count: number): Promise<void> {
    const refs = Array.from({ length: count }, (_, n) => `order-${n}`);
    this.shop.rows = new Set([...refs, 'young-1']);
    const item: PlannedItem = {
      ...{ policyId: 'orders', policyVersion: 1, connectionId: CONNECTION, dataset: 'orders' },
      ...{ ruleId: 'retention:orders', action: 'erase', before: '2023-11-22', fields: [], pluginId: 'shop' },
      ...{ pluginVersion: '1.0.0', contentHash: 'h', configVersion: 1, schemaHash: 's', count },
      ...{ band: bandOf(count), held: 0, heldBy: [], more: false },
    };
    const { planId: id, runId } = this;
    const head = { today: '2026-11-22', items: [item], blocked: [] };
    const expiresAt = '2026-11-25T00:00:00.000Z';
    const [batches = 0] = await this.sources.batches.keep(this.tenant, runId, [refs]);
    await this.base.store.append({
      tenant: this.tenant,
      actorRef: 'officer',
      events: [
        planFact('RetentionPlanMade.v1', { id, hash: 'h', head, plannedBy: 'a', expiresAt, replaces: null }),
        planFact('RetentionPlanApproved.v1', {
          id,
          hash: 'h',
          approvedBy: 'b',
          runId,
          items: [{ total: count, batches }],
        }),
      ],
      rows: enqueue(batchJob({ planId: id, runId, item: 0, batch: 0 }, CONNECTION)),
    });
  }

  work(): JobWorker {
    const worker = new JobWorker(this.base.store, systemClock, { pollMs: 20, chance: () => 0 });
    const run = new RunBatch(this.sources, this.shop);
    worker.handle(BATCH_QUEUE, { payload: batchPayload, lease: 1000 }, (job, context) => run.run(job, context));
    this.workers.push(worker);
    worker.start();
    return worker;
  }

  async ended(): Promise<ItemRun & { status: string }> {
    for (const end = Date.now() + 20_000; Date.now() < end;) {
      const plan = foldPlan(await this.base.store.load(this.tenant, planStream(this.planId)));
      const run = plan?.items[0];
      if (plan && run?.ended !== undefined) return { ...run, status: statusOf(plan) };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the run did not end in time');
  }

  /** Sealed lists of references that are left. */
  async kept(): Promise<number> {
    const text = 'SELECT 1 FROM retention_batch WHERE tenant = $1';
    return (await this.base.ledger.superuser.query(text, [this.tenant])).rowCount ?? 0;
  }

  /** The key goes right after the fact that all has ended. */
  keyGone(): Promise<unknown> {
    return until('the key of the run is gone', async () => {
      const found = await this.base.keyStore.find(this.tenant, this.runId as SubjectId, 'case');
      return 'missing' in found && found.missing === 'shredded';
    });
  }
}
