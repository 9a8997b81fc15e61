/** The embedded PostgreSQL, started again when it died: out of memory, or of room, or killed by hand. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '#ledger';
import type { Config } from '#platform';
import { startPostgres, type RunningPostgres } from '#scripts/postgres.mjs';

const BETWEEN_TRIES_MS = 1_000;

export class EmbeddedPostgres {
  private readonly stopping = new AbortController();
  private reviving: Promise<void> = Promise.resolve();
  private busy = false;

  private constructor(
    private server: RunningPostgres,
    private readonly folder: string,
  ) {}

  static async start(config: Config, say: (line: string) => void): Promise<EmbeddedPostgres> {
    say('starting embedded PostgreSQL');
    const folder = join(config.dataDir, 'postgres');
    return new EmbeddedPostgres(await startPostgres({ dataDir: folder, log: say }), folder);
  }

  /** Superuser; stays the same, since a new start takes the port of the one before. */
  get url(): string {
    return this.server.url;
  }

  /** Begins to look after the server whenever one of its databases is found gone. */
  revive(databases: readonly Database[]): void {
    for (const database of databases)
      database.onAvailability((state) => {
        if (state === 'up' || this.busy) return;
        this.busy = true;
        this.reviving = this.again(database).finally(() => (this.busy = false));
      });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.reviving;
    await this.server.stop('fast');
  }

  /** Tried until the database answers: a server without room to recover dies again until somebody made room. */
  private async again(database: Database): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted && !database.available) {
      if (!isAlive(this.server.pid)) {
        const { port } = this.server;
        const started = await startPostgres({ dataDir: this.folder, port }).catch(() => undefined);
        // Somebody took the port: the service can't find it there, so the next try is left to a free one.
        if (started && started.port !== port) await started.stop('fast');
        else if (started) this.server = started;
      }
      await sleep(BETWEEN_TRIES_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM';
  }
}
