/** The folder plugins start from: a copy of the runner and of each plugin where another user can read them. */
import { chmod, cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { InstalledPlugin } from '../package/plugin-package.js';
import { readableByAll, verifyPlugin } from '../package/plugin-package.js';

/** Path of the runner that the SDK ships. Throws when the SDK was not built. */
export function shippedRunner(): string {
  return createRequire(import.meta.url).resolve('@lethe/plugin-sdk/runner');
}

/** Where one process starts. All paths are real paths, as Node's permission flags demand. */
export interface StartPoint {
  runner: string;
  plugin: string;
  /** An empty folder of its own, the working directory. */
  cwd: string;
  /** Removes the working directory after the end of the process. */
  release(): Promise<void>;
}

/**
 * Made once per host, below the system's folder for temporary files, because the data directory of a service is often
 * closed (0700) to the user a plugin runs as.
 */
export class RuntimeFolder {
  private home: Promise<string> | undefined;
  private readonly copies = new Map<string, Promise<void>>();

  constructor(private readonly runner: () => string) {}

  /** Verifies the installed plugin and lays out its start. A native plugin runs where it is installed. */
  async prepare(plugin: InstalledPlugin): Promise<StartPoint> {
    const home = await this.ready();
    await verifyPlugin(plugin);
    const folder = plugin.manifest.native ? await realpath(plugin.dir) : await this.copy(plugin, home);
    const cwd = await mkdtemp(join(home, 'run-'));
    await chmod(cwd, 0o755);
    const release = () => rm(cwd, { recursive: true, force: true });
    return { runner: join(home, 'runner', basename(this.runner())), plugin: folder, cwd, release };
  }

  /** The folder; made anew when a cleaner of temporary files took the runner away. */
  private async ready(): Promise<string> {
    this.home ??= this.make();
    const home = await this.home;
    if (existsSync(join(home, 'runner', basename(this.runner())))) return home;
    this.copies.clear();
    this.home = this.make();
    return this.home;
  }

  private async copy(plugin: InstalledPlugin, home: string): Promise<string> {
    const copy = join(home, plugin.contentHash);
    const known = this.copies.get(copy);
    if (known) {
      await known;
      if (
        await verifyPlugin(plugin, copy).then(
          () => true,
          () => false,
        )
      )
        return copy;
    }
    // Also again: a copy may lose files to a cleaner. What runs is what was verified last, never a damaged one.
    const copied = this.copies.get(copy) === known ? copyReadable(plugin.dir, copy) : this.copies.get(copy)!;
    this.copies.set(copy, copied);
    try {
      await copied;
      await verifyPlugin(plugin, copy);
    } catch (error) {
      this.copies.delete(copy);
      throw error;
    }
    return copy;
  }

  /** Removes the copy of one plugin; it is made again when it is asked for. */
  async forget(contentHash: string): Promise<void> {
    const home = await this.home;
    if (!home) return;
    const copy = join(home, contentHash);
    await this.copies.get(copy)?.catch(() => undefined);
    this.copies.delete(copy);
    await rm(copy, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    if (this.home) await rm(await this.home, { recursive: true, force: true });
  }

  private async make(): Promise<string> {
    const home = await realpath(await mkdtemp(join(tmpdir(), 'lethe-plugins-')));
    await chmod(home, 0o755);
    const runner = this.runner();
    // With the modules it imports, which stand beside it.
    await cp(dirname(runner), join(home, 'runner'), {
      recursive: true,
      filter: (path) => path === dirname(runner) || /\.m?js$/.test(path),
    });
    await writeFile(join(home, 'runner', 'package.json'), '{"type":"module"}');
    await readableByAll(join(home, 'runner'));
    return home;
  }
}

async function copyReadable(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
  await readableByAll(to);
}
