/** The last signed head of each log, outside the database: a restored or rewritten database cannot take it along. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { flushFolder, missing, writeFlushed } from '../flushed-file.js';

/** A head that was signed, and its number in the order of signing. */
export interface LockedHead {
  generation: number;
  /** The signed checkpoint. */
  note: string;
}

/** Where the last signed head is kept. One place for all replicas that may sign. */
export interface CheckpointLock {
  /** Ids of the logs that were ever signed. */
  logs(): Promise<string[]>;
  /** The last head, or undefined before the first. */
  read(logId: string): Promise<LockedHead | undefined>;
  /** Writes the head after `before`; false when another signer was first, and then nothing has changed. */
  replace(logId: string, before: LockedHead | undefined, note: string): Promise<boolean>;
  /** Keeps the heads of a log that is lost for good, under another name: nobody misses it any more. */
  setAside(logId: string): Promise<void>;
}

const GENERATION = /^\d{12}$/;
const LOG_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * A folder with one folder a log. A head is a file that is linked into place under the next number, complete and flushed:
 * of two signers, one finds the number taken. Nobody waits for a lock, so a killed signer leaves none behind.
 */
export class FileCheckpointLock implements CheckpointLock {
  constructor(private readonly folder: string) {}

  async logs(): Promise<string[]> {
    const entries = (await readdir(this.folder, { withFileTypes: true }).catch(missing)) ?? [];
    return entries.filter((entry) => entry.isDirectory() && LOG_ID.test(entry.name)).map(({ name }) => name);
  }

  async read(logId: string): Promise<LockedHead | undefined> {
    const folder = join(this.folder, logId);
    for (;;) {
      const name = (await generations(folder)).at(-1);
      if (name === undefined) return undefined;
      const note = await readFile(join(folder, name), 'utf8').catch(missing);
      // Removed between listing and reading: there is a newer one.
      if (note !== undefined) return { generation: Number(name), note };
    }
  }

  async replace(logId: string, before: LockedHead | undefined, note: string): Promise<boolean> {
    const folder = join(this.folder, logId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const generation = (before?.generation ?? 0) + 1;
    const name = String(generation).padStart(12, '0');
    const draft = join(folder, `draft-${randomBytes(8).toString('hex')}`);
    await writeFlushed(draft, note);
    try {
      await link(draft, join(folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(draft).catch(missing);
    }
    await flushFolder(folder);
    const names = await generations(folder);
    // Our number was free only because others have gone past it and tidied up.
    if (names.at(-1) !== name) {
      await unlink(join(folder, name)).catch(missing);
      return false;
    }
    for (const old of names.slice(0, -2)) await unlink(join(folder, old)).catch(missing);
    return true;
  }

  async setAside(logId: string): Promise<void> {
    const aside = `${logId}.set-aside-${randomBytes(4).toString('hex')}`;
    await rename(join(this.folder, logId), join(this.folder, aside)).catch(missing);
  }
}

async function generations(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(missing)) ?? [];
  return names.filter((name) => GENERATION.test(name)).sort();
}
