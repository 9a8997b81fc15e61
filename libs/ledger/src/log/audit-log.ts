/** Recomputes a stored log from its bytes: what was changed, taken out or exchanged is named by position. */
import type { TenantId } from '#kernel';
import type { CheckpointLock } from './checkpoint-lock.js';
import type { Database } from '../database/database.js';
import { readHead } from '../ledger.queries.js';
import { openWithAnyKey } from './log-keys.js';
import type { LogReader } from './log-reader.js';
import { appendLeaves, EMPTY_FRONTIER, encodeFrontier, leafHash, rootOf, type Frontier } from './merkle.js';
import { NoteRefused } from './signed-note.js';

/** One thing that is not as it was written; `where` is enough to find it. */
export interface LogFault {
  where: string;
  what: string;
}

/** What an audit reads. */
export interface AuditParts {
  database: Database;
  reader: LogReader;
  lock: CheckpointLock;
}

interface Row {
  position: number;
  stream: string;
  version: number;
  type: string;
  recorded_at: Date;
  bytes: string;
  leaf_hash: Buffer;
}

const WINDOW = 1_000;
const MOST_FAULTS = 100;

/** The newest `count` leaves, and the last signed head: cheap enough for every start. */
export async function auditNewest(parts: AuditParts, tenant: TenantId, count: number): Promise<LogFault[]> {
  const { size } = await readHead(parts.database, tenant);
  const faults: LogFault[] = [];
  const from = Math.max(0, size - count);
  for await (const row of rowsFrom(parts.database, tenant, from, size, faults)) check(row, faults);
  const locked = await lockedHead(parts, tenant, faults);
  if (locked && locked.size <= size && faults.length === 0) {
    const root = await parts.reader.root(tenant, locked.size);
    if (!root.equals(locked.root)) faults.push(rewritten(locked.size));
  }
  return faults;
}

/** Every leaf, the stored head and the last signed one. Reads the whole log once. */
export async function auditLog(parts: AuditParts, tenant: TenantId): Promise<LogFault[]> {
  const faults: LogFault[] = [];
  const locked = await lockedHead(parts, tenant, faults);
  const head = await readHead(parts.database, tenant);
  let frontier: Frontier = EMPTY_FRONTIER;
  let batch: Buffer[] = [];
  const roll = (): void => {
    frontier = appendLeaves(frontier, batch);
    batch = [];
  };
  for await (const row of rowsFrom(parts.database, tenant, 0, head.size, faults)) {
    batch.push(check(row, faults));
    if (batch.length === WINDOW || row.position + 1 === locked?.size) roll();
    if (locked && frontier.size === locked.size && batch.length === 0 && !rootOf(frontier).equals(locked.root)) {
      if (faults.length === 0) faults.push(rewritten(locked.size));
    }
    if (faults.length >= MOST_FAULTS) return faults;
  }
  roll();
  if (locked && head.size < locked.size)
    faults.push({ where: 'head', what: `has ${head.size} leaves, though ${locked.size} were signed: rolled back` });
  const same = rootOf(frontier).equals(head.root) && encodeFrontier(frontier).equals(head.frontier);
  if (faults.length === 0 && !same)
    faults.push({ where: 'head', what: `of ${head.size} leaves does not have the root that its leaves give` });
  return faults;
}

async function* rowsFrom(
  database: Database,
  tenant: TenantId,
  from: number,
  size: number,
  faults: LogFault[],
): AsyncGenerator<Row> {
  for (let next = from; next < size;) {
    const { rows } = await database.fetch<Row>(tenant, {
      name: 'audit-window',
      text: `SELECT position, stream, version, type, recorded_at, bytes, leaf_hash FROM event
             WHERE tenant = $1 AND position >= $2 AND position < $3 ORDER BY position LIMIT ${WINDOW}`,
      values: [tenant, next, size],
    });
    for (const row of rows) {
      if (row.position !== next) faults.push({ where: `leaf ${next}`, what: `to ${row.position - 1} is missing` });
      next = row.position + 1;
      yield row;
    }
    if (rows.length === 0) {
      faults.push({ where: `leaf ${next}`, what: `to ${size - 1} is missing` });
      return;
    }
  }
}

/** The hash that the bytes have; what stands beside them must agree. */
function check(row: Row, faults: LogFault[]): Buffer {
  const hash = leafHash(Buffer.from(row.bytes, 'utf8'));
  const where = `leaf ${row.position}`;
  if (!hash.equals(row.leaf_hash)) faults.push({ where, what: 'its bytes are not those that were sealed' });
  else if (!agrees(row)) faults.push({ where, what: 'its stream, version, type or date is not that of its bytes' });
  return hash;
}

function agrees(row: Row): boolean {
  try {
    const leaf = JSON.parse(row.bytes) as { stream: string; version: number; type: string; recordedAt: string };
    const same = leaf.stream === row.stream && leaf.version === row.version && leaf.type === row.type;
    return same && Date.parse(leaf.recordedAt) === row.recorded_at.getTime();
  } catch {
    return false;
  }
}

async function lockedHead(
  { reader, lock }: AuditParts,
  tenant: TenantId,
  faults: LogFault[],
): Promise<{ size: number; root: Buffer } | undefined> {
  const { logId } = await reader.identity(tenant);
  const last = await lock.read(logId);
  if (!last) return undefined;
  try {
    return openWithAnyKey(last.note, [...(await reader.logKeys(tenant)), await reader.successor(tenant)]);
  } catch (error) {
    if (!(error instanceof NoteRefused)) throw error;
    const file = `${logId}/${String(last.generation).padStart(12, '0')}`;
    faults.push({ where: `signed head ${file}`, what: `was changed: ${error.message}` });
    return undefined;
  }
}

function rewritten(size: number): LogFault {
  return { where: `leaves 0 to ${size - 1}`, what: 'do not give the root that was signed: they were written anew' };
}
