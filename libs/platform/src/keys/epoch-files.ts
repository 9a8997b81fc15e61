/** Files of key-encryption epochs: one key each, and a mark in its place once it is destroyed. The mark counts. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isUuid, newId } from '#kernel';
import { destroyKeyFile, keyMissing, readKeyFile, writePrivate, type KeyFile } from './key-file.js';

const EPOCH = /^kek-([0-9a-f-]{36})\.key$/;
const DESTROYED = /^kek-([0-9a-f-]{36})\.destroyed$/;

/** Name of an epoch's key file, without its ending. */
export function epochFile(epoch: string): string {
  return `kek-${epoch}`;
}

/** Epochs that live in a directory, oldest first. */
export async function livingEpochs(directory: string): Promise<string[]> {
  const { epochs, destroyed } = await listEpochs(directory);
  return epochs.filter((epoch) => !destroyed.has(epoch)).sort();
}

/** An id that comes after `newest`, also where the clock was set back since: ids sort by their milliseconds. */
export function epochAfter(newest: string | undefined): string {
  return newId(Math.max(Date.now(), newest === undefined ? 0 : millisecondsOf(newest) + 1));
}

/** Writes the mark, then destroys the key: a crash in between must not look like a lost file. Safe to repeat. */
export async function destroyEpochFile(directory: string, epoch: string): Promise<void> {
  await writePrivate(directory, `${epochFile(epoch)}.destroyed`, '', true);
  await destroyKeyFile(directory, epochFile(epoch));
}

/**
 * The key of an epoch; undefined when it was destroyed. The mark counts, whatever lies beside it, and is asked again when
 * the file cannot be read: another process may be overwriting it at this moment.
 */
export async function readEpoch(directory: string, epoch: string): Promise<KeyFile | undefined> {
  if (await isDestroyedEpoch(directory, epoch)) return undefined;
  try {
    const file = isUuid(epoch) ? await readKeyFile(directory, epochFile(epoch)) : undefined;
    if (file) return file;
  } catch (error) {
    if (!(await isDestroyedEpoch(directory, epoch))) throw error;
  }
  if (await isDestroyedEpoch(directory, epoch)) return undefined;
  throw keyMissing(epochFile(epoch));
}

function isDestroyedEpoch(directory: string, epoch: string): Promise<boolean> {
  return access(join(directory, `${epochFile(epoch)}.destroyed`)).then(
    () => true,
    () => false,
  );
}

/** A key beside its mark: its destruction was cut short, or a copy was laid back. */
export async function completeDestructions(directory: string): Promise<void> {
  const { epochs, destroyed } = await listEpochs(directory);
  for (const epoch of epochs) if (destroyed.has(epoch)) await destroyKeyFile(directory, epochFile(epoch));
}

async function listEpochs(directory: string): Promise<{ epochs: string[]; destroyed: ReadonlySet<string> }> {
  const files = await readdir(directory);
  const named = (pattern: RegExp): string[] => files.flatMap((file) => pattern.exec(file)?.[1] ?? []);
  return { epochs: named(EPOCH), destroyed: new Set(named(DESTROYED)) };
}

/** When a UUIDv7 says that it was made. */
function millisecondsOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}
