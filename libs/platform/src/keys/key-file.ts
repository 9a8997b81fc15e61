/** One secret in one file: written whole or not at all, readable by its owner only, with a checksum against damage. */
import { createHash, randomBytes } from 'node:crypto';
import { link, lstat, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { flushFolder, missing, writeFlushed } from '#ledger';
import { KeyUnavailable } from './key-provider.js';

/** A secret as it stands in its file. `id` is derived from the secret and says nothing about it. */
export interface KeyFile {
  name: string;
  id: string;
  secret: Buffer;
}

const OTHERS = 0o077;
/** As `writePrivate` names what it has not finished. */
const HALF = /^\..+\.[0-9a-f]{12}$/;
const ABANDONED_MS = 3_600_000;

/** Refuses what another user of the machine could read, and what is a link to somewhere else. */
export async function assertPrivate(path: string, kind: 'directory' | 'file'): Promise<void> {
  const found = await lstat(path);
  const rightKind = kind === 'directory' ? found.isDirectory() : found.isFile();
  if (!rightKind)
    throw new KeyUnavailable(
      'permissions',
      `A key ${kind} is not a plain ${kind}. Replace links by the ${kind} itself.`,
    );
  const owner = process.getuid?.();
  if (owner !== undefined && found.uid !== owner) {
    throw new KeyUnavailable(
      'permissions',
      `A key ${kind} belongs to another user. Make the user of this process its owner.`,
    );
  }
  if ((found.mode & OTHERS) !== 0) {
    const wanted = kind === 'directory' ? '0700' : '0600';
    throw new KeyUnavailable('permissions', `A key ${kind} can be read by group or others. Set its mode to ${wanted}.`);
  }
}

/** Reads a key; `undefined` when there is no such file. */
export async function readKeyFile(directory: string, name: string): Promise<KeyFile | undefined> {
  const path = join(directory, `${name}.key`);
  try {
    await assertPrivate(path, 'file');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return parse(name, await readFile(path, 'utf8'));
}

/** A key that should be there and is not. */
export function keyMissing(name: string): KeyUnavailable {
  return new KeyUnavailable(
    'missing',
    `Key ${name} is missing from the folder that LETHE_KEY_DIR names. Restore it from the escrowed copy; never start with a new one.`,
    name,
  );
}

/** Makes a new secret unless the name is taken; then the one that is there counts, so that two first starts agree. */
export async function createKeyFile(directory: string, name: string): Promise<KeyFile> {
  const existing = await readKeyFile(directory, name);
  if (existing) return existing;
  await writePrivate(directory, `${name}.key`, format(name, randomBytes(32)), true);
  const kept = await readKeyFile(directory, name);
  if (!kept) throw new KeyUnavailable('missing', `Key ${name} could not be written.`);
  return kept;
}

/** Overwrites a secret, then removes its file. Copies made by the file system or a backup are beyond its reach. */
export function destroyKeyFile(directory: string, name: string): Promise<void> {
  return destroyFile(directory, `${name}.key`);
}

/** Half-written files that nobody finishes any more: a killed process may have left a copy of a key in one. */
export async function destroyHalves(directory: string): Promise<void> {
  for (const name of (await readdir(directory)).filter((file) => HALF.test(file))) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await destroyFile(directory, name);
  }
}

async function destroyFile(directory: string, fileName: string): Promise<void> {
  const path = join(directory, fileName);
  const file = await open(path, 'r+').catch(missing);
  if (!file) return;
  try {
    const { size } = await file.stat();
    await file.write(randomBytes(size), 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  // Another process may destroy it at the same moment.
  await unlink(path).catch(missing);
  await flushFolder(directory);
}

/** Writes a file of mode 0600 whole or not at all. `keep`: an existing file of that name stays as it is. */
export async function writePrivate(directory: string, fileName: string, text: string, keep = false): Promise<void> {
  const half = join(directory, `.${fileName}.${randomBytes(6).toString('hex')}`);
  await writeFlushed(half, text);
  const path = join(directory, fileName);
  if (keep) {
    await link(half, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await unlink(half);
  } else {
    await rename(half, path);
  }
  await flushFolder(dirname(path));
}

function format(name: string, secret: Buffer): string {
  const body = `lethe-key 1\nname ${name}\nsecret ${secret.toString('base64')}\n`;
  return `${body}sha256 ${digest(body)}\n`;
}

function parse(name: string, text: string): KeyFile {
  const fields = /^(lethe-key 1\nname ([a-z0-9-]+)\nsecret ([A-Za-z0-9+/=]+)\n)sha256 ([0-9a-f]{64})\n$/.exec(text);
  const secret = Buffer.from(fields?.[3] ?? '', 'base64');
  if (!fields || fields[4] !== digest(fields[1]!) || secret.length !== 32) {
    throw new KeyUnavailable(
      'damaged',
      `Key file ${name} was changed or cut short. Restore it from the escrowed copy.`,
      name,
    );
  }
  if (fields[2] !== name)
    throw new KeyUnavailable('damaged', `Key file ${name} holds another key. Restore it from the escrowed copy.`, name);
  return { name, id: digest(`lethe key id ${secret.toString('hex')}`).slice(0, 16), secret };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
