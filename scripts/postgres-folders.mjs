// Folders of the launcher: who owns them, who can reach them, and a shared one for root when its own folders are closed to others.
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder under the system's temporary folder that only we may write; refused when somebody else made it first. */
export function sharedTemporaryFolder(name) {
  const base = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
  const folder = join(base, `lethe-${name}`);
  try {
    mkdirSync(folder, { mode: 0o755 });
    chmodSync(folder, 0o755);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(
      `${folder} belongs to somebody else; remove it, or set LETHE_DATA_DIR to a folder that every user can reach.`,
    );
  }
  return folder;
}

/** True when a user who is neither owner nor in the group can walk down to this folder. */
export function reachableByOthers(folder) {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
  }
}

/** Whether a process lives: a zombie nobody reaps (containers without init) does not. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return !/^State:\s+[ZX]/m.test(procFile(pid, 'status') ?? '');
}

export function procFile(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Start time of a process where the system tells it, so that a recycled number is not taken for the old process. */
export function startedAt(pid) {
  const text = procFile(pid, 'stat');
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}
