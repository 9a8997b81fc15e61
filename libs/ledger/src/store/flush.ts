/** One flush: a batch of appends of one tenant in one transaction and one round trip (design section 3). */
import type { PoolClient, QueryResult } from 'pg';
import type { TenantId } from '#kernel';
import type { Append, Appended, InlineTable } from './append.js';
import { begin, codeOf, isAnswer, type Statement } from '../database/database.js';
import { finishLeaf, type DraftLeaf } from '../event.js';
import { appendLeaves, encodeFrontier, leafHash, rootOf, type Frontier } from '../log/merkle.js';

/** The tenant's log as this process believes it to be; wrong beliefs are caught by compare-and-set. */
export interface Head {
  logId: string;
  epoch: number;
  frontier: Frontier;
  recordedAt: string;
}

/** An append with its leaves drafted. */
export interface Drafted {
  append: Append;
  drafts: DraftLeaf[];
}

/** A batch that is fully decided: positions, versions, bytes, hashes and every statement are fixed. */
export interface Prepared {
  next: Head;
  /** Versions of the streams it touches, afterwards. */
  versions: Map<string, number>;
  placed: Appended[];
  statements: Statement[];
}

/** The compare-and-set found another tree: somebody else appended. Nothing was kept. */
export class HeadMoved extends Error {
  override name = 'HeadMoved';
}

/** A member's own callback threw while its rows were made; nothing was sent. */
export class MemberFailed extends Error {
  constructor(
    readonly index: number,
    override readonly cause: unknown,
  ) {
    super('the rows of an append could not be made');
    this.name = 'MemberFailed';
  }
}

/** The connection or this process failed in the middle: whether the batch is on disk is not known. Never to be retried blindly. */
export class OutcomeUnknown extends Error {
  readonly code: string;
  constructor(cause: unknown) {
    super('the connection ended before the commit was answered', { cause });
    this.name = 'OutcomeUnknown';
    // 08007 is SQL's transaction_resolution_unknown.
    this.code = codeOf(cause) || '08007';
  }
}

interface Columns {
  positions: number[];
  streams: string[];
  versions: number[];
  types: string[];
  bytes: string[];
  hashes: Buffer[];
}

/** Assigns positions and versions, writes the leaves and rolls the tree forward. `current` says each stream's version now. */
export function prepare(
  tenant: TenantId,
  head: Head,
  batch: readonly Drafted[],
  current: ReadonlyMap<string, number>,
  now: Date,
): Prepared {
  const instant = now.toISOString();
  // Never before what is recorded already, also when a clock jumps back.
  const recordedAt = instant > head.recordedAt ? instant : head.recordedAt;
  const versions = new Map<string, number>();
  const columns: Columns = { positions: [], streams: [], versions: [], types: [], bytes: [], hashes: [] };
  const placed: Appended[] = [];
  let position = head.frontier.size;
  for (const { drafts } of batch) {
    const firstPosition = position;
    for (const draft of drafts) {
      const version = (versions.get(draft.stream) ?? current.get(draft.stream) ?? 0) + 1;
      versions.set(draft.stream, version);
      place(columns, draft, position, version, recordedAt);
      position += 1;
    }
    const token = tokenOf(head, position - 1);
    placed.push({ tenant, firstPosition, lastPosition: position - 1, recordedAt, now: instant, token });
  }
  const next = { ...head, frontier: appendLeaves(head.frontier, columns.hashes), recordedAt };
  const inline = inlineStatements(tenant, batch, placed);
  return { next, versions, placed, statements: [...treeStatements(tenant, head, next, columns), ...inline] };
}

function place(columns: Columns, draft: DraftLeaf, position: number, version: number, recordedAt: string): void {
  const bytes = finishLeaf(draft, version, recordedAt);
  columns.positions.push(position);
  columns.streams.push(draft.stream);
  columns.versions.push(version);
  columns.types.push(draft.type);
  columns.bytes.push(bytes);
  columns.hashes.push(leafHash(Buffer.from(bytes, 'utf8')));
}

/** The opaque read-your-writes token. */
export function tokenOf(head: Pick<Head, 'logId' | 'epoch'>, position: number): string {
  return `${head.logId}.${head.epoch}.${position}`;
}

const DIVISION_BY_ZERO = '22012';
/** See `InlineTable.json`. */
const SEPARATOR = '\u001e';

/**
 * The compare-and-set raises an error when it misses, so that nothing behind it in the same round trip can be kept. It
 * compares the root as well as the size: two histories of one length are not the same head.
 */
