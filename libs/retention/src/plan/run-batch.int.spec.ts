/** A run survives crashes without doing anything twice, and stops at what was not approved. Real ledger, jobs and seals. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, systemClock, type SubjectId, type TenantId } from '#kernel';
import { enqueue, JobWorker, jobsMigrations, listDeadJobs } from '#jobs';
import { Subscriptions } from '#ledger';
import { People } from '#subjects';
import { Tenants, tenancyMigrations } from '#tenancy';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { until } from '../../../../test/support/until.js';
import { HeldRecords } from '../hold/held-records.js';
import { Holds } from '../hold/holds.js';
import { Keepers } from '../hold/keepers.js';
import { KeptPeopleProjection } from '../hold/kept-people.projection.js';
import { foldPlan, planFact, planStream, statusOf, type ItemRun } from './plan-state.js';
import { RetentionBatches } from './retention-batches.js';
import { BATCH_QUEUE, batchJob, batchPayload } from '../retention-jobs.js';
import { bandOf, BATCH_SIZE, type PlannedItem } from './retention-plan.js';
import { RetentionRules } from '../retention-rules.js';
import {
  RetentionSystems,
  type DueRecord,
  type PersonRecord,
  type RetentionRule,
  type RetentionSystem,
  type RetentionTarget,
  type TargetOutcome,
  type TargetVerification,
} from '../retention-systems.js';
import { retentionMigrations } from '../retention.migrations.js';
import { RetentionDeadJobs } from '../retention.worker.js';
import { RunBatch, RunSources } from './run-batch.js';

const CONNECTION = newId();
const failure = (kind: string, code: string): Error => Object.assign(new Error(code), { fail: { class: kind, code } });

/** Rows in memory; `during` runs after each record was erased and may throw, hang or change the world. */
class Shop extends RetentionSystems {
  rows = new Set<string>();
  erasures: string[] = [];
  keys = new Set<string>();
  schemaHash = 's';
  stubborn = new Set<string>();
  during: (erased: number, signal: AbortSignal | undefined) => Promise<void> = async () => undefined;

  async enabled(): Promise<RetentionSystem[]> {
    const dataset = { name: 'orders', clockField: 'placed_on', fields: [], schemaHash: this.schemaHash };
    const versions = { pluginId: 'shop', pluginVersion: '1.0.0', contentHash: 'h', configVersion: 1 };
    return [{ id: CONNECTION, ...versions, datasets: [dataset], status: 'ready' }];
  }

  override async known(): Promise<boolean> {
    return true;
  }

  async find(): Promise<RetentionSystem | undefined> {
    return (await this.enabled())[0];
  }

  async *scan(_: TenantId, __: string, rule: RetentionRule): AsyncGenerator<DueRecord> {
    for (const ref of this.rows) yield { dataset: rule.dataset, ref };
  }

  async *locate(): AsyncGenerator<PersonRecord> {
    // Nobody is looked for here.
  }

  async *apply(
    _: TenantId,
    __: string,
    rule: RetentionRule,
    targets: RetentionTarget[],
    options?: { signal?: AbortSignal },
  ): AsyncGenerator<TargetOutcome> {
    for (const { ref, dataset, itemKey } of targets) {
      this.keys.add(itemKey);
      const there = this.rows.has(ref);
      if (there && !this.stubborn.has(ref)) {
        this.rows.delete(ref);
        this.erasures.push(ref);
      }
      await this.during(this.erasures.length, options?.signal);
      yield { dataset, ref, kind: there ? 'erased' : 'not-found' };
    }
    expect(rule.before).toBe('2023-11-22');
  }

  async *verify(_: TenantId, __: string, targets: RetentionTarget[]): AsyncGenerator<TargetVerification> {
    const still = targets.filter(({ ref }) => this.rows.has(ref));
    for (const { ref, dataset } of still) yield { dataset, kind: 'residue', ref };
    if (still.length === 0) yield { dataset: 'orders', kind: 'clean' };
  }
}

