/** Starts the load of `even-load.mjs` and reads what it saw. */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What was seen in one phase: latencies in milliseconds, and answers other than 200 and 201 by status or error code. */
export interface Phase {
  ms: number[];
  /** Times a call was repeated, told 503 or on a connection that had been closed; it is in their latency. */
  repeated: number;
  failed: Record<string, number>;
}

/** A running load. */
export class LoadDriver {
  private constructor(private readonly child: ChildProcess) {}

  /**
   * @param rate calls a second
   * @param elsewhere the callers of the measured service have processors of their own in earnest: theirs come first (sched(7),
   *   SCHED_FIFO), where that is allowed
   */
  static start(at: { baseUrl: string; key: string; rate: number; elsewhere?: boolean }): LoadDriver {
    const child = fork(join(import.meta.dirname, 'even-load.mjs'), [JSON.stringify(at)]);
    if (at.elsewhere) spawnSync('chrt', ['-f', '-p', '1', String(child.pid)]);
    return new LoadDriver(child);
  }

  /** Calls from now on count under this name. */
  phase(name: string): void {
    this.child.send({ phase: name });
  }

  /** Ends the load. */
  async report(): Promise<Record<string, Phase>> {
    this.child.send({ report: true });
    const [{ phases }] = (await once(this.child, 'message')) as [{ phases: Record<string, Phase> }];
    this.child.disconnect();
    return phases;
  }
}

/** Value below which the share `q` of the latencies lies; 0 without any. */
export function quantile(ms: readonly number[], q: number): number {
  const sorted = [...ms].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? 0;
}
