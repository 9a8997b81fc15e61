/** Starts the load of `even-load.mjs` and reads what it saw. */
import { fork, type ChildProcess } from 'node:child_process';
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

  /** @param rate calls a second */
  static start(at: { baseUrl: string; key: string; rate: number }): LoadDriver {
    return new LoadDriver(fork(join(import.meta.dirname, 'even-load.mjs'), [JSON.stringify(at)]));
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