describe('a retention run', () => {
  let base: SubjectsFixture;
  let tenant: TenantId;
  let shop: Shop;
  let sources: RunSources;
  let subscriptions: Subscriptions;
  const workers: JobWorker[] = [];
  const planId = (): string => state.planId;
  const state = { planId: newId(), runId: newId() };

  beforeAll(async () => {
    base = await openSubjects(systemClock, [...jobsMigrations, ...tenancyMigrations, ...retentionMigrations]);
  });
  beforeEach(async () => {
    tenant = await base.newTenant();
    Object.assign(state, { planId: newId(), runId: newId() });
    shop = new Shop();
    subscriptions = new Subscriptions(
      base.store,
      () => Promise.resolve([tenant]),
      () => undefined,
    );
    subscriptions.project(new KeptPeopleProjection());
    const { database } = base.ledger;
    const tenants = new Tenants(database, base.store, base.keys, systemClock);
    const people = new People(database, base.sealer);
    sources = new RunSources(
      base.store,
      new RetentionRules(database, tenants, systemClock),
      new HeldRecords(new Keepers(new Holds(database, people), database, base.store, subscriptions), people, shop),
      new RetentionBatches(database, base.sealer, base.keyStore, systemClock),
      base.keys,
    );
    subscriptions.process(new RetentionDeadJobs(sources));
    subscriptions.start();
    await definePolicy(1);
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop(0, 50)));
    await subscriptions.stop();
    await base.ledger.superuser.query('DELETE FROM job');
  });
  afterAll(() => base.close());

  async function definePolicy(version: number): Promise<void> {
    await base.ledger.database.transaction(tenant, (query) =>
      query({
        text: `INSERT INTO retention_policy (tenant, id, connection, dataset, definition, version) VALUES ($1, 'orders', $2, 'orders', $3, $4)
               ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version`,
        values: [
          tenant,
          CONNECTION,
          JSON.stringify({
            connectionId: CONNECTION,
            dataset: 'orders',
            period: 'P3Y',
            action: 'erase',
            stripFields: [],
          }),
          version,
        ],
      }),
    );
  }

  async function holdTheDataset(): Promise<void> {
    await base.ledger.database.transaction(tenant, (query) =>
      query({
        text: `INSERT INTO retention_hold (tenant, id, ground, connection, dataset, words, review_on, placed_at)
               VALUES ($1, $2, 'gdpr-17-3-e', $3, 'orders', '{}', '2030-01-01', now())`,
        values: [tenant, newId(), CONNECTION],
      }),
    );
  }

  /** An approved plan over `count` records, as `ApprovePlan` leaves it. */
  async function approved(count: number): Promise<void> {
    const refs = Array.from({ length: count }, (_, n) => `order-${n}`);
    shop.rows = new Set([...refs, 'young-1']);
    const item: PlannedItem = {
      ...{ policyId: 'orders', policyVersion: 1, connectionId: CONNECTION, dataset: 'orders' },
      ...{ ruleId: 'retention:orders', action: 'erase', before: '2023-11-22', fields: [], pluginId: 'shop' },
      ...{ pluginVersion: '1.0.0', contentHash: 'h', configVersion: 1, schemaHash: 's', count },
      ...{ band: bandOf(count), held: 0, heldBy: [], more: false },
    };
    const { planId: id, runId } = state;
    const head = { today: '2026-11-22', items: [item], blocked: [] };
    const [batches = 0] = await sources.batches.keep(tenant, runId, [refs]);
    await base.store.append({
      tenant,
      actorRef: 'officer',
      events: [
        planFact('RetentionPlanMade.v1', {
          ...{ id, hash: 'h', head, plannedBy: 'a', expiresAt: '2026-11-25T00:00:00.000Z', replaces: null },
        }),
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

  function work(): JobWorker {
    const worker = new JobWorker(base.store, systemClock, { pollMs: 20, chance: () => 0 });
    const run = new RunBatch(sources, shop);
    worker.handle(BATCH_QUEUE, { payload: batchPayload, lease: 1000 }, (job, context) => run.run(job, context));
    workers.push(worker);
    worker.start();
    return worker;
  }

  async function ended(): Promise<ItemRun & { status: string }> {
    for (const end = Date.now() + 20_000; Date.now() < end;) {
      const plan = foldPlan(await base.store.load(tenant, planStream(planId())));
      const run = plan?.items[0];
      if (plan && run?.ended !== undefined) return { ...run, status: statusOf(plan) };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the run did not end in time');
  }

  const kept = async (): Promise<number> =>
    (await base.ledger.superuser.query('SELECT 1 FROM retention_batch WHERE tenant = $1', [tenant])).rowCount ?? 0;

  /** The key goes right after the fact that all has ended. */
  const keyGone = (): Promise<unknown> =>
    until('the key of the run is gone', async () => {
      const found = await base.keyStore.find(tenant, state.runId as SubjectId, 'case');
      return 'missing' in found && found.missing === 'shredded';
    });

  it('goes batch by batch, verifies, and forgets the references', async () => {
    await approved(2 * BATCH_SIZE + 50);
    expect(await kept()).toBe(3);
    work();
    expect(await ended()).toMatchObject({
      ...{ status: 'done', ended: 'verified', left: 0 },
      outcomes: [{ kind: 'erased', reason: null, count: 450 }],
    });
    expect([...shop.rows]).toEqual(['young-1']);
    expect(shop.keys.size).toBe(3);
    expect(await kept()).toBe(0);
    await keyGone();
  });

  it('ends with its references and its key also when its job died, and nobody has to see to the job', async () => {
    shop.during = () => Promise.reject(new Error('unforeseen'));
    await approved(2 * BATCH_SIZE);
    work();
    expect(await ended()).toMatchObject({ status: 'incomplete', ended: 'unexpected-Error', left: 2 * BATCH_SIZE });
    expect([await kept(), await listDeadJobs(base.ledger.database, tenant)]).toEqual([0, []]);
    await keyGone();
  });

  it('does nothing twice when the connector dies after its work and before its answer', async () => {
    let deaths = 0;
    shop.during = async (erased) => {
      if (erased === BATCH_SIZE + 70 && deaths++ < 3) throw failure('transient', 'plugin-exited');
    };
    await approved(2 * BATCH_SIZE);
    work();
    const run = await ended();
    expect([run.ended, shop.erasures.length, new Set(shop.erasures).size]).toEqual(['verified', 400, 400]);
    expect(run.outcomes).toEqual([
      { kind: 'erased', reason: null, count: 330 },
      { kind: 'erased', reason: 'confirmed-on-retry', count: 70 },
    ]);
  });

  it('goes on where another worker stopped, with the same keys', async () => {
    let hangs = true;
    shop.during = async (erased, signal) => {
      if (erased < BATCH_SIZE + 10 || !hangs) return;
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    await approved(2 * BATCH_SIZE);
    const first = work();
    while (shop.erasures.length < BATCH_SIZE + 10) await new Promise((resolve) => setTimeout(resolve, 10));
    await first.stop(0, 100);
    hangs = false;
    work();
    const run = await ended();
    expect([run.ended, shop.erasures.length, new Set(shop.erasures).size]).toEqual(['verified', 400, 400]);
    expect(run.outcomes).toContainEqual({ kind: 'erased', reason: 'confirmed-on-retry', count: 10 });
    expect(shop.keys.size).toBe(2);
  });

  it.each<[string, string, () => Promise<void>]>([
    ['a hold is placed on the dataset', 'held', () => holdTheDataset()],
    ['the policy is changed', 'policy-changed', () => definePolicy(2)],
    ['the schema of the dataset changes', 'schema-changed', async () => void (shop.schemaHash = 'other')],
  ])('stops before the next batch when %s', async (_, code, change) => {
    shop.during = async (erased) => {
      if (erased === BATCH_SIZE) await change();
    };
    await approved(2 * BATCH_SIZE);
    work();
    expect(await ended()).toMatchObject({ status: 'incomplete', ended: code, left: BATCH_SIZE });
    expect(shop.erasures).toHaveLength(BATCH_SIZE);
    expect(await kept()).toBe(0);
  });

  it('ends incomplete at a failure that does not pass, and says how many are left', async () => {
    shop.during = async (erased) => {
      if (erased > BATCH_SIZE) throw failure('auth', 'password-refused');
    };
    await approved(BATCH_SIZE + 10);
    work();
    expect(await ended()).toMatchObject({ status: 'incomplete', ended: 'password-refused', left: 9 });
    expect(shop.rows.size).toBe(9 + 1);
  });

  it('says what an attempt had erased that nobody heard of when a hold comes before the next one', async () => {
    shop.during = async (erased) => {
      if (erased !== BATCH_SIZE + 70) return;
      await holdTheDataset();
      throw failure('transient', 'plugin-exited');
    };
    await approved(2 * BATCH_SIZE);
    work();
    expect(await ended()).toMatchObject({
      ...{ status: 'incomplete', ended: 'held', left: BATCH_SIZE - 70 },
      outcomes: [
        { kind: 'erased', reason: null, count: BATCH_SIZE },
        { kind: 'erased', reason: 'confirmed-on-retry', count: 70 },
      ],
    });
    expect(shop.erasures).toHaveLength(BATCH_SIZE + 70);
  });

  it('is never done on a connector’s word alone', async () => {
    shop.stubborn = new Set(['order-3']);
    await approved(10);
    work();
    expect(await ended()).toMatchObject({
      ...{ status: 'incomplete', ended: 'records-left', left: 1 },
      outcomes: [
        { kind: 'erased', reason: 'confirmed-on-retry', count: 9 },
        { kind: 'failed', reason: 'residue', count: 1 },
      ],
    });
  });

  it('finds what came back', async () => {
    shop.during = async (erased) => {
      if (erased === BATCH_SIZE + 1) shop.rows.add('order-0');
    };
    await approved(BATCH_SIZE + 10);
    work();
    expect(await ended()).toMatchObject({ status: 'incomplete', ended: 'came-back', left: 1 });
  });
});
