/** One flush: a batch of appends of one tenant in one transaction and one round trip (design section 3). */
import type { PoolClient } from 'pg';
import type { TenantId } from '#kernel';
import type { Append, Appended, InlineTable } from './append.js';
import { begin, type Database, type Query } from './database.js';
import { leafText } from './event.js';
import { appendLeaves, encodeFrontier, leafHash, rootOf, type Frontier } from './merkle.js';

/** The tenant's log as this process believes it to be; wrong beliefs are caught by compare-and-set. */
export interface Head {
  logId: string;
  epoch: number;
  frontier: Frontier;
  recordedAt: string;
}

/** A batch that is fully decided: positions, versions, bytes and hashes are fixed. */
export interface Prepared {
  head: Head;
  next: Head;
  appends: { append: Append; at: Appended }[];
  columns: {
    positions: number[];
    streams: string[];
    versions: number[];
    types: string[];
    bytes: string[];
    hashes: Buffer[];
  };
}

/** The compare-and-set found another size: somebody else appended. Reload the head and prepare again. */
export class HeadMoved extends Error {
  override name = 'HeadMoved';
}

/** Assigns positions and versions, writes the leaves and rolls the tree forward. `versions` holds each stream's current one. */
export function prepare(
  tenant: TenantId,
  head: Head,
  appends: Append[],
  versions: Map<string, number>,
  now: Date,
): Prepared {
  const instant = now.toISOString();
  const recordedAt = instant > head.recordedAt ? instant : head.recordedAt;
  const columns: Prepared['columns'] = { positions: [], streams: [], versions: [], types: [], bytes: [], hashes: [] };
  const placed: Prepared['appends'] = [];
  let position = head.frontier.size;
  for (const append of appends) {
    const firstPosition = position;
    for (const event of append.events) {
      const version = (versions.get(event.stream) ?? 0) + 1;
      versions.set(event.stream, version);
      const bytes = leafText({
        tenant,
        stream: event.stream,
        version,
        type: event.type,
        occurredAt: event.occurredAt?.toISOString() ?? recordedAt,
        recordedAt,
        actorRef: append.actorRef,
        data: event.data,
      });
      columns.positions.push(position);
      columns.streams.push(event.stream);
      columns.versions.push(version);
      columns.types.push(event.type);
      columns.bytes.push(bytes);
      columns.hashes.push(leafHash(Buffer.from(bytes, 'utf8')));
      position += 1;
    }
    const lastPosition = position - 1;
    placed.push({
      append,
      at: { tenant, firstPosition, lastPosition, recordedAt, token: tokenOf(head, lastPosition) },
    });
  }
  const frontier = appendLeaves(head.frontier, columns.hashes);
  return { head, next: { ...head, frontier, recordedAt }, appends: placed, columns };
}

/** The opaque read-your-writes token. */
export function tokenOf(head: Pick<Head, 'logId' | 'epoch'>, position: number): string {
  return `${head.logId}.${head.epoch}.${position}`;
}

/** Writes a prepared batch. Resolves when it is on disk; rejects with `HeadMoved` or the database's error, with nothing kept. */
export async function write(database: Database, tenant: TenantId, prepared: Prepared): Promise<void> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  try {
    const side = prepared.appends.find(({ append }) => append.side)?.append.side;
    const opened = begin(client, tenant, false);
    if (side) {
      await opened;
      await side(((statement) => client.query(statement as never)) as Query);
    }
    // Not awaited one by one: everything up to COMMIT is on the wire at once. A failure in the middle aborts the
    // transaction, and PostgreSQL answers the COMMIT of an aborted transaction with ROLLBACK.
    const sent = [opened, ...statements(client, tenant, prepared), client.query('COMMIT')];
    const settled = await Promise.allSettled(sent);
    const moved = settled[1];
    if (moved?.status === 'fulfilled' && (moved.value as { rowCount: number }).rowCount === 0) throw new HeadMoved();
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

function statements(
  client: PoolClient,
  tenant: TenantId,
  { head, next, columns, appends }: Prepared,
): Promise<unknown>[] {
  const root = rootOf(next.frontier);
  const sent: Promise<unknown>[] = [
    client.query({
      name: 'head-compare-and-set',
      text: `UPDATE log_head SET size = $2, frontier = $3, root = $4, recorded_at = $5 WHERE tenant = $1 AND size = $6`,
      values: [tenant, next.frontier.size, encodeFrontier(next.frontier), root, next.recordedAt, head.frontier.size],
    }),
    client.query({
      name: 'event-insert',
      text: `INSERT INTO event (tenant, position, stream, version, type, recorded_at, bytes, leaf_hash)
             SELECT $1, p, s, v, t, $7, b, h FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], $6::text[], $8::bytea[]) AS e(p, s, v, t, b, h)`,
      values: [
        tenant,
        columns.positions,
        columns.streams,
        columns.versions,
        columns.types,
        columns.bytes,
        next.recordedAt,
        columns.hashes,
      ],
    }),
  ];
  for (const [table, rows] of inlineRows(appends)) {
    const values = Array.from({ length: table.columns }, (_, column) => rows.map((row) => row[column]));
    sent.push(client.query({ name: `inline-${table.name}`, text: table.text, values: [tenant, ...values] }));
  }
  return sent;
}

const idempotencyTable: InlineTable = {
  name: 'idempotency',
  columns: 5,
  text: `INSERT INTO idempotency (tenant, key, fingerprint, status, response, created_at)
         SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::int[], $5::text[], $6::timestamptz[])`,
};

function inlineRows(appends: Prepared['appends']): Map<InlineTable, unknown[][]> {
  const byTable = new Map<InlineTable, unknown[][]>();
  const push = (table: InlineTable, row: unknown[]): void => {
    const rows = byTable.get(table);
    if (rows) rows.push(row);
    else byTable.set(table, [row]);
  };
  for (const { append, at } of appends) {
    for (const { into, row } of append.rows ?? []) push(into, row(at));
    if (append.idempotency && append.respond) {
      const { status, body } = append.respond(at);
      push(idempotencyTable, [
        append.idempotency.key,
        append.idempotency.fingerprint,
        status,
        JSON.stringify(body),
        at.recordedAt,
      ]);
    }
  }
  return byTable;
}
