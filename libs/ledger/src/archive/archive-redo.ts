/** What a flush wrote beside its events, kept until the archive has it: with it a restored backup is brought forward. */
import type { TenantId } from '#kernel';
import type { Query, Statement } from '../database/database.js';
import type { Prepared } from '../store/flush.js';
import { rootOf } from '../log/merkle.js';

/** The statements of one flush beside tree and events, as they were sent. */
export interface RedoRecord {
  tenant: TenantId;
  /** Positions of the flush. */
  first: number;
  last: number;
  recordedAt: string;
  /** Root of the log after the flush, in hex: with the line's seal it vouches for every entry before. */
  root: string;
  statements: Statement[];
}

/** Tree and events come first in a prepared flush; they are in the entry bundles already. */
const TREE_STATEMENTS = 2;
const CHANGES = /^\s*(INSERT|UPDATE|DELETE|WITH)\b/i;

/** The statement that keeps a flush's rows in the same commit. `side` ran before them. */
export function redoStatement(tenant: TenantId, prepared: Prepared, side: readonly Statement[]): Statement {
  const rows = prepared.statements.slice(TREE_STATEMENTS);
  const changes = [...side.filter(({ text }) => CHANGES.test(text)), ...rows];
  const record = {
    recordedAt: prepared.next.recordedAt,
    root: rootOf(prepared.next.frontier).toString('hex'),
    statements: changes.map(({ text, redo: again, values = [] }) => ({
      text: again ?? text,
      values: values.map(pack),
    })),
  };
  return {
    name: 'redo-insert',
    text: 'INSERT INTO redo (tenant, first, last, record) VALUES ($1, $2, $3, $4)',
    values: [tenant, prepared.placed[0]?.firstPosition, prepared.next.frontier.size - 1, JSON.stringify(record)],
  };
}

/** A stored record as one line of a redo file, and back. */
export function redoLine(tenant: TenantId, row: { first: number; last: number; record: string }): string {
  return `{"tenant":"${tenant}","first":${row.first},"last":${row.last},"record":${row.record}}`;
}

/** Reads a line of a redo file. Throws on anything else. */
export function parseRedoLine(line: string): RedoRecord {
  const { tenant, first, last, record } = JSON.parse(line) as {
    tenant: TenantId;
    first: number;
    last: number;
    record: { recordedAt: string; root: string; statements: { text: string; values: unknown[] }[] };
  };
  const statements = record.statements.map(({ text, values }) => ({ text, values: values.map(unpack) }));
  return { tenant, first, last, recordedAt: record.recordedAt, root: record.root, statements };
}

/** Does again what the flush did; the database's own clock stands where it stood. */
export async function redo({ statements, recordedAt }: RedoRecord, query: Query): Promise<void> {
  const instant = `'${new Date(recordedAt).toISOString()}'::timestamptz`;
  for (const { text, values = [] } of statements)
    await query({ text: text.replace(/\b(?:now|clock_timestamp)\(\)/g, instant), values });
}

/** Bytes and instants have no JSON of their own. */
function pack(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { bytes: value.toString('base64') };
  if (value instanceof Date) return { instant: value.toISOString() };
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value === 'object' && value !== null) return { json: value };
  return value ?? null;
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value !== 'object' || value === null) return value;
  const packed = value as { bytes?: string; instant?: string; json?: unknown };
  if (packed.bytes !== undefined) return Buffer.from(packed.bytes, 'base64');
  return packed.instant === undefined ? packed.json : new Date(packed.instant);
}
