/** Finds due jobs, runs their handlers under leases, and stops without losing one. */
import type { Clock, TenantId } from '#kernel';
import type { EventStore } from '#ledger';
import type { Chance } from './backoff.js';
import { FenceLost } from './change-job.js';
import { claimJobs, dueTenants, type ClaimedJob } from './claim-jobs.js';
import { mayBeDue } from './enqueue-job.js';
import { register, WorkerStopping, type HandlerOptions, type JobHandler, type Registration } from './job-handler.js';
import { Leases } from './leases.js';
import { runJob, type Attempting } from './run-job.js';
import { DeadJobs } from './settle-dead.js';
import { released } from './settle-job.js';
import { Settlements } from './settlements.js';

/** Where trouble is told; ids and codes only. */
export type JobTrouble = (
  message: string,
  fields: { tenant?: TenantId; job?: string; queue?: string; cause: string },
) => void;

/** How a worker runs. */
export interface WorkerOptions {
  /** Jobs this process runs at once; default 32. */
  size?: number;
  /** Milliseconds between looks without a hint; default 100. */
  pollMs?: number;
  /** Jitter of the backoff; default `Math.random`. */
  chance?: Chance;
  /** Pseudonym under which a job's death is recorded; default `system:jobs`. */
  actorRef?: string;
  trouble?: JobTrouble;
  /** False while this process cannot tell what is due; default always true. */
  mayClaim?: () => boolean;
}

const TENANTS = 100;
const MIN_GAP_MS = 10;
const MAX_QUIET_MS = 1000;

