/** Puts a backup's tables back: an empty schema as old as the backup, its rows, then this build's migrations. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import {
  appendLeaves,
  decodeFrontier,
  encodeFrontier,
  EMPTY_FRONTIER,
  leafHash,
  rootOf,
  type Migration,
} from '#ledger';
import { migrate } from '#platform';
import { QUARANTINE } from '../../server/src/state-watch.js';
import type { BackupManifest } from './backup-manifest.js';
import { readTable, within } from './backup-tables.js';
import { Usage } from './terminal.js';

const LEAVING_MS = 5_000;

/** Connects as the owner, alone: what others would write meanwhile would be lost or mixed in. */
export async function connectAlone(url: string, what: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  // PostgreSQL notices a moment later that somebody has gone: whoever has just stopped a service is not refused.
  for (const end = Date.now() + LEAVING_MS; ; await sleep(100)) {
    const { rows } = await client.query<{ others: string }>(
      // A superuser looks on; a service is never one.
      `SELECT count(*) AS others FROM pg_stat_activity a JOIN pg_roles r ON r.rolname = a.usename
       WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND NOT r.rolsuper`,
    );
    if (Number(rows[0]?.others) === 0) return client;
    if (Date.now() > end) break;
  }
  await client.end();
  throw new Usage(`somebody is connected to the ${what}: stop every service first.`);
}

/** True when there is nothing that could be lost: no tables, or tables without a tenant. */
export async function isEmpty(client: Client): Promise<boolean> {
  return (await tenantsOf(client)).length === 0;
}

/** Ids of the tenants of a ledger; none without tables. */
export async function tenantsOf(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ there: string | null }>(`SELECT to_regclass('public.tenant') AS there`);
  if (rows[0]?.there === null) return [];
  return (await client.query<{ id: string }>('SELECT id FROM tenant')).rows.map(({ id }) => id);
}

/** Restores the ledger's database. Errors: a sentence; then the database is as empty as it was made. */
export async function restoreLedger(
  url: string,
  folder: string,
  manifest: BackupManifest,
  migrations: Migration[],
): Promise<number> {
  await dropTables(url);
  await migrate(
    url,
    migrations.filter(({ id }) => manifest.migrations.includes(id)),
  );
  const client = await connectAlone(url, 'ledger');
  let rows = 0;
  try {
    await client.query('BEGIN');
    for (const table of manifest.tables) rows += await readTable(client, folder, table);
    for (const log of manifest.logs) await assertLog(client, log);
    // In the same commit as the people: whoever stops here, nobody serves them before lethe replay.
    await quarantine(client);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
  await migrate(url, migrations);
  return rows;
}

/** From here on every process that opens this database is in quarantine. A schema from before the mark has no place for it yet. */
export async function quarantine(client: Client): Promise<void> {
  const { rows } = await client.query<{ there: string | null }>(
    `SELECT to_regclass('public.installation_mark') AS there`,
  );
  if (rows[0]?.there === null) return;
  await client.query(
    `INSERT INTO installation_mark (name, detail, set_at) VALUES ($1, 'restored', now())
     ON CONFLICT (name) DO UPDATE SET set_at = excluded.set_at`,
    [QUARANTINE],
  );
}

async function dropTables(url: string): Promise<void> {
  const client = await connectAlone(url, 'ledger');
  try {
    const { rows } = await client.query<{ names: string | null }>(
      `SELECT string_agg(quote_ident(relname), ', ') AS names FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')`,
    );
    if (rows[0]?.names) await client.query(`DROP TABLE ${rows[0].names} CASCADE`);
  } finally {
    await client.end();
  }
}

/** Every leaf again, from its bytes: what was restored is the log that was backed up. */
async function assertLog(client: Client, { tenant, logId, size, root }: BackupManifest['logs'][number]): Promise<void> {
  await within(client, tenant);
  let frontier = EMPTY_FRONTIER;
  while (frontier.size < size) {
    const { rows } = await client.query<{ bytes: string }>(
      'SELECT bytes FROM event WHERE tenant = $1 AND position >= $2 ORDER BY position LIMIT 1000',
      [tenant, frontier.size],
    );
    if (rows.length === 0) break;
    frontier = appendLeaves(
      frontier,
      rows.map(({ bytes }) => leafHash(Buffer.from(bytes, 'utf8'))),
    );
  }
  const { rows } = await client.query<{ frontier: Buffer }>('SELECT frontier FROM log_head WHERE tenant = $1', [
    tenant,
  ]);
  const stored = rows[0] && decodeFrontier(rows[0].frontier);
  const sound = stored !== undefined && encodeFrontier(stored).equals(encodeFrontier(frontier));
  if (frontier.size !== size || rootOf(frontier).toString('hex') !== root || !sound)
    throw new Error(`log ${logId} of this backup is not the one its manifest names.`);
}

/**
 * Adds a part to databases that stay: rows that are there win. So a mark of a destroyed key is never undone, and a
 * suppression or certificate of today never rolled back. `conflicts` says otherwise, by table.
 */
export async function addRows(
  client: Client,
  folder: string,
  manifest: BackupManifest,
  chosen: (table: string) => boolean,
  conflicts: Record<string, string> = {},
): Promise<number> {
  let rows = 0;
  await client.query('BEGIN');
  for (const table of manifest.tables.filter(({ name }) => chosen(name)))
    rows += await readTable(client, folder, table, conflicts[table.name]);
  await client.query('COMMIT');
  return rows;
}
