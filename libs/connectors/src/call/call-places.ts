/** Who may call now: a few calls of each connection, and a few over all, first come first served. */
import type { Clock } from '#kernel';
import { hostFailure } from '../plugin.errors.js';
import { nameOf, type RunningConnection } from '../process/process-pool.js';
import { Slots } from './slots.js';
import { keyOf } from '../process/standings.js';

/** Places of one host. */
export class CallPlaces {
  private readonly machine: Slots;
  private readonly perConnection = new Map<string, Slots>();

  constructor(
    private readonly clock: Clock,
    concurrency: number,
  ) {
    this.machine = new Slots(concurrency);
  }

  /**
   * One place of the connection, then one of the machine: a busy connection never holds the machine's places idle.
   * Resolves with what frees both. Rejects with `PluginFailure` when none is free before the deadline.
   */
  async take(connection: RunningConnection, deadline: Date, signal?: AbortSignal): Promise<() => void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), deadline.getTime() - this.clock.now().getTime());
    const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const own = this.of(connection);
    let mine: (() => void) | undefined;
    try {
      mine = await own.take(either);
      const shared = await this.machine.take(either);
      const freeMine = mine;
      return () => {
        shared();
        freeMine();
      };
    } catch {
      mine?.();
      throw hostFailure(signal?.aborted ? 'aborted' : 'deadline-exceeded', nameOf(connection), 'no free place');
    } finally {
      clearTimeout(timer);
    }
  }

  private of(connection: RunningConnection): Slots {
    const key = keyOf(connection, connection.plugin.contentHash);
    const own = this.perConnection.get(key) ?? new Slots(connection.plugin.manifest.limits.maxConcurrency);
    this.perConnection.set(key, own);
    return own;
  }
}
