/** The durable cursor of a subscription: the next position it will read, locked while it reads. */
import type { TenantId } from '#kernel';
import type { Query } from '../database/database.js';
import { parseLeaf, type StoredEvent } from '../event.js';

/** Next position the subscription will read; 0 before its first step. */
export async function readCursor(query: Query, tenant: TenantId, name: string): Promise<number> {
  const { rows } = await query<{ position: number }>({
    name: 'cursor-read',
    text: 'SELECT position FROM cursor WHERE tenant = $1 AND name = $2',
    values: [tenant, name],
  });
  return rows[0]?.position ?? 0;
}

/** Locks the cursor, made if need be; waits while another replica holds it. */
export async function lockCursor(query: Query, tenant: TenantId, name: string): Promise<void> {
  await createCursor(query, tenant, name);
  await query({
    name: 'cursor-lock',
    text: 'SELECT position FROM cursor WHERE tenant = $1 AND name = $2 FOR UPDATE',
    values: [tenant, name],
  });
}

/** What a locked cursor found: where it stands, and the events from there. */
export interface Taken {
  from: number;
  events: StoredEvent[];
}

interface TakenRow {
  from: number;
  position: number | null;
  bytes: string;
}

/**
 * Locks the cursor and reads the next events, at most `limit`, in one statement: every subscription does this for every
 * few events. Undefined when another replica holds it.
 */
export async function takeCursor(
  query: Query,
  tenant: TenantId,
  name: string,
  limit: number,
): Promise<Taken | undefined> {
  const take = (): Promise<{ rows: TakenRow[] }> =>
    query<TakenRow>({
      name: 'cursor-take',
      text: `WITH held AS MATERIALIZED (SELECT position FROM cursor WHERE tenant = $1 AND name = $2 FOR UPDATE SKIP LOCKED)
             SELECT held.position AS "from", e.position, e.bytes
             FROM held LEFT JOIN LATERAL (
               SELECT position, bytes FROM event WHERE tenant = $1 AND position >= held.position ORDER BY position LIMIT $3
             ) e ON true ORDER BY e.position`,
      values: [tenant, name, limit],
    });
  let { rows } = await take();
  if (rows.length === 0 && (await createCursor(query, tenant, name))) ({ rows } = await take());
  const [first] = rows;
  if (!first) return undefined;
  const events = rows.flatMap((row) => (row.position === null ? [] : [parseLeaf(row.position, row.bytes)]));
  return { from: first.from, events };
}

/** True when it was not there. */
async function createCursor(query: Query, tenant: TenantId, name: string): Promise<boolean> {
  const { rowCount } = await query({
    name: 'cursor-create',
    text: 'INSERT INTO cursor (tenant, name, position, updated_at) VALUES ($1, $2, 0, now()) ON CONFLICT DO NOTHING',
    values: [tenant, name],
  });
  return rowCount === 1;
}

/** Moves a locked cursor; commits with whatever else the transaction holds. */
export async function moveCursor(query: Query, tenant: TenantId, name: string, position: number): Promise<void> {
  await query({
    name: 'cursor-move',
    text: 'UPDATE cursor SET position = $3, updated_at = now() WHERE tenant = $1 AND name = $2',
    values: [tenant, name, position],
  });
}
