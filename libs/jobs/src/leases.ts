/** Keeps the leases of running jobs alive, and tells a handler when its job was lost. */
import { performance } from 'node:perf_hooks';
import type { TenantId } from '#kernel';
import type { Database } from '#ledger';
import { FenceLost } from './change-job.js';
import type { ClaimedJob } from './claim-jobs.js';

interface Held {
  job: ClaimedJob;
  abort: AbortController;
  /** Monotonic, because it tells how long this process was silent, whatever the clocks say. */
  renewedAt: number;
  lookedAt: number;
}

/** The leases one worker holds; renewed together, one statement a tenant, at a third of the shortest lease. */
export class Leases {
  private readonly held = new Map<string, Held>();
  private readonly renewing = new Set<TenantId>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly database: Database) {}

  /** Starts renewing. The signal aborts with `FenceLost` when the job was lost, or could not be renewed in time. */
  hold(job: ClaimedJob): AbortController {
    // Our own second claim of a job whose lease ended under us: the first attempt is over.
    this.held.get(job.id)?.abort.abort(new FenceLost());
    const abort = new AbortController();
    const now = performance.now();
    this.held.set(job.id, { job, abort, renewedAt: now, lookedAt: now });
    this.schedule();
    return abort;
  }

  drop(job: ClaimedJob): void {
    if (this.held.get(job.id)?.job.fence === job.fence) this.held.delete(job.id);
    if (this.held.size === 0) clearTimeout(this.timer);
  }

  get jobs(): ClaimedJob[] {
    return [...this.held.values()].map(({ job }) => job);
  }

  /** Aborts every running handler with the reason. */
  abortAll(reason: Error): void {
    for (const { abort } of this.held.values()) abort.abort(reason);
  }

  /** Renews now; throws `FenceLost` when the job is no longer ours. For use before a step that can't be undone. */
  async renew(job: ClaimedJob): Promise<void> {
    const held = this.held.get(job.id);
    if (held?.job.fence !== job.fence) throw new FenceLost();
    await this.renewAll(job.tenant, [held]);
    if (held.abort.signal.reason instanceof FenceLost) throw held.abort.signal.reason;
  }

  /** The next look; sooner when a job with a shorter lease came in. */
  private schedule(): void {
    clearTimeout(this.timer);
    if (this.held.size === 0) return;
    const next = Math.min(...[...this.held.values()].map(({ job, lookedAt }) => lookedAt + job.leaseMs / 3));
    this.timer = setTimeout(() => this.look(), Math.max(0, next - performance.now()));
  }

  /** Never waits for the database: when it hangs, the handlers must still learn in time that their lease has ended. */
  private look(): void {
    const now = performance.now();
    const byTenant = new Map<TenantId, Held[]>();
    for (const one of this.held.values()) {
      one.lookedAt = now;
      if (now - one.renewedAt > one.job.leaseMs) one.abort.abort(new FenceLost());
      else byTenant.set(one.job.tenant, [...(byTenant.get(one.job.tenant) ?? []), one]);
    }
    for (const [tenant, held] of byTenant) {
      if (this.renewing.has(tenant)) continue;
      this.renewing.add(tenant);
      // A failure is seen by the next look, as a lease that was not renewed.
      void this.renewAll(tenant, held)
        .catch(() => undefined)
        .finally(() => this.renewing.delete(tenant));
    }
    this.schedule();
  }

  private async renewAll(tenant: TenantId, all: readonly Held[]): Promise<void> {
    // By id, as results are settled: see `changeJobs`.
    const held = [...all].sort((one, other) => (one.job.id < other.job.id ? -1 : 1));
    const asked = performance.now();
    const { rows } = await this.database.transaction(tenant, (query) =>
      query<{ id: string }>({
        name: 'job-renew',
        text: `UPDATE job SET lease_until = clock_timestamp() + h.ms * interval '1 millisecond'
               FROM unnest($2::uuid[], $3::bigint[], $4::int[]) AS h(id, fence, ms)
               WHERE job.tenant = $1 AND job.id = h.id AND job.fence = h.fence AND job.state = 'running' RETURNING job.id`,
        values: [
          tenant,
          held.map(({ job }) => job.id),
          held.map(({ job }) => job.fence),
          held.map(({ job }) => job.leaseMs),
        ],
      }),
    );
    const renewed = new Set(rows.map((row) => row.id));
    for (const one of held) {
      if (renewed.has(one.job.id)) one.renewedAt = asked;
      else one.abort.abort(new FenceLost());
    }
  }
}