/** Any number of workers, in any number of processes, share the jobs of all tenants. */
export class JobWorker {
  /** Who judges the dead jobs of a queue; asked by the chore that looks at them. */
  readonly dead = new DeadJobs();
  private readonly registrations = new Map<string, Registration>();
  private readonly attempting: Attempting;
  private readonly running = new Map<Promise<void>, ClaimedJob>();
  /** Tenants where the last looks found nothing this process could take. */
  private readonly quiet = new Map<TenantId, { looks: number; until: number }>();
  private readonly size: number;
  private readonly pollMs: number;
  private readonly trouble: JobTrouble;
  private readonly mayClaim: () => boolean;
  private stopping = false;
  private hinted = false;
  private wakeUp: () => void = () => undefined;
  private unlisten: () => void = () => undefined;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    options: WorkerOptions = {},
  ) {
    this.size = options.size ?? 32;
    this.pollMs = options.pollMs ?? 100;
    this.trouble = options.trouble ?? (() => undefined);
    this.mayClaim = options.mayClaim ?? (() => true);
    this.attempting = {
      store,
      clock,
      chance: options.chance ?? Math.random,
      actorRef: options.actorRef ?? 'system:jobs',
      leases: new Leases(store.database),
      settlements: new Settlements(store.database),
    };
  }

  /** Registers the handler of a queue, before `start`. */
  handle<Payload>(queue: string, options: HandlerOptions<Payload>, handler: JobHandler<Payload>): void {
    if (this.registrations.has(queue)) throw new Error(`queue ${queue} has a handler already`);
    this.registrations.set(queue, register(options, handler));
  }

  start(): void {
    this.stopping = false;
    this.unlisten = this.store.onCommit((tenant, _, flushed) => mayBeDue(flushed) && this.wake(tenant));
    this.loop = this.work();
  }

  /**
   * Claims nothing more, lets running handlers finish for `graceMs`, then aborts them; what has not ended `abortMs`
   * later is given back by force. Afterwards no job is held: the others can start them at once.
   */
  async stop(graceMs = 5000, abortMs = 500): Promise<void> {
    this.stopping = true;
    this.unlisten();
    this.wakeUp();
    await this.loop;
    if (await this.ended(graceMs)) return;
    this.attempting.leases.abortAll(new WorkerStopping('the worker stops'));
    if (await this.ended(abortMs)) return;
    await this.giveBack();
  }

  /** Hint that something may be due; the poll is the truth. */
  wake(tenant: TenantId): void {
    this.quiet.delete(tenant);
    this.hinted = true;
    this.wakeUp();
  }

  private async work(): Promise<void> {
    while (!this.stopping) {
      this.hinted = false;
      const claimed = await this.look().catch((error: Error) => {
        // An outage is told once by who noticed it; ten lines a second would say no more.
        if (this.store.database.available) this.trouble('jobs could not be claimed', { cause: error.name });
        return 0;
      });
      if (claimed > 0) continue;
      // A flood of commits is one hint: looks that find nothing are never closer than this.
      await this.pause(MIN_GAP_MS, false);
      if (!this.hinted && !this.stopping) await this.pause(this.pollMs, true);
    }
  }

  private pause(milliseconds: number, wakes: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      if (!wakes) return;
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Claims in every due tenant; returns how many jobs. */
  private async look(): Promise<number> {
    const free = this.size - this.running.size;
    if (free <= 0 || this.registrations.size === 0 || !this.store.writable || !this.mayClaim()) return 0;
    const quiet = [...this.quiet].filter(([, { until }]) => until > performance.now()).map(([tenant]) => tenant);
    const due = await dueTenants(this.store.database, this.clock.now(), quiet, TENANTS);
    // Everybody gets a part of the free slots first; who is second in line does not wait for who has a thousand jobs.
    const share = Math.max(1, Math.ceil(free / Math.max(1, due.length)));
    let claimed = 0;
    for (const tenant of due) {
      const capacity = Math.min(share, this.size - this.running.size);
      if (capacity <= 0 || this.stopping) break;
      claimed += await this.claim(tenant, capacity);
    }
    return claimed;
  }

  private async claim(tenant: TenantId, capacity: number): Promise<number> {
    const jobs = await claimJobs(this.store.database, {
      tenant,
      now: this.clock.now(),
      capacity,
      slots: this.slots(),
      leaseMs: new Map([...this.registrations].map(([queue, { leaseMs }]) => [queue, leaseMs])),
      limit: (queue, key) => this.registrations.get(queue)?.limit(key) ?? {},
    });
    this.note(tenant, jobs.length);
    for (const job of jobs) this.launch(job);
    return jobs.length;
  }

  private slots(): Map<string, number> {
    const used = new Map<string, number>();
    for (const { queue } of this.running.values()) used.set(queue, (used.get(queue) ?? 0) + 1);
    return new Map(
      [...this.registrations].map(([queue, { concurrency }]) => [queue, concurrency - (used.get(queue) ?? 0)]),
    );
  }

  /** Due, but full or for another process: look less often, at least once a second. */
  private note(tenant: TenantId, claimed: number): void {
    if (claimed > 0) {
      this.quiet.delete(tenant);
      return;
    }
    const looks = (this.quiet.get(tenant)?.looks ?? 0) + 1;
    this.quiet.set(tenant, {
      looks,
      until: performance.now() + Math.min(MAX_QUIET_MS, this.pollMs * 2 ** (looks - 1)),
    });
  }

  private launch(job: ClaimedJob): void {
    const registration = this.registrations.get(job.queue);
    if (!registration) return;
    const run = runJob(this.attempting, registration, job)
      .catch((error: Error) => {
        const message =
          error instanceof FenceLost
            ? 'the job was lost to another worker'
            : 'the result could not be kept; the job runs again';
        this.trouble(message, { tenant: job.tenant, job: job.id, queue: job.queue, cause: error.name });
      })
      .finally(() => {
        this.running.delete(run);
        this.wake(job.tenant);
      });
    this.running.set(run, job);
  }

  private async ended(milliseconds: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
    const all = Promise.all(this.running.keys()).then(() => true);
    return Promise.race([all, late]).finally(() => clearTimeout(timer));
  }

  /** The job leaves `running`, so a handler that ignores its signal can commit nothing any more. */
  private async giveBack(): Promise<void> {
    const { leases, settlements } = this.attempting;
    const jobs = leases.jobs;
    await Promise.allSettled(jobs.map((job) => settlements.settle(job.tenant, released(job, this.clock.now()))));
    for (const job of jobs) leases.drop(job);
  }
}
