/** Stops writing while there is still room for PostgreSQL to survive, and begins again by itself when somebody made room. */
import { statfs } from 'node:fs/promises';
import type { Database } from '#ledger';
import type { PlatformParts } from '#platform';

type Parts = Pick<PlatformParts, 'state' | 'config' | 'log' | 'metrics' | 'database' | 'keystoreDatabase'>;

const LOOK_MS = 500;
/** A server that said "disk full" is asked this often whether it can write again. */
const TRY_MS = 2_000;
/** Back in service with a quarter more than the least, so that the state does not flutter. */
const COMFORT = 1.25;
const SMALL_PART = 0.05;
const MIB = 1024 * 1024;

/** Watches the data folder, and what both databases say of theirs. */
export class DiskWatch {
  private readonly full = new Set<Database>();
  private freeBytes = Infinity;
  private low = false;
  private refusing = false;
  private timer: NodeJS.Timeout | undefined;
  private unlisten: (() => void)[] = [];
  private triedAt = 0;

  constructor(private readonly parts: Parts) {}

  async start(): Promise<void> {
    const { metrics, database, keystoreDatabase } = this.parts;
    metrics.gauge('lethe_data_free_bytes', 'Room left for the data folder', [], (set) => set(this.freeBytes));
    this.unlisten = [database, keystoreDatabase].map((one) => one.onNoRoom(() => this.noRoom(one)));
    await this.look();
    this.timer = setInterval(() => void this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const end of this.unlisten) end();
  }

  private noRoom(database: Database): void {
    this.triedAt = performance.now();
    this.full.add(database);
    this.judge();
  }

  private async look(): Promise<void> {
    const { dataDir, embedded, LETHE_MIN_FREE_MB: wanted } = this.parts.config;
    const { bavail, blocks, bsize } = await statfs(dataDir).catch(() => ({ bavail: Infinity, blocks: 0, bsize: 1 }));
    this.freeBytes = bavail * bsize;
    // Without a database on it the data folder may live on a volume that is small by intent.
    const least = embedded ? wanted * MIB : Math.min(wanted * MIB, blocks * bsize * SMALL_PART);
    this.low = this.freeBytes < least * (this.low ? COMFORT : 1);
    if (this.full.size > 0 && performance.now() - this.triedAt > TRY_MS) await this.tryAgain();
    this.judge();
  }

  private async tryAgain(): Promise<void> {
    this.triedAt = performance.now();
    for (const database of this.full) if (await canWrite(database)) this.full.delete(database);
  }

  private judge(): void {
    const { state, log } = this.parts;
    const full = this.low || this.full.size > 0;
    if (full)
      state.refuse(
        'read-only',
        'There is no room to write. Make room on the disk of the data folder or of PostgreSQL; the service then goes on by itself.',
      );
    else if (this.refusing) state.clear('read-only');
    if (full !== this.refusing)
      log.error({ full }, full ? 'no room to write: nothing is recorded' : 'there is room to write again');
    this.refusing = full;
  }
}

/**
 * Takes eight mebibytes and gives them back, in a table that has no log of its own: a log without room would end the
 * server. A role without the right to temporary tables learns it from the next append.
 */
async function canWrite(database: Database): Promise<boolean> {
  try {
    await database.global({
      text: `CREATE TEMPORARY TABLE lethe_room ON COMMIT DROP AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 8000)`,
    });
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === '42501';
  }
}
