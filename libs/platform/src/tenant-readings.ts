/** One row a tenant for the gauges. Row-level security lets nobody count across tenants, so what it costs is bounded instead. */
import { performance } from 'node:perf_hooks';
import type { TenantId } from '#kernel';

/** A scrape of all gauges reads the tables once. */
const KEPT_MS = 250;
/** A reading is kept this many times as long as it took: reading takes a tenth of the time, with however many tenants. */
const KEPT_TIMES = 10;
/** What takes longer is made anew behind the answer; a scrape that waited for it would lose the gauge. */
const AWAITED_MS = 500;
/** Older than this it is no answer any more: better none than one that hides what went on since. */
const STALE_MS = 300_000;
/** Fewer than a database has connections for reads: whoever reads the metrics holds up nobody who calls. */
const AT_ONCE = 2;

interface Kept<Reading> {
  readings: Reading[];
  at: number;
  tookMs: number;
}

/**
 * Rows of all tenants, read a few at a time, shared by all gauges that need them, and kept for 250 ms or ten times as
 * long as it took to read them. Ages and sums are for the caller to work out, so that they are of the moment.
 */
export class TenantReadings<Reading> {
  private kept: Kept<Reading> | undefined;
  private under: Promise<Kept<Reading>> | undefined;

  /** `monotonic` counts milliseconds. */
  constructor(
    private readonly tenants: () => Promise<readonly TenantId[]>,
    private readonly read: (tenant: TenantId) => Promise<Reading>,
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  /** One reading a tenant. Errors: what the reading met; then the gauge is absent, and the next call reads again. */
  async all(): Promise<readonly Reading[]> {
    const { kept } = this;
    const age = kept ? this.monotonic() - kept.at : Infinity;
    if (kept && age <= Math.max(KEPT_MS, kept.tookMs * KEPT_TIMES)) return kept.readings;
    this.under ??= this.readAll().finally(() => (this.under = undefined));
    if (!kept || kept.tookMs <= AWAITED_MS || age > STALE_MS) return (await this.under).readings;
    // A failure is told by the next call, which finds nothing kept.
    this.under.catch(() => undefined);
    return kept.readings;
  }

  private async readAll(): Promise<Kept<Reading>> {
    const from = this.monotonic();
    try {
      const rest = [...(await this.tenants())];
      const readings: Reading[] = [];
      const work = async (): Promise<void> => {
        for (let tenant = rest.pop(); tenant !== undefined; tenant = rest.pop()) readings.push(await this.read(tenant));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      const at = this.monotonic();
      return (this.kept = { readings, at, tookMs: at - from });
    } catch (error) {
      this.kept = undefined;
      throw error;
    }
  }
}
