/** Asks whether a folder can be written, by writing into it; one that is not there yet, by where it would be made. */
import { existsSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The code of the system's refusal, e.g. EACCES or EROFS; undefined when it can be written. Nothing is left behind. */
export async function refusesWrites(folder: string): Promise<string | undefined> {
  let there = folder;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    await rmdir(await mkdtemp(join(there, '.lethe-')));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
