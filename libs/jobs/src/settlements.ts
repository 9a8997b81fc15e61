/** Results without events: those of one tenant that end together share one commit. */
import type { TenantId } from '#kernel';
import type { Database } from '#ledger';
import { changeJobs, FenceLost, type JobChange } from './change-job.js';

/** Serialization failure and deadlock. */
const LOST_RACES = new Set(['40001', '40P01']);
const MOST_REPEATS = 3;

interface Waiting {
  change: JobChange;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export class Settlements {
  private readonly waiting = new Map<TenantId, Waiting[]>();
  private readonly busy = new Set<TenantId>();

  constructor(private readonly database: Database) {}

  /** Resolves when the change is on disk; rejects with `FenceLost` when the job is no longer ours. */
  settle(tenant: TenantId, change: JobChange): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.waiting.get(tenant);
      if (queue) queue.push({ change, resolve, reject });
      else this.waiting.set(tenant, [{ change, resolve, reject }]);
      if (this.busy.has(tenant)) return;
      this.busy.add(tenant);
      setImmediate(() => void this.drain(tenant));
    });
  }

  private async drain(tenant: TenantId): Promise<void> {
    for (let batch = this.waiting.get(tenant); batch; batch = this.waiting.get(tenant)) {
      this.waiting.delete(tenant);
      await this.write(tenant, batch);
    }
    this.busy.delete(tenant);
  }

  private async write(tenant: TenantId, batch: Waiting[], repeats = 0): Promise<void> {
    try {
      const changes = batch.map(({ change }) => change);
      const changed = await this.database.transaction(tenant, (query) => changeJobs(query, tenant, changes));
      for (const { change, resolve, reject } of batch) {
        if (changed.has(change.id)) resolve();
        else reject(new FenceLost());
      }
    } catch (error) {
      // Rolled back for certain, and nobody's fault: without this the work of every job in it would be done again.
      if (LOST_RACES.has(String((error as { code?: unknown }).code)) && repeats < MOST_REPEATS)
        return this.write(tenant, batch, repeats + 1);
      for (const { reject } of batch) reject(error);
    }
  }
}
