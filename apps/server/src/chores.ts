/** The recurring work of an installation: what ages is pruned; keys have chores of their own. */
import { Injectable, Module, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { Housekeeping, removeFinishedJobs } from '#jobs';
import { Database, forgetAnswers, thinCheckpoints } from '#ledger';
import { Metrics } from '#platform';
import { RequestsModule } from '#requests';
import { SubjectsModule } from '#subjects';
import { eachTenant, TenancyModule, Tenants } from '#tenancy';
import { DeadJobChore } from './dead-job-chore.js';
import { KeptArchive } from './kept-archive.js';
import { KeyChores } from './key-chores.js';
import { KeyGauges } from './key-gauges.js';
import { StoreAudit } from './store-audit.js';
import { StoreAudits } from './store-audits.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How long a kept answer answers a repeated idempotency key. */
const ANSWERS = 30 * DAY;
/** Far beyond any replay of the events that enqueued a job. */
const JOBS = 90 * DAY;
const CHECKPOINTS = 30 * DAY;
const BATCH = 1_000;

/** Says when each chore last ran, so that one that stopped is seen, and what the audits of the store found. */
@Injectable()
export class ChoreGauges implements OnApplicationBootstrap {
  constructor(
    private readonly chores: Housekeeping,
    private readonly metrics: Metrics,
    private readonly audit: StoreAudit,
  ) {}

  onApplicationBootstrap(): void {
    const help = 'When each recurring chore last came to its end';
    this.metrics.gauge('lethe_chore_last_run_timestamp_seconds', help, ['chore'], async (set) => {
      for (const { name, ranAt } of await this.chores.states()) if (ranAt) set(ranAt.getTime() / 1000, { chore: name });
    });
    const failed = 'Failures of each chore since its last good run';
    this.metrics.gauge('lethe_chore_failures', failed, ['chore'], async (set) => {
      for (const { name, failures } of await this.chores.states()) set(failures, { chore: name });
    });
    const faults = 'Leaves, heads, suppressions and rows of decisions or rights that were changed behind the service';
    this.metrics.gauge('lethe_store_faults', faults, [], (set) => set(this.audit.faults.length));
  }
}

@Module({
  imports: [TenancyModule, SubjectsModule, RequestsModule],
  providers: [ChoreGauges, DeadJobChore, KeptArchive, KeyChores, KeyGauges, StoreAudit, StoreAudits],
  exports: [StoreAudit],
})
export class ChoresModule implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly chores: Housekeeping,
    private readonly tenants: Tenants,
    private readonly database: Database,
    private readonly keyChores: KeyChores,
    private readonly storeAudits: StoreAudits,
  ) {}

  onModuleInit(): void {
    this.chores.every('answers-forgotten', HOUR, (now) =>
      eachTenant(this.tenants, (tenant) =>
        inBatches(() => forgetAnswers(this.database, tenant, before(now, ANSWERS), BATCH)),
      ),
    );
    this.chores.every('jobs-removed', HOUR, (now) =>
      eachTenant(this.tenants, (tenant) =>
        inBatches(() => removeFinishedJobs(this.database, tenant, before(now, JOBS), BATCH)),
      ),
    );
    this.chores.every('checkpoints-thinned', DAY, (now) =>
      eachTenant(this.tenants, (tenant) => thinCheckpoints(this.database, tenant, before(now, CHECKPOINTS))),
    );
    this.keyChores.register(this.chores);
    this.storeAudits.register(this.chores);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.storeAudits.start();
  }
}

function before(now: Date, age: number): Date {
  return new Date(now.getTime() - age);
}

/** Small deletions: none holds its locks for long. */
async function inBatches(run: () => Promise<number>): Promise<void> {
  while ((await run()) === BATCH);
}
