/** `lethe restore`: base backup and archived tail back into place, and a mark that nothing is served before `lethe replay`. */
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { Client } from 'pg';
import { FileKeys, migrate, type Config } from '#platform';
import { schemas } from '../../server/src/schemas.js';
import { openBackup, type BackupManifest, type BackupPart } from './backup-manifest.js';
import { ownerUrls } from './migrate.js';
import { commandConfig } from './open-application.js';
import { assertOpens, isAlive, restoreKeys, type Part } from './restore-keys.js';
import { addRows, connectAlone, isEmpty, quarantine, restoreLedger, tenantsOf } from './restore-tables.js';
import { bringForward, type ForwardLog } from './restore-tail.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe restore <folder> [--keys <folder>] [--kept <folder>] [--replace] [--new-epoch]',
  '       lethe restore --complete [--keys <folder>] [--kept <folder>] [--new-epoch]',
  '  <folder>     a backup of the ledger; what the archive (LETHE_ARCHIVE_URL) holds beyond it is added',
  '  --keys       a backup of the key store, when the key store was lost too; a living one is never rolled back',
  '  --kept       suppressions and certificates that are missing here; those that are here stay',
  '  --replace    although the database holds a tenant, which is then gone',
  '  --complete   no backup of the ledger: only add what the archive has and the database lacks',
  '  --new-epoch  when entries are lost for good: go on, with a signed statement of the lost positions',
  'Stop every service first. The service then starts in quarantine until lethe replay has run.',
];

const options = {
  keys: { type: 'string' },
  kept: { type: 'string' },
  replace: { type: 'boolean' },
  complete: { type: 'boolean' },
  'new-epoch': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

interface Words {
  keys?: string;
  kept?: string;
  replace?: boolean;
  complete?: boolean;
  'new-epoch'?: boolean;
}

export const restoreVerb: Verb = async (args, terminal) => {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const [folder] = positionals;
  if ((folder === undefined) !== (values.complete === true)) throw new Usage(`a backup, or --complete. ${usage[0]}`);
  const began = performance.now();
  const config = commandConfig(terminal);
  await restoreBase(config, folder, values, terminal);
  const { logs, gone } = await bringForward(config, { newEpoch: values['new-epoch'] === true });
  report(logs, terminal);
  for (const logId of gone) terminal.say(`log ${logId}: was signed, and is neither in the backup nor in the archive`);
  terminal.say(`restored in ${((performance.now() - began) / 60_000).toFixed(2)} minutes`);
  if (logs.some(({ lost, epoch }) => lost > 0 && epoch === undefined) || (gone.length > 0 && !values['new-epoch'])) {
    terminal.complain('Entries that were signed are lost. Look for another archive and run lethe restore --complete;');
    terminal.complain('if there is none, lethe restore --complete --new-epoch goes on without them and says so.');
    return 1;
  }
  if (logs.some(({ withoutRows }) => withoutRows > 0)) {
    terminal.complain(
      'What those entries changed for people is not back, and lethe rebuild cannot bring it: who withdrew',
    );
    terminal.complain(
      'may be permitted again. Restore a newer backup; if there is none, lethe replay tells how to go on.',
    );
    return 1;
  }
  terminal.say('In quarantine: run lethe replay, then start the service.');
  return 0;
};

/** Everything is read and compared before the first row is written. */
async function restoreBase(config: Config, folder: string | undefined, words: Words, { say }: Terminal): Promise<void> {
  const [ledger, keys, kept] = await Promise.all([
    open(folder, 'ledger'),
    open(words.keys, 'keys'),
    open(words.kept, 'kept'),
  ]);
  const keyRing = assertTogether([ledger, keys, kept].flatMap((part) => part?.manifest ?? []));
  if (keyRing === undefined) return;
  const files = await openKeyFiles(config.keyDir, keyRing);
  if (keys) await assertOpens(keys, files);
  const urls = await ownerUrls(config);
  try {
    await migrate(urls.keystore, schemas.keystore);
    await assertAllowed(urls, { ledger: ledger?.manifest, keyRing, files }, words);
    // Beside a ledger that stays, too: who was erased since may live in these keys.
    await mark(urls.ledger);
    if (keys) say(`key store: ${await restoreKeys(urls.keystore, keys, files)} rows`);
    if (ledger) say(`ledger: ${await restoreLedger(urls.ledger, ledger.folder, ledger.manifest, schemas.ledger)} rows`);
    await mark(urls.ledger);
    if (kept) say(`kept: ${await restoreKept(urls, kept)} rows were missing`);
  } finally {
    await urls.close();
  }
}

async function open(folder: string | undefined, part: BackupPart): Promise<Part | undefined> {
  if (folder === undefined) return undefined;
  return { folder: resolve(folder), manifest: await openBackup(resolve(folder), part) };
}

/** Asked before anything is opened: a folder without keys would be given new ones, which open nothing. */
async function openKeyFiles(folder: string, keyRing: string): Promise<FileKeys> {
  const lacking = 'Put the escrow copy of the key files there: without them nobody in this backup is readable.';
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) throw new Usage(`there are no keys in the folder LETHE_KEY_DIR names. ${lacking}`);
  const files = await FileKeys.open(folder);
  if (keyRing !== '' && files.ringId !== keyRing)
    throw new Usage(`the keys in the folder LETHE_KEY_DIR names are not those of this backup. ${lacking}`);
  return files;
}

