/** What a part of a backup says of itself: enough to refuse a damaged, foreign or newer one before anything is touched. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ArchiveFiles } from '#ledger';
import { Usage } from './terminal.js';

/** The four lives of a backup; the fourth, the tail, is what the service itself writes to LETHE_ARCHIVE_URL. */
export type BackupPart = 'ledger' | 'keys' | 'kept';

export interface BackedUpTable {
  name: string;
  columns: string[];
  /** Its rows belong to tenants and stand behind the wall. */
  walled: boolean;
  rows: number;
  file: string;
  sha256: string;
}

export interface BackupManifest {
  format: 1;
  part: BackupPart;
  build: string;
  takenAt: string;
  /** Names the set of keys without which nothing in it opens. */
  keyRing: string;
  /** Ids of the migrations of its schema. */
  migrations: string[];
  tables: BackedUpTable[];
  logs: { tenant: string; logId: string; epoch: number; size: number; root: string }[];
}

const NAME = 'manifest.json';

/** Written last: a folder without it never became a backup. */
export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  await new ArchiveFiles(folder).write(NAME, `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Reads a part and compares every file with its hash. Errors: what is wrong with it. */
export async function openBackup(folder: string, part: BackupPart): Promise<BackupManifest> {
  const bytes = await new ArchiveFiles(folder).read(NAME);
  if (!bytes) throw new Usage(`${folder} holds no complete backup: there is no ${NAME}.`);
  const manifest = JSON.parse(bytes.toString('utf8')) as BackupManifest;
  if (manifest.format !== 1) throw new Error('this backup was made in a format that this build does not read.');
  if (manifest.part !== part) throw new Usage(`${folder} holds the part ${manifest.part}, not ${part}.`);
  for (const { file, sha256 } of manifest.tables)
    if ((await hashOf(join(folder, file))) !== sha256) throw new Error(`the file ${file} of this backup was changed.`);
  return manifest;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
