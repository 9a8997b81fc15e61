/** A PostgreSQL of a spec's own, to be stopped, frozen, slowed down and filled up without harming its neighbours. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type RunningPostgres } from '#scripts/postgres.mjs';
import { quietPort } from './quiet-port.js';

/** Durable as in production: a stop in the middle of a flush must not lose what was acknowledged. */
export class OwnCluster {
  private constructor(
    private server: RunningPostgres,
    private readonly settings: Record<string, string>,
  ) {}

  /** In a new folder below the temporary one, or in `dataDir`, which then is not removed. */
  static async start(settings: Record<string, string> = {}, dataDir?: string): Promise<OwnCluster> {
    const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'lethe-cluster-')));
    return new OwnCluster(await startPostgres({ dataDir: folder, port: await quietPort(), settings }), settings);
  }

  /** As superuser; stays the same over restarts. */
  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return this.server.port;
  }

  get dataDir(): string {
    return this.server.dataDir;
  }

  /** False when the postmaster ended by itself. */
  get alive(): boolean {
    try {
      process.kill(this.server.pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.server.stop(mode);
  }

  /** On the same port, or it throws. */
  async again(): Promise<void> {
    const { dataDir, port } = this.server;
    this.server = await startPostgres({ dataDir, port, settings: this.settings });
    if (this.server.port !== port) throw new Error('the port of the cluster was taken meanwhile');
  }

  /** SIGSTOP of every process: connections stay open, new ones are taken by the kernel, and nobody ever answers. */
  async freeze(): Promise<void> {
    // The postmaster first, so that it starts no more.
    process.kill(this.server.pid, 'SIGSTOP');
    for (const pid of await this.children()) process.kill(pid, 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    for (const pid of [...(await this.children()), this.server.pid]) process.kill(pid, 'SIGCONT');
  }

  async close(): Promise<void> {
    await this.thaw().catch(() => undefined);
    await this.server.stop('immediate');
    for (const folder of [this.server.dataDir, this.server.movedTo])
      if (folder) await rm(folder, { recursive: true, force: true });
  }

  private async children(): Promise<number[]> {
    const found: number[] = [];
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === this.server.pid) found.push(Number(entry));
    }
    return found;
  }
}
