/** Copies each log to the archive as it grows: entry bundles for anybody, and redo files until two backups hold what they do. */
import type { TenantId } from '#kernel';
import type { ArchiveFiles } from './archive-files.js';
import { redoLine } from './archive-redo.js';
import type { Database, Query } from '../database/database.js';
import { readEntries, readLatestCheckpoint } from '../log/log.queries.js';
import type { Projection } from '../subscription/subscription.js';
import { formatEntryBundle, TILE_WIDTH, tilePath } from '../log/tile.js';

/** What the archive cannot know by itself. */
export interface ArchiveSource {
  /** Folder of a tenant's log. */
  logId(tenant: TenantId): Promise<string>;
  /** What must exist before the log's first entry can be restored, as JSON text. */
  describe(tenant: TenantId): Promise<string>;
  /** Keyed hash of a line in hex: a redo file holds statements, and nobody else's are ever run. */
  seal(tenant: TenantId, line: string): string;
}

/** Name of the subscription, and so of its cursor. */
export const ARCHIVE = 'archive';

/**
 * A projection whose rows are files. They are on disk before the cursor moves, so a crash writes them again. A bundle that
 * is not full is replaced by the next one, which holds more.
 */
export function archiveProjection(files: ArchiveFiles, source: ArchiveSource): Projection {
  return {
    name: ARCHIVE,
    anyType: true,
    async apply(events, query) {
      const { tenant, position: first } = events[0]!;
      const last = events.at(-1)!.position;
      const logId = await source.logId(tenant);
      if (first === 0) await files.write(`${logId}/log.json`, sealed(source, tenant, await source.describe(tenant)));
      for (let index = Math.floor(first / TILE_WIDTH); index <= Math.floor(last / TILE_WIDTH); index += 1)
        await writeBundle(files, query, tenant, logId, index, last);
      await writeRedo(files, source, query, tenant, logId, last);
      const seal = await readLatestCheckpoint(query, tenant, last + 1);
      if (seal) await writeSeal(files, logId, seal.note);
    },
    // The files stay: they are what a lost database is restored from.
    reset: async () => undefined,
  };
}

/** Copies the seal of what is archived: it is signed after its entries were copied, and no event follows. */
export async function archiveSeal(files: ArchiveFiles, database: Database, tenant: TenantId): Promise<void> {
  const { rows } = await database.fetch<{ log_id: string; note: string }>(tenant, {
    name: 'archive-seal',
    text: `SELECT h.log_id, c.note FROM log_head h JOIN cursor s ON s.tenant = h.tenant AND s.name = $2
           CROSS JOIN LATERAL (SELECT note FROM checkpoint WHERE tenant = $1 AND size <= s.position ORDER BY size DESC LIMIT 1) c
           WHERE h.tenant = $1`,
    values: [tenant, ARCHIVE],
  });
  for (const { log_id: logId, note } of rows) await writeSeal(files, logId, note);
}

/** Of no more entries than lie in the archive, and after them: so its folder holds, at every moment, all that its seal covers. */
async function writeSeal(files: ArchiveFiles, logId: string, note: string): Promise<void> {
  const name = `${logId}/checkpoint`;
  if ((await files.read(name))?.toString('utf8') !== note) await files.write(name, note);
}

async function writeBundle(
  files: ArchiveFiles,
  query: Query,
  tenant: TenantId,
  logId: string,
  index: number,
  last: number,
): Promise<void> {
  const start = index * TILE_WIDTH;
  const width = Math.min(TILE_WIDTH, last + 1 - start);
  const entries = await readEntries(query, tenant, start, width);
  const path = tilePath({ level: 'entries', index, width });
  await files.write(`${logId}/${path}`, formatEntryBundle(entries.map(({ bytes }) => bytes)));
  const partials = `${logId}/${tilePath({ level: 'entries', index, width: TILE_WIDTH })}.p`;
  for (const name of await files.list(partials)) if (Number(name) < width) await files.remove(`${partials}/${name}`);
}

async function writeRedo(
  files: ArchiveFiles,
  source: ArchiveSource,
  query: Query,
  tenant: TenantId,
  logId: string,
  last: number,
): Promise<void> {
  const { rows } = await query<{ first: number; last: number; record: string }>({
    name: 'redo-read',
    // By their begin: of a flush whose end is still to come the restore must know that it is not whole.
    text: 'SELECT first, last, record FROM redo WHERE tenant = $1 AND first <= $2 ORDER BY first',
    values: [tenant, last],
  });
  const [begin] = rows;
  if (!begin) return;
  const lines = rows.map((row) => redoLine(tenant, row));
  const text = lines.map((line) => sealed(source, tenant, line)).join('');
  await files.write(`${logId}/redo/${redoName(begin.first, rows.at(-1)!.last)}`, text);
  await query({ text: 'DELETE FROM redo WHERE tenant = $1 AND first <= $2', values: [tenant, last] });
}

/** A line behind its keyed hash. */
function sealed(source: Pick<ArchiveSource, 'seal'>, tenant: TenantId, line: string): string {
  return `${source.seal(tenant, line)} ${line}\n`;
}

/** Sorts by position. */
function redoName(first: number, last: number): string {
  return `${String(first).padStart(16, '0')}-${String(last).padStart(16, '0')}.jsonl`;
}

/** Removes redo files that a backup with `size` leaves does not need: keyed hashes of people must not lie there for ever. */
export async function pruneRedo(files: ArchiveFiles, logId: string, size: number): Promise<number> {
  const names = (await files.list(`${logId}/redo`)).filter((name) => Number(name.slice(17, 33)) < size);
  for (const name of names) await files.remove(`${logId}/redo/${name}`);
  return names.length;
}