/** Parts of one installation, and none of a newer build. Returns under which key files they were made. */
function assertTogether(parts: readonly BackupManifest[]): string | undefined {
  const known = new Set(['0001-roles', ...[...schemas.ledger, ...schemas.keystore].map(({ id }) => id)]);
  for (const { part, keyRing, migrations } of parts) {
    const newer = migrations.filter((id) => !known.has(id));
    if (newer.length > 0)
      throw new Error(`the part ${part} was made by a newer build (${newer.join(', ')}): restore it with that one.`);
    if (keyRing !== parts[0]?.keyRing)
      throw new Usage(
        `the part ${part} is of another installation than the part ${parts[0]?.part}: they were sealed under other keys.`,
      );
  }
  return parts[0]?.keyRing;
}

async function assertAllowed(
  urls: { ledger: string; keystore: string },
  { ledger, keyRing, files }: { ledger: BackupManifest | undefined; keyRing: string; files: FileKeys },
  { keys, replace = false }: Words,
): Promise<void> {
  const database = await connectAlone(urls.ledger, 'ledger');
  const keystore = await connectAlone(urls.keystore, 'key store');
  try {
    if (ledger && !replace && !(await isEmpty(database)))
      throw new Usage('the database holds a tenant. To put the backup in its place: --replace.');
    const tenants = ledger ? ledger.logs.map(({ tenant }) => tenant) : await tenantsOf(database);
    const alive = await isAlive(keystore, tenants, files);
    if (keys !== undefined && alive && !replace)
      throw new Usage('the key store is alive and newer than its backup: leave --keys away.');
    if (keys === undefined && !alive && tenants.length > 0)
      throw new Usage('the key store holds no key for this backup: name its own backup with --keys.');
    const { rows } = await keystore.query<{ ring_id: string }>('SELECT ring_id FROM key_ring');
    const ring = rows[0]?.ring_id;
    if (ring !== undefined && ring !== keyRing)
      throw new Usage('this backup was sealed under other keys than those of this key store.');
  } finally {
    await Promise.all([database.end(), keystore.end()]);
  }
}

async function restoreKept(urls: { ledger: string; keystore: string }, { folder, manifest }: Part): Promise<number> {
  let rows = 0;
  for (const [url, table] of [
    [urls.ledger, 'certificate'],
    [urls.keystore, 'suppression'],
  ] as const) {
    const client = await connectAlone(url, 'database');
    try {
      rows += await addRows(client, folder, manifest, (name) => name === table);
    } finally {
      await client.end();
    }
  }
  return rows;
}

/** A schema from before there was a place for the mark has it once it is migrated. */
async function mark(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await quarantine(client);
  } finally {
    await client.end();
  }
}

function report(logs: readonly ForwardLog[], { say }: Terminal): void {
  for (const { logId, from, to, withoutRows, leftOut, kept, lost, epoch, damage } of logs) {
    say(`log ${logId}: ${from} entries restored, ${to - from} added from the archive, ${to} in all`);
    if (withoutRows > 0)
      say(`  of ${withoutRows} the rows that were written with them are not in the archive, or fit no more`);
    if (leftOut > 0) say(`  ${leftOut} archived entries are the begin of a flush without its end, and were left out`);
    if (damage !== undefined) say(`  ${damage}: what lies behind it is set aside in the archive`);
    if (kept > 0) say(`  ${kept} suppressions and certificates were missing and are back`);
    if (lost > 0) say(`  ${lost} signed entries are lost`);
    if (epoch !== undefined) say(`  goes on under epoch ${epoch}; position ${to} says what is lost`);
  }
}
