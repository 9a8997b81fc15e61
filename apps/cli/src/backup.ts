/** `lethe backup`: ledger, key store, and what a restore never rolls back, each in a folder of its own, because each has its own life. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { systemClock } from '#kernel';
import { openArchive, pruneRedo } from '#ledger';
import type { Config } from '#platform';
import { writeManifest, type BackedUpTable, type BackupManifest, type BackupPart } from './backup-manifest.js';
import { beginSnapshot, readMigrations, readShapes, within, writeTable } from './backup-tables.js';
import { serviceUrls } from './doctor-urls.js';
import { commandConfig } from './open-application.js';
import { Usage, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe backup <folder> [--keys <folder>] [--kept <folder>] [--only ledger|keys|kept]',
  '  <folder>   the ledger database; --keys the key store (default <folder>-keys); --kept suppressions and certificates',
  '             (default <folder>-kept). Keep the keys apart from the ledger and only for days: an erased person lives in',
  '             them as long as they do. Key files (LETHE_KEY_DIR) are never copied. The service may run meanwhile.',
];

const options = {
  keys: { type: 'string' },
  kept: { type: 'string' },
  only: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const parts: readonly BackupPart[] = ['ledger', 'keys', 'kept'];
/** Tables that are never rolled back; each stands in a database whose other tables are. */
const KEPT = { ledger: 'certificate', keystore: 'suppression' };

export const backupVerb: Verb = async (args, terminal) => {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const [folder] = positionals;
  if (folder === undefined) throw new Usage(`where to? ${usage[0]}`);
  const only = parts.find((part) => part === values.only);
  if (values.only !== undefined && !only) throw new Usage('--only takes ledger, keys or kept.');
  const folders = {
    ledger: resolve(folder),
    keys: resolve(values.keys ?? `${folder}-keys`),
    kept: resolve(values.kept ?? `${folder}-kept`),
  };
  const wanted = only ? [only] : parts;
  for (const part of wanted)
    if (existsSync(join(folders[part], 'manifest.json')))
      throw new Usage(`${folders[part]} holds a backup already; it is not written over.`);
  const manifests = await backup(commandConfig(terminal), folders, wanted).catch((error: unknown) => {
    throw withoutRoom(error) ? new Error(NO_ROOM, { cause: error }) : error;
  });
  for (const { part, tables, logs, takenAt } of manifests) {
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    terminal.say(`${part.padEnd(7)} ${rows} rows of ${tables.length} tables at ${takenAt} in ${folders[part]}`);
    for (const { logId, size } of logs) terminal.say(`        log ${logId}: ${size} entries`);
  }
  return 0;
};

const NO_ROOM =
  'there is no room for it. What was written holds no manifest and is taken for no backup: remove it, make room, begin again.';

function withoutRoom(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(String((error as { code?: unknown }).code));
}

/** Makes the wanted parts; the key store after the ledger, so that it has a key for everything the ledger holds. */
export async function backup(
  config: Config,
  folders: Record<BackupPart, string>,
  wanted: readonly BackupPart[] = parts,
): Promise<BackupManifest[]> {
  const { ledger, keystore, close } = await serviceUrls(config);
  const clients = {
    ledger: new Client({ connectionString: ledger }),
    keystore: new Client({ connectionString: keystore }),
  };
  try {
    await clients.ledger.connect();
    await beginSnapshot(clients.ledger);
    const logs = await readLogs(clients.ledger);
    await clients.keystore.connect();
    const ringId = await readRing(clients.keystore);
    const takenAt = systemClock.now().toISOString();
    const made: BackupManifest[] = [];
    for (const part of parts.filter((one) => wanted.includes(one))) {
      // Afresh for each part: a person erased meanwhile is not in the keys, and is in the suppressions.
      if (part !== 'ledger') await clients.keystore.query('ROLLBACK');
      if (part !== 'ledger') await beginSnapshot(clients.keystore);
      const base = { format: 1 as const, build: await buildVersion(), takenAt, keyRing: ringId, part };
      const manifest = { ...base, ...(await writePart(clients, folders[part], part, logs)) };
      await writeManifest(folders[part], manifest);
      made.push(manifest);
    }
    await clients.ledger.query('COMMIT');
    const before = await noteBackups(clients.ledger, made);
    if (wanted.includes('ledger')) await prune(config, before);
    return made;
  } finally {
    await Promise.all([clients.ledger.end(), clients.keystore.end()]).catch(() => undefined);
    await close();
  }
}