function treeStatements(tenant: TenantId, head: Head, next: Head, columns: Columns): Statement[] {
  return [
    {
      name: 'head-compare-and-set',
      text: `WITH moved AS (UPDATE log_head SET size = $2, frontier = $3, root = $4, recorded_at = $5
                            WHERE tenant = $1 AND size = $6 AND root = $7 RETURNING 1)
             SELECT 1 / count(*) AS moved FROM moved`,
      values: [
        tenant,
        next.frontier.size,
        encodeFrontier(next.frontier),
        rootOf(next.frontier),
        next.recordedAt,
        head.frontier.size,
        rootOf(head.frontier),
      ],
    },
    {
      name: 'event-insert',
      text: `INSERT INTO event (tenant, position, stream, version, type, recorded_at, bytes, leaf_hash)
             SELECT $1, p, s, v, t, $7, b, h
             FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], string_to_array($6, E'\\x1e'), $8::bytea[]) AS e(p, s, v, t, b, h)`,
      values: [
        tenant,
        columns.positions,
        columns.streams,
        columns.versions,
        columns.types,
        columns.bytes.join(SEPARATOR),
        next.recordedAt,
        columns.hashes,
      ],
    },
  ];
}

const idempotencyTable: InlineTable = {
  name: 'idempotency',
  columns: 5,
  json: [3],
  text: `INSERT INTO idempotency (tenant, key, fingerprint, status, response, created_at)
         SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::int[], string_to_array($5, E'\\x1e'), $6::timestamptz[])`,
};

/** One statement a table, with the rows of all members. */
function inlineStatements(tenant: TenantId, batch: readonly Drafted[], placed: readonly Appended[]): Statement[] {
  const byTable = new Map<InlineTable, unknown[][]>();
  batch.forEach(({ append }, index) => {
    try {
      for (const [table, row] of rowsOf(append, placed[index]!)) {
        const columns = byTable.get(table) ?? Array.from({ length: table.columns }, () => []);
        byTable.set(table, columns);
        columns.forEach((column, at) => column.push(row[at]));
      }
    } catch (error) {
      throw new MemberFailed(index, error);
    }
  });
  return [...byTable].map(([table, columns]) => ({
    name: `inline-${table.name}`,
    text: table.text,
    ...(table.redo === undefined ? {} : { redo: table.redo }),
    values: [tenant, ...columns.map((column, at) => (table.json?.includes(at) ? column.join(SEPARATOR) : column))],
  }));
}

/** All rows of an append, or none when one of its callbacks throws. */
function rowsOf(append: Append, at: Appended): [InlineTable, unknown[]][] {
  const rows = (append.rows ?? []).map(({ into, row }): [InlineTable, unknown[]] => [into, row(at)]);
  if (append.idempotency && append.respond) {
    const { key, fingerprint } = append.idempotency;
    const { status, body } = append.respond(at);
    rows.push([idempotencyTable, [key, fingerprint, status, JSON.stringify(body), at.recordedAt]]);
  }
  return rows;
}

/**
 * Sends a prepared batch: everything up to COMMIT goes out without waiting. The promise it resolves to (once all is on
 * the wire) settles when the server has answered: `undefined` when the batch is on disk, else why not.
 *
 * `opened` is the open transaction this continues (a locked flush); without it the flush opens its own.
 */
export async function send(
  client: PoolClient,
  tenant: TenantId,
  prepared: Prepared,
  opened = begin(client, tenant, false),
): Promise<{ landed: Promise<Error | undefined> }> {
  let failure: Error | undefined;
  const note = (error: Error): void => void (failure ??= error);
  const answers: Promise<unknown>[] = [opened.catch(note)];
  prepared.statements.forEach((statement, index) => {
    answers.push(client.query(statement).catch((error: Error) => note(index === 0 ? asMiss(error) : error)));
  });
  // A statement that the driver itself refuses never reaches the server, which would then commit the others without it.
  // Such refusals are known after two turns of nextTick; the server's own are not needed, since they abort the COMMIT.
  await turn();
  await turn();
  const closing = client.query(failure === undefined ? 'COMMIT' : 'ROLLBACK').catch((error: Error) => {
    note(error);
    return undefined;
  });
  const landed = Promise.all([closing, ...answers]).then(([closed]) => outcomeOf(failure, closed));
  return { landed };
}

function outcomeOf(failure: Error | undefined, closed: QueryResult | undefined): Error | undefined {
  if (failure === undefined) {
    return closed?.command === 'COMMIT' ? undefined : new OutcomeUnknown(new Error('COMMIT was not answered'));
  }
  // Rolled back for certain only when the server said so.
  return closed?.command === 'ROLLBACK' ? failure : new OutcomeUnknown(failure);
}

function asMiss(error: Error): Error {
  return codeOf(error) === DIVISION_BY_ZERO ? new HeadMoved('somebody else appended') : error;
}

function turn(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** True when the connection cannot be used again. */
export function breaksConnection(error: Error | undefined): boolean {
  if (error === undefined || error instanceof HeadMoved || error instanceof MemberFailed) return false;
  return error instanceof OutcomeUnknown || !isAnswer(error);
}
