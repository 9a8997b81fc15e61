/** One worker a process: domains register their handlers and chores in `onModuleInit`, both start once all have. */
import { Global, Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '#kernel';
import { Database, EventStore } from '#ledger';
import { CLOCK, ClockGuard, CONFIG, LOGGER, type Config, type Logger } from '#platform';
import { CHORE_LEASE_MS, Housekeeping, type ChoreTrouble } from './housekeeping.js';
import { JobWorker } from './job-worker.js';

const worker = {
  provide: JobWorker,
  inject: [EventStore, CLOCK, LOGGER, ClockGuard],
  useFactory: (store: EventStore, clock: Clock, log: Logger, guard: ClockGuard) =>
    new JobWorker(store, clock, {
      trouble: (message, fields) => log.warn(fields, message),
      mayClaim: () => guard.mayDate,
    }),
};

const housekeeping = {
  provide: Housekeeping,
  inject: [Database, EventStore, CLOCK, LOGGER, ClockGuard],
  useFactory: (database: Database, store: EventStore, clock: Clock, log: Logger, guard: ClockGuard) => {
    const trouble: ChoreTrouble = (message, fields) => log.error(fields, message);
    return new Housekeeping(database, clock, trouble, CHORE_LEASE_MS, () => store.writable && guard.mayDate);
  },
};

/**
 * Gives every domain the `JobWorker` and the `Housekeeping`, which run in processes with the role `worker` and stop
 * before connections close.
 */
@Global()
@Module({ providers: [worker, housekeeping], exports: [JobWorker, Housekeeping] })
export class JobsModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly jobs: JobWorker,
    private readonly chores: Housekeeping,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.LETHE_ROLES.includes('worker')) return;
    this.jobs.start();
    this.chores.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.jobs.stop(), this.chores.stop()]);
  }
}
