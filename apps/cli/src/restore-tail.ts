/** From the base backup to the last archived entry, log by log; then the comparison with what was signed. */
import type { TenantId } from '#kernel';
import {
  ArchiveDamaged,
  beginEpoch,
  findRollback,
  openArchive,
  replayTail,
  setAsideFrom,
  unseal,
  type ArchiveFiles,
  type ReplayedTail,
  type RollbackParts,
} from '#ledger';
import type { Config, PlatformParts } from '#platform';
import { bringBackKept } from '../../server/src/kept-archive.js';
import { archiveSource } from '../../server/src/ledger-parts.js';
import { openParts } from '../../server/src/server.js';
import { QUARANTINE } from '../../server/src/state-watch.js';

/** What became of one log. `epoch` is set when it goes on without what is lost. */
export interface ForwardLog extends ReplayedTail {
  logId: string;
  /** Suppressions and certificates that were missing. */
  kept: number;
  /** Entries that were signed and are in neither the backup nor the archive. */
  lost: number;
  epoch?: number;
  /** What is wrong with the archive, when the log goes on without the rest of it. */
  damage?: string;
}

/** What was brought forward, and logs that were signed and are nowhere. */
export interface Forward {
  logs: ForwardLog[];
  gone: string[];
}

/** Adds the archived tail to every log, and leaves the installation in quarantine. */
export async function bringForward(config: Config, { newEpoch }: { newEpoch: boolean }): Promise<Forward> {
  const { parts, rollback, close } = await openParts(config, () => Promise.resolve([]));
  try {
    // The statement about a new epoch must not be dated by a machine that is ahead: every later leaf would be.
    await parts.clockGuard.compare();
    await parts.database.global({
      text: `INSERT INTO installation_mark (name, detail, set_at) VALUES ($1, 'restored', now())
             ON CONFLICT (name) DO UPDATE SET set_at = excluded.set_at`,
      values: [QUARANTINE],
    });
    const archive = config.LETHE_ARCHIVE_URL === undefined ? undefined : openArchive(config.LETHE_ARCHIVE_URL);
    if (archive) await openMissingLogs(parts, archive);
    const { rows } = await parts.database.global<{ id: TenantId }>({ text: 'SELECT id FROM tenant ORDER BY id' });
    const logs: ForwardLog[] = [];
    for (const { id } of rows) logs.push(await forward(parts, rollback, archive, id, newEpoch));
    const present = new Set(logs.map(({ logId }) => logId));
    const gone = (await rollback.lock.logs()).filter((logId) => !present.has(logId));
    if (newEpoch) for (const logId of gone) await rollback.lock.setAside(logId);
    return { logs, gone };
  } finally {
    await close();
  }
}

async function forward(
  parts: PlatformParts,
  rollback: RollbackParts,
  archive: ArchiveFiles | undefined,
  tenant: TenantId,
  newEpoch: boolean,
): Promise<ForwardLog> {
  const { logId, epoch } = await parts.store.head(tenant);
  const tail = await tailOf(parts, archive, tenant, newEpoch);
  const kept = archive ? await bringBackKept(parts, archive, tenant) : 0;
  const behind = await findRollback(rollback, tenant);
  const lost = behind ? Math.max(1, behind.locked.size - behind.size) : 0;
  const log: ForwardLog = { ...tail, logId, kept, lost };
  if (behind && !newEpoch) return log;
  if (behind)
    await beginEpoch(rollback, tenant, behind, (await archive?.read(`${logId}/checkpoint`))?.toString('utf8'));
  // What the log goes on without must not be found in its archive at the next restore.
  if (archive && (behind || tail.leftOut > 0 || tail.damage !== undefined))
    await setAsideFrom(archive, logId, tail.to, `set-aside/${logId}/${tail.to}-${Date.now()}`);
  return behind ? { ...log, epoch: epoch + 1 } : log;
}

/** Errors: what is damaged and what to do, unless the operator said to go on without it. */
async function tailOf(
  { database, store, keys }: PlatformParts,
  archive: ArchiveFiles | undefined,
  tenant: TenantId,
  newEpoch: boolean,
): Promise<ReplayedTail & { damage?: string }> {
  const { size: from } = await store.head(tenant);
  try {
    if (archive) return await replayTail(database, tenant, archive, archiveSource(store, keys));
    return { from, to: from, withoutRows: 0, leftOut: 0 };
  } catch (error) {
    if (!(error instanceof ArchiveDamaged)) throw error;
    const { size: to } = await store.head(tenant);
    if (newEpoch) return { from, to, withoutRows: 0, leftOut: 0, damage: error.message };
    throw new Error(
      `${error.message}. Every entry before ${to} is in place, in quarantine. Put a sound copy of that file there and run lethe restore --complete; if there is none, lethe restore --complete --new-epoch goes on without what lies behind it.`,
      { cause: error },
    );
  }
}

/** A tenant that is younger than the backup is known from the archive alone. */
async function openMissingLogs({ database, store, keys }: PlatformParts, archive: ArchiveFiles): Promise<void> {
  const source = archiveSource(store, keys);
  const { rows } = await database.global<{ log_id: string }>({ text: 'SELECT log_id FROM tenant' });
  const known = new Set(rows.map((row) => row.log_id));
  for (const logId of (await archive.list('')).filter((name) => !known.has(name))) {
    const sealed = (await archive.read(`${logId}/log.json`))?.toString('utf8');
    if (sealed === undefined) continue;
    const { id } = JSON.parse(sealed.slice(sealed.indexOf(' '))) as { id: TenantId };
    const row = unseal(sealed, id, source.seal, `${logId}/log.json`);
    await database.transaction(id, async (query) => {
      await query({
        text: 'INSERT INTO tenant SELECT * FROM jsonb_populate_record(NULL::tenant, $1::jsonb)',
        values: [row],
      });
      await store.open(query, id, logId);
    });
  }
}
