/** A claimed task in a worker's hands: its lease is renewed while somebody works at it. */
import { LetheProblem, type LetheClient } from './client.js';
import { repeated } from './repeated.js';
import type { ClaimedTask, ReportedOutcome, TaskOutcome, TaskRecord } from './task-types.js';
import { missingParts } from './upload-records.js';

/** How a task stands after a call: `open` when it was given back. `missing`: datasets without an outcome yet; none when it is done. */
export interface TaskStanding {
  id: string;
  state: 'open' | 'claimed' | 'done';
  missing: string[];
}

/** One claimed task. Every call carries the fence of its claim and is refused with `lease-lost` once it is stale. */
export class HeldTask {
  private readonly lost = new AbortController();
  private readonly beat: NodeJS.Timeout | undefined;
  /** When the lease has run out for all this worker knows, on a clock that nobody sets. */
  private until: number;

  /** @param leaseSeconds lease of each heartbeat; renewed after a third of it */
  constructor(
    private readonly client: LetheClient,
    readonly task: ClaimedTask,
    private readonly leaseSeconds: number,
  ) {
    this.until = performance.now() + leaseSeconds * 1000;
    this.beat = setInterval(() => void this.heartbeat(), (leaseSeconds * 1000) / 3) as NodeJS.Timeout;
    this.beat.unref?.();
  }

  /**
   * Aborts when somebody else has the task now, or may have it, since no heartbeat came through for a whole lease: stop, and
   * change nothing more. What is done late could undo what another worker was told since.
   */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  /** Reports what is done so far; the task stays with this worker. Errors: `lease-lost`, `outcome-invalid`. */
  async report(outcomes: ReportedOutcome[]): Promise<TaskStanding> {
    const body = { fence: this.task.fence, outcomes: withCounts(outcomes) };
    return this.sent((headers) => this.client.POST('/v1/tasks/{id}/outcomes', { params: this.at, body, headers }));
  }

  /**
   * Hands in the records of a `read`, going on behind what an earlier worker has handed in when it is the same; else anew.
   * Errors: `lease-lost`, `records-limit`.
   */
  async upload(records: Iterable<TaskRecord> | AsyncIterable<TaskRecord>): Promise<void> {
    for await (const part of missingParts(records, this.task.received)) {
      this.lost.signal.throwIfAborted();
      const body = { fence: this.task.fence, restart: false, ...part };
      await this.sent((headers) => this.client.POST('/v1/tasks/{id}/records', { params: this.at, body, headers }));
    }
  }

  /** Ends the work. Errors: `lease-lost`, `outcomes-missing` (the task stays with this worker), `outcome-invalid`, `records-count-differs`. */
  async complete(outcomes: ReportedOutcome[] = []): Promise<TaskStanding> {
    const body = { fence: this.task.fence, outcomes: withCounts(outcomes) };
    return this.ended((headers) => this.client.POST('/v1/tasks/{id}/complete', { params: this.at, body, headers }));
  }

  /** Gives the task back; `retryAfterSeconds` (default 0): it is not offered again before. */
  async release(reason = 'released', retryAfterSeconds = 0): Promise<TaskStanding> {
    const body = { fence: this.task.fence, reason, retryAfterSeconds };
    return this.ended((headers) => this.client.POST('/v1/tasks/{id}/release', { params: this.at, body, headers }));
  }

  /** Stops the heartbeat; the lease runs out by itself. */
  stop(): void {
    clearInterval(this.beat);
  }

  private get at(): { path: { id: string } } {
    return { path: { id: this.task.id } };
  }

  private async ended<T>(call: (headers: Record<string, string>) => Promise<{ data?: T }>): Promise<T> {
    try {
      return await this.sent(call);
    } finally {
      this.stop();
    }
  }

  private async sent<T>(call: (headers: Record<string, string>) => Promise<{ data?: T }>): Promise<T> {
    try {
      return await repeated(call, this.lost.signal);
    } catch (error) {
      this.noticed(error);
      throw error;
    }
  }

  private async heartbeat(): Promise<void> {
    if (this.ranOut()) return;
    const body = { fence: this.task.fence, leaseSeconds: this.leaseSeconds };
    const sent = performance.now();
    try {
      await this.client.POST('/v1/tasks/{id}/heartbeat', { params: this.at, body, signal: this.lost.signal });
      this.until = sent + this.leaseSeconds * 1000;
    } catch (error) {
      // An outage is no loss: the next heartbeat may come in time.
      this.noticed(error);
    }
  }

  /** A call may hang for longer than the lease: time is looked at before each heartbeat, not after it. */
  private ranOut(): boolean {
    if (performance.now() < this.until) return false;
    this.stop();
    this.lost.abort(new Error('the lease ran out: no heartbeat came through'));
    return true;
  }

  private noticed(error: unknown): void {
    if (!(error instanceof LetheProblem) || error.code !== 'lease-lost') return;
    this.stop();
    this.lost.abort(error);
  }
}

function withCounts(outcomes: ReportedOutcome[]): TaskOutcome[] {
  return outcomes.map((one) => ({ count: 0, ...one }) as TaskOutcome);
}
