/** Recurring work that belongs to the installation, not to a request: forgetting, pruning, rotating, checking. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '#kernel';
import type { Database } from '#ledger';
import { claimChore, failChore, finishChore, readChores, renewChore, type ChoreState } from './housekeeping.queries.js';

/** One run; `now` is the product's time. It must be safe to repeat, since a replica may die in the middle of it. */
export type ChoreRun = (now: Date) => Promise<void>;

/** Where a failed run is told; codes only. */
export type ChoreTrouble = (message: string, fields: { chore: string; cause: string }) => void;

interface Chore {
  name: string;
  intervalMs: number;
  run: ChoreRun;
}

const POLL_MS = 1_000;
/** A run renews its lease while it lives; a replica that died is replaced after this. */
export const CHORE_LEASE_MS = 30_000;

/**
 * Runs each chore when its interval has passed on the Clock, on one replica at a time: a lease row in PostgreSQL with a
 * fence. A failing run is told and repeated after a minute or its interval, whichever is shorter; it never ends the
 * process. Only processes with the role `worker` start it.
 */
export class Housekeeping {
  private readonly chores = new Map<string, Chore>();
  private readonly holder = randomUUID();
  /** Runs of this process; a chore that hangs delays no other. */
  private readonly runs = new Map<string, Promise<boolean>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly trouble: ChoreTrouble = () => undefined,
    private readonly leaseMs = CHORE_LEASE_MS,
    private readonly mayRun: () => boolean = () => true,
  ) {}

  /**
   * Registers a chore; in `onModuleInit`. A name can be taken once.
   *
   * @param name lower-case words with hyphens; the name of its row and of its series in the metrics
   * @param intervalMs milliseconds from the begin of one run to the begin of the next, on the Clock
   */
  every(name: string, intervalMs: number, run: ChoreRun): void {
    if (this.chores.has(name)) throw new Error(`chore ${name} is registered already`);
    this.chores.set(name, { name, intervalMs, run });
  }

  /** Looks once a second from now on. */
  start(): void {
    this.timer ??= setInterval(() => void this.runDue(), POLL_MS).unref();
  }

  /** Waits up to `graceMs` for the runs under way; afterwards their leases run out and others take them over. */
  async stop(graceMs = 5_000): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    let late: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (late = setTimeout(resolve, graceMs)));
    await Promise.race([Promise.all(this.runs.values()), patience]);
    clearTimeout(late);
  }

  /** Runs everything that is due now and does not run anywhere; returns the names of what came to its end. */
  async runDue(): Promise<string[]> {
    if (!this.mayRun()) return [];
    const started = [...this.chores.values()].filter(({ name }) => !this.runs.has(name));
    const ended = await Promise.all(
      started.map((chore) => {
        const run = this.attempt(chore).finally(() => this.runs.delete(chore.name));
        this.runs.set(chore.name, run);
        return run;
      }),
    );
    return started.filter((_, at) => ended[at]).map(({ name }) => name);
  }

  /** Last runs of the chores of this build, for readiness and metrics. A chore without a row has never run. */
  async states(): Promise<ChoreState[]> {
    return (await readChores(this.database)).filter(({ name }) => this.chores.has(name));
  }

  private async attempt(chore: Chore): Promise<boolean> {
    try {
      return await this.runOne(chore);
    } catch (error) {
      // The database cannot be asked: the next look finds everything as it was.
      this.trouble('housekeeping could not look', { chore: chore.name, cause: (error as Error).name });
      return false;
    }
  }

  private async runOne({ name, intervalMs, run }: Chore): Promise<boolean> {
    const now = this.clock.now();
    const claim = { name, now, intervalMs, holder: this.holder, leaseMs: this.leaseMs };
    const fence = await claimChore(this.database, claim);
    if (fence === undefined) return false;
    const renewing = setInterval(
      () => void renewChore(this.database, name, fence, this.leaseMs).catch(() => undefined),
      this.leaseMs / 3,
    );
    try {
      await run(now);
    } catch (error) {
      const cause = (error as Error).name;
      this.trouble('a chore failed and is repeated', { chore: name, cause });
      await failChore(this.database, name, fence, cause, this.clock.now());
      return false;
    } finally {
      clearInterval(renewing);
    }
    return finishChore(this.database, name, fence, now);
  }
}
