/** A disk of a few mebibytes, to be filled up. Only root can mount one. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { chmod, mkdtemp, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why there can be no small disk here; undefined when there can. */
export function noSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return 'mounting needs Linux';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  // Root of a container may not mount either, and a bare machine has no command for it.
  const folder = mkdtempSync(join(tmpdir(), 'lethe-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return undefined;
  } catch {
    return 'nothing can be mounted here';
  } finally {
    rmdirSync(folder);
  }
}

export class SmallDisk {
  private readonly filler: string;

  private constructor(readonly folder: string) {
    this.filler = join(folder, 'filler');
  }

  static async mount(mebibytes: number): Promise<SmallDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'lethe-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0711`, 'tmpfs', folder]);
    await chmod(folder, 0o711);
    return new SmallDisk(folder);
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Leaves so many bytes free. */
  async fill(leave: number): Promise<void> {
    const amount = Math.max(0, (await this.free()) - leave);
    await writeFile(this.filler, Buffer.alloc(amount)).catch(() => undefined);
  }

  /** Gives the room back. */
  async empty(): Promise<void> {
    await truncate(this.filler).catch(() => undefined);
  }

  async close(): Promise<void> {
    execFileSync('umount', ['-l', this.folder]);
    await rm(this.folder, { recursive: true, force: true });
  }
}
