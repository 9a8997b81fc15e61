/** Opens a DuckDB file for one call, and waits while another process has it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { ConnectorError, type Fail } from '@lethe/plugin-sdk';

const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 1000;
const PATIENCE_MS = 30_000;

// DuckDB's file lock belongs to the process: a second open in this one would not be refused, and its close would drop
// the lock of the first. So calls on one file stand in line.
const lines = new Map<string, Promise<unknown>>();

async function inLine<T>(file: string, work: () => Promise<T>): Promise<T> {
  const before = lines.get(file) ?? Promise.resolve();
  const mine = before.then(work, work);
  const settled = mine.catch(() => undefined);
  lines.set(file, settled);
  await settled;
  if (lines.get(file) === settled) lines.delete(file);
  return mine;
}

/** By shape: an error out of native code is not always an `Error` of this realm. */
function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
}

function isLocked(error: unknown): boolean {
  return /Could not set lock|Conflicting lock/.test(messageOf(error));
}

async function open(file: string, mode: 'read' | 'write', waitMs: number): Promise<DuckDBInstance> {
  const giveUp = performance.now() + Math.min(waitMs, PATIENCE_MS);
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await DuckDBInstance.create(file, { access_mode: mode === 'read' ? 'READ_ONLY' : 'READ_WRITE' });
    } catch (error) {
      if (!isLocked(error) || performance.now() + wait > giveUp) throw connectorError(error);
      await sleep(wait);
    }
  }
}

/** Runs `work` on a connection; the file is closed when it ends, however it ends. */
export async function openDatabase<T>(
  file: string,
  mode: 'read' | 'write',
  waitMs: number,
  work: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  return inLine(file, async () => {
    const instance = await open(file, mode, waitMs);
    try {
      const connection = await instance.connect();
      try {
        return await work(connection);
      } finally {
        connection.closeSync();
      }
    } finally {
      instance.closeSync();
    }
  });
}

function failOf(message: string): Fail {
  if (/Could not set lock|Conflicting lock/.test(message)) return { class: 'transient', code: 'file-locked' };
  if (/does not exist|No files found|No such file/i.test(message))
    return { class: 'config', code: 'file-or-table-missing' };
  if (/Permission denied/i.test(message)) return { class: 'auth', code: 'permission-denied' };
  if (/foreign key/i.test(message)) return { class: 'permanent', code: 'foreign-key' };
  if (/^Constraint Error/.test(message)) return { class: 'permanent', code: 'constraint' };
  if (/TransactionContext Error|Conflict/.test(message)) return { class: 'transient', code: 'conflict' };
  return { class: 'permanent', code: 'database-error' };
}

/** The same failure without DuckDB's words, which quote values and paths. */
export function connectorError(error: unknown): Error {
  if (error instanceof ConnectorError) return error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return error;
  const fail = failOf(messageOf(error));
  return new ConnectorError(fail, `DuckDB did not do it: ${fail.code}.`);
}
