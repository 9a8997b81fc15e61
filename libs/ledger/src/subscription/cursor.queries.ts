/** The durable cursor of a subscription: the next position it will read, locked while it reads. */
import type { TenantId } from '#kernel';
import type { Query } from '../database/database.js';

/** Next position the subscription will read; 0 before its first step. */
export async function readCursor(query: Query, tenant: TenantId, name: string): Promise<number> {
  const { rows } = await query<{ position: number }>({
    name: 'cursor-read',
    text: 'SELECT position FROM cursor WHERE tenant = $1 AND name = $2',
    values: [tenant, name],
  });
  return rows[0]?.position ?? 0;
}

/** The locked cursor, or undefined when another replica holds it and `wait` is false. */
export async function lockCursor(
  query: Query,
  tenant: TenantId,
  name: string,
  wait: boolean,
): Promise<number | undefined> {
  await query({
    name: 'cursor-create',
    text: 'INSERT INTO cursor (tenant, name, position, updated_at) VALUES ($1, $2, 0, now()) ON CONFLICT DO NOTHING',
    values: [tenant, name],
  });
  const { rows } = await query<{ position: number }>({
    name: wait ? 'cursor-lock' : 'cursor-try-lock',
    text: `SELECT position FROM cursor WHERE tenant = $1 AND name = $2 FOR UPDATE ${wait ? '' : 'SKIP LOCKED'}`,
    values: [tenant, name],
  });
  return rows[0]?.position;
}

/** Moves a locked cursor; commits with whatever else the transaction holds. */
export async function moveCursor(query: Query, tenant: TenantId, name: string, position: number): Promise<void> {
  await query({
    name: 'cursor-move',
    text: 'UPDATE cursor SET position = $3, updated_at = now() WHERE tenant = $1 AND name = $2',
    values: [tenant, name, position],
  });
}
