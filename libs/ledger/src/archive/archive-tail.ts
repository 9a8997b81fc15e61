/** Brings a log forward from the archive: the same entries at the same positions, and the rows that were written with them. */
import { timingSafeEqual } from 'node:crypto';
import type { TenantId } from '#kernel';
import type { ArchiveFiles } from './archive-files.js';
import type { ArchiveSource } from './archive.projection.js';
import { parseRedoLine, redo, type RedoRecord } from './archive-redo.js';
import { isAnswer, type Database, type Query } from '../database/database.js';
import { parseLeaf } from '../event.js';
import { appendLeaves, decodeFrontier, encodeFrontier, leafHash, rootOf, type Frontier } from '../log/merkle.js';
import { headStatement, type HeadRow } from '../ledger.queries.js';
import { parseEntryBundle, TILE_WIDTH, tilePath } from '../log/tile.js';

/** What was brought forward. */
export interface ReplayedTail {
  /** Leaves before and after. */
  from: number;
  to: number;
  /** Leaves whose rows are not archived, or fit no more: their events are back, what they changed is not (`ROWS_MISSING`). */
  withoutRows: number;
  /** Leaves of a last flush that the archive holds in part: none of it is back, since it was one commit. */
  leftOut: number;
}

/** Mark of an installation that lacks rows of its entries: consents, people, restrictions. Nothing brings them back later. */
export const ROWS_MISSING = 'rows-missing';

/** The archive contradicts itself or the database; what lies before is taken, nothing after. Names the file where it can. */
export class ArchiveDamaged extends Error {
  override name = 'ArchiveDamaged';
}

/** Appends every archived leaf the database lacks, each flush in one transaction. Errors: `ArchiveDamaged`. */
export async function replayTail(
  database: Database,
  tenant: TenantId,
  files: ArchiveFiles,
  source: Pick<ArchiveSource, 'logId' | 'seal'>,
): Promise<ReplayedTail> {
  const logId = await source.logId(tenant);
  const from = (await readHeadOf((statement) => database.fetch(tenant, statement), tenant)).size;
  const flushes = await readFlushes(files, tenant, logId, from, source.seal);
  const tail: ReplayedTail = { from, to: from, withoutRows: 0, leftOut: 0 };
  const entries = entriesFrom(files, logId, from);
  for (let next = await entries.next(); !next.done; next = await entries.next()) {
    const flush = flushes.get(tail.to);
    const count = flush ? flush.last - flush.first + 1 : 1;
    const pending = [next.value, ...(await take(entries, count - 1))];
    if (pending.length < count) return { ...tail, leftOut: pending.length };
    const whole = await database.transaction(tenant, (query) => place(query, tenant, tail.to, pending, flush));
    if (!whole) tail.withoutRows += pending.length;
    tail.to += pending.length;
  }
  return tail;
}

/**
 * Moves what the archive holds from position `size` on out of the way, for a log that goes on there without it: two
 * histories in one archive could not be told apart at the next restore. The bundle of that position is written again with
 * its next entry. Returns how many files.
 */
export async function setAsideFrom(files: ArchiveFiles, logId: string, size: number, to: string): Promise<number> {
  const names = (await files.list(`${logId}/redo`))
    .filter((name) => Number(name.slice(17, 33)) >= size)
    .map((name) => `redo/${name}`);
  for (let index = Math.floor(size / TILE_WIDTH); ; index += 1) {
    const path = tilePath({ level: 'entries', index, width: TILE_WIDTH });
    const partial = (await files.list(`${logId}/${path}.p`)).map((name) => `${path}.p/${name}`);
    const full = (await files.read(`${logId}/${path}`)) === undefined ? [] : [path];
    if (partial.length + full.length === 0) break;
    names.push(...full, ...partial);
  }
  for (const name of names) await files.move(`${logId}/${name}`, `${to}/${name}`);
  return names.length;
}

/** Number of leaves the archive reaches, when the database has `from`. */
export async function archivedSize(files: ArchiveFiles, logId: string, from: number): Promise<number> {
  let size = from;
  for await (const _ of entriesFrom(files, logId, from)) size += 1;
  return size;
}

/** Bytes of every archived entry from position `from` on, in order. */
async function* entriesFrom(files: ArchiveFiles, logId: string, from: number): AsyncGenerator<Buffer> {
  for (let index = Math.floor(from / TILE_WIDTH); ; index += 1) {
    const bundle = await readBundle(files, logId, index);
    yield* bundle.slice(Math.max(0, from - index * TILE_WIDTH));
    if (bundle.length < TILE_WIDTH) return;
  }
}

/** Fewer when the archive ends before. */
async function take(entries: AsyncGenerator<Buffer>, count: number): Promise<Buffer[]> {
  const taken: Buffer[] = [];
  while (taken.length < count) {
    const next = await entries.next();
    if (next.done) return taken;
    taken.push(next.value);
  }
  return taken;
}

/** The widest bundle of this number: full, else the widest partial one. */
async function readBundle(files: ArchiveFiles, logId: string, index: number): Promise<Buffer[]> {
  const path = `${logId}/${tilePath({ level: 'entries', index, width: TILE_WIDTH })}`;
  const full = await files.read(path);
  if (full) return entriesOf(full, path, TILE_WIDTH);
  const [widest] = (await files.list(`${path}.p`)).map(Number).sort((one, other) => other - one);
  if (widest === undefined) return [];
  const bytes = await files.read(`${path}.p/${widest}`);
  return bytes ? entriesOf(bytes, `${path}.p/${widest}`, widest) : [];
}