type Logs = BackupManifest['logs'];

async function writePart(
  { ledger, keystore }: { ledger: Client; keystore: Client },
  folder: string,
  part: BackupPart,
  logs: Logs,
): Promise<Pick<BackupManifest, 'migrations' | 'tables' | 'logs'>> {
  const tenants = logs.map(({ tenant }) => tenant);
  const write = async (client: Client, chosen: (name: string) => boolean): Promise<BackedUpTable[]> => {
    const tables: BackedUpTable[] = [];
    for (const shape of await readShapes(client, chosen)) tables.push(await writeTable(client, folder, shape, tenants));
    return tables;
  };
  switch (part) {
    case 'ledger':
      return { migrations: await readMigrations(ledger), tables: await write(ledger, () => true), logs };
    case 'keys':
      return {
        migrations: await readMigrations(keystore),
        tables: await write(keystore, (name) => name !== KEPT.keystore),
        logs: [],
      };
    case 'kept':
      return {
        migrations: [...(await readMigrations(ledger)), ...(await readMigrations(keystore))],
        tables: [
          ...(await write(ledger, (name) => name === KEPT.ledger)),
          ...(await write(keystore, (name) => name === KEPT.keystore)),
        ],
        logs: [],
      };
  }
}

/** Which key files belong to what is backed up. */
async function readRing(client: Client): Promise<string> {
  const { rows } = await client.query<{ ring_id: string }>('SELECT ring_id FROM key_ring');
  return rows[0]?.ring_id ?? '';
}

/** Heads of all logs, as of the snapshot. */
async function readLogs(client: Client): Promise<Logs> {
  const { rows } = await client.query<{ id: string }>('SELECT id FROM tenant ORDER BY id');
  const logs: Logs = [];
  for (const { id: tenant } of rows) {
    await within(client, tenant);
    const { rows: heads } = await client.query<{ log_id: string; epoch: number; size: string; root: Buffer }>(
      'SELECT log_id, epoch, size, root FROM log_head WHERE tenant = $1',
      [tenant],
    );
    const head = heads[0];
    if (!head) throw new Error(`tenant ${tenant} has no log.`);
    logs.push({
      tenant,
      logId: head.log_id,
      epoch: head.epoch,
      size: Number(head.size),
      root: head.root.toString('hex'),
    });
  }
  return logs;
}

/** Leaves by log. */
type Sizes = Record<string, number>;

/**
 * For readiness, metrics and the doctor: when each part was last made. Returns what the backup of the ledger before this one
 * held. A schema from before this table has no place for it.
 */
async function noteBackups(client: Client, made: readonly BackupManifest[]): Promise<Sizes> {
  const { rows } = await client.query<{ there: string | null }>(`SELECT to_regclass('installation_mark') AS there`);
  if (rows[0]?.there === null) return {};
  const before = await client.query<{ detail: string }>(
    `SELECT detail FROM installation_mark WHERE name = 'backup-ledger'`,
  );
  for (const { part, takenAt, logs } of made)
    await client.query(
      `INSERT INTO installation_mark (name, detail, set_at) VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET detail = excluded.detail, set_at = excluded.set_at`,
      [`backup-${part}`, JSON.stringify(Object.fromEntries(logs.map(({ logId, size }) => [logId, size]))), takenAt],
    );
  return JSON.parse(before.rows[0]?.detail || '{}') as Sizes;
}

/**
 * What was written beside the entries stays in the archive until two backups hold it: the newest one may be damaged. For
 * longer it would only outlive people.
 */
async function prune({ LETHE_ARCHIVE_URL: url }: Config, before: Sizes): Promise<void> {
  if (url === undefined) return;
  for (const [logId, size] of Object.entries(before)) await pruneRedo(openArchive(url), logId, size);
}

async function buildVersion(): Promise<string> {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (!existsSync(path)) continue;
    const { name, version } = JSON.parse(await readFile(path, 'utf8')) as { name?: string; version?: string };
    if (name === 'lethe' && version !== undefined) return version;
  }
  return 'unknown';
}
