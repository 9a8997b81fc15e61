/** Reads of the ledger's own tables, as prepared statements. */
import type { JsonObject, TenantId } from '#kernel';
import type { Database, Query, Statement } from './database/database.js';
import { parseLeaf, type StoredEvent } from './event.js';

export interface HeadRow {
  log_id: string;
  epoch: number;
  size: number;
  frontier: Buffer;
  root: Buffer;
  recorded_at: Date;
}

/** An answer kept under an idempotency key. */
export interface KeptAnswer {
  fingerprint: Buffer;
  status: number;
  body: JsonObject;
}

/** Thrown when a tenant has no log: it was never created, or is another's. */
export class UnknownTenant extends Error {
  override name = 'UnknownTenant';
}

export function headStatement(tenant: TenantId): Statement & { name: string } {
  return {
    name: 'head-read',
    text: 'SELECT log_id, epoch, size, frontier, root, recorded_at FROM log_head WHERE tenant = $1',
    values: [tenant],
  };
}

export async function readHead(database: Database, tenant: TenantId): Promise<HeadRow> {
  const { rows } = await database.fetch<HeadRow>(tenant, headStatement(tenant));
  if (!rows[0]) throw new UnknownTenant('the tenant has no log');
  return rows[0];
}

export async function readVersions(
  query: Query,
  tenant: TenantId,
  streams: string[],
): Promise<{ stream: string; version: number }[]> {
  const { rows } = await query<{ stream: string; version: number }>({
    name: 'stream-versions',
    text: `SELECT s.stream, (SELECT version FROM event WHERE tenant = $1 AND stream = s.stream ORDER BY version DESC LIMIT 1) AS version
           FROM unnest($2::text[]) AS s(stream)`,
    values: [tenant, streams],
  });
  return rows.filter((row) => row.version !== null);
}

export async function readKept(query: Query, tenant: TenantId, keys: Buffer[]): Promise<Map<string, KeptAnswer>> {
  const { rows } = await query<{ key: Buffer; fingerprint: Buffer; status: number; response: string }>({
    name: 'idempotency-read',
    text: 'SELECT key, fingerprint, status, response FROM idempotency WHERE tenant = $1 AND key = ANY($2::bytea[])',
    values: [tenant, keys],
  });
  return new Map(
    rows.map((row) => [
      row.key.toString('hex'),
      { fingerprint: row.fingerprint, status: row.status, body: JSON.parse(row.response) as JsonObject },
    ]),
  );
}

interface EventRow {
  position: number;
  bytes: string;
}

/** All events of one stream, oldest first. */
export async function readStream(database: Database, tenant: TenantId, stream: string): Promise<StoredEvent[]> {
  const { rows } = await database.fetch<EventRow>(tenant, {
    name: 'stream-read',
    text: 'SELECT position, bytes FROM event WHERE tenant = $1 AND stream = $2 ORDER BY version',
    values: [tenant, stream],
  });
  return rows.map((row) => parseLeaf(row.position, row.bytes));
}

/** Events with `position >= from`, at most `limit`, in order. */
export async function readFrom(query: Query, tenant: TenantId, from: number, limit: number): Promise<StoredEvent[]> {
  const { rows } = await query<EventRow>({
    name: 'events-read',
    text: 'SELECT position, bytes FROM event WHERE tenant = $1 AND position >= $2 ORDER BY position LIMIT $3',
    values: [tenant, from, limit],
  });
  return rows.map((row) => parseLeaf(row.position, row.bytes));
}

/** Positions looked at by one statement: one over a whole log would run into its time limit. */
const WINDOW = 20_000;

interface Reach {
  from?: number;
  window?: number;
}

/** Events of a type from a position on, oldest first, in steps of `window` positions. */
export async function* stepsOfType(
  database: Database,
  tenant: TenantId,
  type: string,
  { from: begin = 0, window = WINDOW }: Reach = {},
): AsyncGenerator<StoredEvent[]> {
  const query: Query = (statement) => database.fetch(tenant, statement);
  const size = await readSize(query, tenant);
  for (let from = begin; from < size; from += window) {
    const { rows } = await query<EventRow>({
      name: 'events-of-type',
      text: `SELECT position, bytes FROM event
             WHERE tenant = $1 AND position >= $2 AND position < $3 AND type = $4 ORDER BY position`,
      values: [tenant, from, from + window, type],
    });
    yield rows.map((row) => parseLeaf(row.position, row.bytes));
  }
}

/** Every event of a type from a position on, oldest first, at once: not for calls. */
export async function readOfType(
  database: Database,
  tenant: TenantId,
  type: string,
  reach?: Reach,
): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const step of stepsOfType(database, tenant, type, reach)) found.push(...step);
  return found;
}

/** Number of leaves; 0 when the tenant has no log. */
export async function readSize(query: Query, tenant: TenantId): Promise<number> {
  const { rows } = await query<{ size: number }>({
    name: 'head-size',
    text: 'SELECT size FROM log_head WHERE tenant = $1',
    values: [tenant],
  });
  return rows[0]?.size ?? 0;
}
