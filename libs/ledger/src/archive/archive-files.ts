/** A folder outside the database: files appear complete and flushed, or not at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flushFolder, missing, writeFlushed } from '../flushed-file.js';

const DRAFT = '.draft';
/** Nobody writes one file for longer. */
const DRAFT_MS = 86_400_000;

/** Where the archive and backups are written. Names are relative, with `/` between parts. */
export class ArchiveFiles {
  constructor(readonly folder: string) {}

  /** Writes a file: flushed, renamed into place, and the name flushed too. */
  async write(name: string, content: Buffer | string): Promise<void> {
    const path = join(this.folder, name);
    const draft = `${path}.${randomBytes(6).toString('hex')}${DRAFT}`;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFlushed(draft, content);
    await rename(draft, path).catch(async (error: unknown) => {
      await unlink(draft).catch(missing);
      throw error;
    });
    await flushFolder(dirname(path));
  }

  /** Removes what killed writers left behind: a draft may hold keyed hashes of people. Returns how many. */
  async sweep(now: Date): Promise<number> {
    const names = (await readdir(this.folder, { recursive: true }).catch(missing)) ?? [];
    let swept = 0;
    for (const name of names.filter((one) => one.endsWith(DRAFT))) {
      const begun = await stat(join(this.folder, name)).catch(missing);
      if (!begun || now.getTime() - begun.mtimeMs < DRAFT_MS) continue;
      await this.remove(name);
      swept += 1;
    }
    return swept;
  }

  /** The file's bytes; undefined when there is none. */
  async read(name: string): Promise<Buffer | undefined> {
    return readFile(join(this.folder, name)).catch(missing);
  }

  /** Names in a folder, sorted, drafts left out; empty when there is no such folder. */
  async list(folder: string): Promise<string[]> {
    const names = (await readdir(join(this.folder, folder)).catch(missing)) ?? [];
    return names.filter((name) => !name.endsWith(DRAFT)).sort();
  }

  /** Gives a file another name; one of that name is replaced. */
  async move(from: string, to: string): Promise<void> {
    const target = join(this.folder, to);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(join(this.folder, from), target);
    await flushFolder(dirname(target));
  }

  async remove(name: string): Promise<void> {
    await unlink(join(this.folder, name)).catch(missing);
  }
}

/** The archive that `LETHE_ARCHIVE_URL` names. Errors: what it may name, without the value. */
export function openArchive(url: string): ArchiveFiles {
  if (!url.startsWith('file:///'))
    throw new Error('LETHE_ARCHIVE_URL takes a folder as file:///path; mount other storage there.');
  return new ArchiveFiles(fileURLToPath(url));
}
