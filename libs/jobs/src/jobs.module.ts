/** One worker a process: domains register their handlers in `onModuleInit`, it starts once all have. */
import { Global, Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, CONFIG, LOGGER, type Config, type Logger } from '#platform';
import { JobWorker } from './job-worker.js';

const worker = {
  provide: JobWorker,
  inject: [EventStore, CLOCK, LOGGER],
  useFactory: (store: EventStore, clock: Clock, log: Logger) =>
    new JobWorker(store, clock, { trouble: (message, fields) => log.warn(fields, message) }),
};

/** Gives every domain the `JobWorker`, which runs in processes with the role `worker` and stops before connections close. */
@Global()
@Module({ providers: [worker], exports: [JobWorker] })
export class JobsModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly jobs: JobWorker,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.LETHE_ROLES.includes('worker')) this.jobs.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.jobs.stop();
  }
}