function entriesOf(bytes: Buffer, name: string, width: number): Buffer[] {
  let entries: Buffer[] = [];
  try {
    entries = parseEntryBundle(bytes);
  } catch (error) {
    throw new ArchiveDamaged(`the archive's file ${name} is damaged: ${(error as Error).message}`);
  }
  if (entries.length === width) return entries;
  throw new ArchiveDamaged(`the archive's file ${name} is damaged: it has ${entries.length} entries, not ${width}`);
}

async function readFlushes(
  files: ArchiveFiles,
  tenant: TenantId,
  logId: string,
  from: number,
  seal: ArchiveSource['seal'],
): Promise<Map<number, RedoRecord>> {
  const flushes = new Map<number, RedoRecord>();
  for (const name of await files.list(`${logId}/redo`)) {
    if (Number(name.slice(17, 33)) < from) continue;
    const text = (await files.read(`${logId}/redo/${name}`))?.toString('utf8') ?? '';
    for (const record of recordsOf(text, tenant, seal, `${logId}/redo/${name}`)) flushes.set(record.first, record);
  }
  return flushes;
}

function recordsOf(text: string, tenant: TenantId, seal: ArchiveSource['seal'], name: string): RedoRecord[] {
  try {
    const records = text
      .split('\n')
      .filter(Boolean)
      .map((sealed) => parseRedoLine(unseal(sealed, tenant, seal, name)));
    if (records.every((record) => record.tenant === tenant)) return records;
    throw new ArchiveDamaged(`the archive's file ${name} is another log's`);
  } catch (error) {
    if (!(error instanceof ArchiveDamaged)) throw error;
    throw new ArchiveDamaged(`${error.message} (moved away, its entries come back without their read models)`);
  }
}

/** The line behind its seal; `name` is the file it stands in. Errors: `ArchiveDamaged` when it was changed. */
export function unseal(sealed: string, tenant: TenantId, seal: ArchiveSource['seal'], name: string): string {
  const space = sealed.indexOf(' ');
  const [given, line] = [sealed.slice(0, space), sealed.slice(space + 1).trimEnd()];
  const expected = seal(tenant, line);
  const same = given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
  if (!same) throw new ArchiveDamaged(`the archive's file ${name} was changed, or is of another installation`);
  return line;
}

/** Resolves to whether the rows were written again, too. */
async function place(
  query: Query,
  tenant: TenantId,
  at: number,
  entries: readonly Buffer[],
  flush: RedoRecord | undefined,
): Promise<boolean> {
  const head = await readHeadOf(query, tenant);
  if (head.size !== at) throw new Error('somebody appends while the archive is replayed: stop the service');
  const hashes = entries.map(leafHash);
  const events = entries.map((bytes, index) => parseLeaf(at + index, bytes.toString('utf8')));
  if (events.some((event) => event.tenant !== tenant))
    throw new ArchiveDamaged('an archived entry is of another tenant');
  for (const [index, event] of events.entries())
    await query({
      name: 'tail-event',
      text: `INSERT INTO event (tenant, position, stream, version, type, recorded_at, bytes, leaf_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      values: [
        ...[tenant, event.position, event.stream, event.version, event.type, event.recordedAt],
        ...[entries[index]!.toString('utf8'), hashes[index]],
      ],
    });
  const frontier = appendLeaves(decodeFrontier(head.frontier), hashes);
  if (flush && rootOf(frontier).toString('hex') !== flush.root)
    throw new ArchiveDamaged('an archived entry was changed: the root after it is another one');
  await moveHead(query, tenant, frontier, events.at(-1)!.recordedAt);
  const whole = flush !== undefined && (await again(flush, query));
  if (!whole)
    await query({
      name: 'tail-rows-missing',
      text: `INSERT INTO installation_mark (name, detail, set_at) VALUES ($1, 'restored', now()) ON CONFLICT DO NOTHING`,
      values: [ROWS_MISSING],
    });
  return whole;
}

/** Rows that cannot be written again must not keep the entries from coming back; they are counted. */
async function again(flush: RedoRecord, query: Query): Promise<boolean> {
  await query({ text: 'SAVEPOINT rows' });
  try {
    await redo(flush, query);
    return true;
  } catch (error) {
    if (!isAnswer(error)) throw error;
    await query({ text: 'ROLLBACK TO SAVEPOINT rows' });
    return false;
  }
}

async function moveHead(query: Query, tenant: TenantId, frontier: Frontier, recordedAt: string): Promise<void> {
  await query({
    name: 'tail-head',
    text: 'UPDATE log_head SET size = $2, frontier = $3, root = $4, recorded_at = $5 WHERE tenant = $1',
    values: [tenant, frontier.size, encodeFrontier(frontier), rootOf(frontier), recordedAt],
  });
}

async function readHeadOf(query: Query, tenant: TenantId): Promise<HeadRow> {
  const { rows } = await query<HeadRow>(headStatement(tenant));
  if (!rows[0]) throw new ArchiveDamaged('the tenant has no log in this database');
  return rows[0];
}
