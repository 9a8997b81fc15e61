/** Files that survive a power cut: their bytes are flushed before their name is given, and the name is flushed too. */
import { open, unlink } from 'node:fs/promises';

/** Writes a new file of mode 0600 and waits until the disk has it; one that cannot be written whole is taken away. Errors: EEXIST. */
export async function writeFlushed(path: string, content: Buffer | string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await file.close();
  }
}

/** Waits until the disk has the names in a folder: those that were given, and those that are gone. */
export async function flushFolder(folder: string): Promise<void> {
  const file = await open(folder, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** For `catch`: a file that is not there is `undefined`; any other error stays one. */
export function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
