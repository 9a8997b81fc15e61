/** Dead jobs that have become nobody's, such as those of a request that was withdrawn, do not ask for somebody any longer. */
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Housekeeping, JobWorker } from '#jobs';
import { Database } from '#ledger';
import { eachTenant, Tenants } from '#tenancy';

/** Shorter than the alert on dead jobs waits. */
const EVERY_MS = 5 * 60_000;

@Injectable()
export class DeadJobChore implements OnModuleInit {
  constructor(
    private readonly chores: Housekeeping,
    private readonly worker: JobWorker,
    private readonly tenants: Tenants,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.chores.every('dead-jobs-settled', EVERY_MS, (now) =>
      eachTenant(this.tenants, (tenant) => this.worker.dead.settle(this.database, tenant, now)),
    );
  }
}
