/** The door of the jobs: enqueue with the events, work under leases, decide about dead letters. */
export * from './job.js';
export * from './job-handler.js';
export * from './dead-letters.js';
export * from './remove-jobs.js';
export * from './settle-dead.js';
export { backoffMs, type Backoff, type Chance } from './backoff.js';
export { appendFenced, changeRows, FenceLost, type JobChange } from './change-job.js';
export type { KeyLimit } from './choose-jobs.js';
export { enqueue, enqueueIn } from './enqueue-job.js';
export { Housekeeping, type ChoreRun, type ChoreTrouble } from './housekeeping.js';
export type { ChoreState } from './housekeeping.queries.js';
export { JobWorker, type JobTrouble, type WorkerOptions } from './job-worker.js';
export { wakeIn, wakeJob } from './wake-job.js';
export { jobsMigrations } from './jobs.migrations.js';
export { JobsModule } from './jobs.module.js';
