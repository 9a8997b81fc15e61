/** The key store back from its backup: never from one that nothing opens any more, and over keys that nothing opens. */
import { join } from 'node:path';
import type { Client } from 'pg';
import { KeyUnavailable, type FileKeys } from '#platform';
import type { BackupManifest } from './backup-manifest.js';
import { linesIn, within } from './backup-tables.js';
import { addRows, connectAlone } from './restore-tables.js';
import { Usage } from './terminal.js';

/** A part of a backup that was named. */
export interface Part {
  folder: string;
  manifest: BackupManifest;
}

/** Errors: `Usage` when keys that lived in the backup are under an epoch that was destroyed since; a later backup has them. */
export async function assertOpens({ folder, manifest }: Part, files: FileKeys): Promise<void> {
  const epochs = new Set<string>();
  const goneBefore = new Set<string>();
  for (const { name, file } of manifest.tables) {
    if (name !== 'subject_key' && name !== 'key_epoch') continue;
    for await (const line of linesIn(join(folder, file))) {
      const row = JSON.parse(line) as { epoch: string | null; destroyed_at?: string | null };
      if (row.epoch !== null && name === 'subject_key') epochs.add(row.epoch);
      if (row.epoch !== null && row.destroyed_at) goneBefore.add(row.epoch);
    }
  }
  for (const epoch of epochs)
    if (!goneBefore.has(epoch) && (await files.epochKeyId(epoch)) === undefined)
      throw new Usage(
        `the key epoch ${epoch} was destroyed after this backup of the key store was made, which opens nothing of it any more: take a later backup.`,
      );
}

/** True when the key store holds a key that opens, or would if its lost key file came back. */
export async function isAlive(client: Client, tenants: readonly string[], files: FileKeys): Promise<boolean> {
  const opened = await openedEpochs(client, files, { withLost: true });
  for (const tenant of tenants) {
    await client.query('BEGIN');
    await within(client, tenant);
    const text = 'SELECT FROM subject_key WHERE tenant = $1 AND epoch = ANY($2) LIMIT 1';
    const { rowCount } = await client.query(text, [tenant, opened]);
    await client.query('COMMIT');
    if (rowCount) return true;
  }
  return false;
}

/** Marks of destroyed keys and keys that open stay; every other key is the backup's. Returns how many rows were put. */
export async function restoreKeys(url: string, { folder, manifest }: Part, files: FileKeys): Promise<number> {
  const client = await connectAlone(url, 'key store');
  try {
    const opened = client.escapeLiteral(`{${(await openedEpochs(client, files)).join(',')}}`);
    const overGone = `(tenant, subject, class) DO UPDATE SET epoch = excluded.epoch, wrapped = excluded.wrapped,
      shredded_at = excluded.shredded_at WHERE subject_key.wrapped IS NOT NULL AND subject_key.epoch <> ALL (${opened})`;
    return await addRows(client, folder, manifest, (name) => name !== 'suppression', { subject_key: overGone });
  } finally {
    await client.end();
  }
}

/** `withLost`: those too whose key file is lost or damaged, and so may come back; a destroyed one never does. */
async function openedEpochs(client: Client, files: FileKeys, { withLost = false } = {}): Promise<string[]> {
  const opened: string[] = [];
  for (const { epoch } of (await client.query<{ epoch: string }>('SELECT epoch FROM key_epoch')).rows)
    if (await opens(files, epoch, withLost)) opened.push(epoch);
  return opened;
}

async function opens(files: FileKeys, epoch: string, lost: boolean): Promise<boolean> {
  try {
    return (await files.epochKeyId(epoch)) !== undefined;
  } catch (error) {
    if (!(error instanceof KeyUnavailable)) throw error;
    return lost;
  }
}
