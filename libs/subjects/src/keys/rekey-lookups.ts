/** Replaces the lookup key of a tenant: both keys answer while rows are hashed anew from their sealed values. */
import type { TenantId } from '#kernel';
import type { Database, InlineRow, InlineTable } from '#ledger';
import type { KeyProvider } from '#platform';
import { keyOf, type NormalIdentifier } from '../identifier.js';
import type { Sealed, Sealer } from './sealer.js';
import { identifierPlace } from '../subject.js';

/** A tenant's lookup key. `rekeyedAt` is null while rows under the key before it are left. */
export interface LookupKeyState {
  generation: number;
  rekeyedAt: Date | null;
}

/** How far a re-keying is: `unreadable` rows belong to people whose erasure is under way; they go with it. */
export interface Rekeyed {
  rows: number;
  unreadable: number;
  finished: boolean;
}

/** What re-keying works with. */
export interface RekeyParts {
  database: Database;
  keys: KeyProvider;
  sealer: Sealer;
}

const BATCH = 200;
/** Smaller than every id: a batch begins behind the last one, without passing over it again. */
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

const lookupKeyTable: InlineTable = {
  name: 'lookup_key',
  columns: 3,
  text: 'INSERT INTO lookup_key (tenant, generation, key_id, since) SELECT $1, * FROM unnest($2::int[], $3::text[], $4::timestamptz[])',
};

/** Row for the append that records the rotation: from its commit on every new hash is made with the new key. */
export function lookupKeyRow(generation: number, keyId: string): InlineRow {
  return { into: lookupKeyTable, row: (at) => [generation, keyId, at.recordedAt] };
}

/** The newest key; generation 1 for a tenant whose key was never replaced. */
export async function lookupKeyState(database: Database, tenant: TenantId): Promise<LookupKeyState> {
  const { rows } = await database.fetch<{ generation: number; rekeyed_at: Date | null }>(tenant, {
    name: 'lookup-key-newest',
    text: 'SELECT generation, rekeyed_at FROM lookup_key WHERE tenant = $1 ORDER BY generation DESC LIMIT 1',
    values: [tenant],
  });
  const [newest] = rows;
  return newest ? { generation: newest.generation, rekeyedAt: newest.rekeyed_at } : { generation: 1, rekeyedAt: null };
}

/**
 * Hashes every row anew that stands under an older key; safe to stop anywhere and to repeat, and beside writers. Each
 * batch waits for the head of the log, as every append does: nobody registers a person between the look and the change.
 */
export async function rekeyLookups(parts: RekeyParts, tenant: TenantId, now: Date): Promise<Rekeyed> {
  const { generation, rekeyedAt } = await lookupKeyState(parts.database, tenant);
  if (generation === 1 || rekeyedAt !== null) return { rows: 0, unreadable: 0, finished: true };
  await parts.keys.ready('lookup', generation);
  const done: Rekeyed = { rows: 0, unreadable: 0, finished: false };
  for (let last = BEFORE_ALL; ;) {
    const batch = await readBatch(parts.database, tenant, generation, last);
    if (batch.length === 0) break;
    last = batch.at(-1)?.id ?? last;
    const renewed = await hashAnew(parts, tenant, generation, batch);
    done.unreadable += batch.length - renewed.length;
    done.rows += await replace(parts.database, tenant, generation, renewed);
  }
  done.finished = await finish(parts.database, tenant, generation, now);
  return done;
}

interface OldRow {
  id: string;
  value: string;
}

async function readBatch(database: Database, tenant: TenantId, generation: number, after: string): Promise<OldRow[]> {
  const { rows } = await database.fetch<OldRow>(tenant, {
    name: 'lookup-rows-old',
    text: `SELECT id, value FROM subject_identifier WHERE tenant = $1 AND mac_key < $2 AND id > $3
           ORDER BY id LIMIT ${BATCH}`,
    values: [tenant, generation, after],
  });
  return rows;
}

async function hashAnew(
  { keys, sealer }: RekeyParts,
  tenant: TenantId,
  generation: number,
  batch: readonly OldRow[],
): Promise<{ id: string; mac: Buffer }[]> {
  const renewed = await Promise.all(
    batch.map(async ({ id, value }) => {
      const opened = await sealer.open(tenant, JSON.parse(value) as Sealed, identifierPlace(id));
      if (!opened.readable) return undefined;
      return { id, mac: keys.mac(tenant, 'lookup', keyOf(opened.value as unknown as NormalIdentifier), generation) };
    }),
  );
  return renewed.filter((row) => row !== undefined);
}

async function replace(
  database: Database,
  tenant: TenantId,
  generation: number,
  rows: readonly { id: string; mac: Buffer }[],
): Promise<number> {
  return database.transaction(tenant, async (query) => {
    await query({ name: 'lookup-head', text: 'SELECT FROM log_head WHERE tenant = $1 FOR UPDATE', values: [tenant] });
    const { rowCount } = await query({
      name: 'lookup-replace',
      text: `UPDATE subject_identifier i SET mac = n.mac, mac_key = $2 FROM unnest($3::uuid[], $4::bytea[]) AS n(id, mac)
             WHERE i.tenant = $1 AND i.id = n.id AND i.mac_key < $2`,
      values: [tenant, generation, rows.map(({ id }) => id), rows.map(({ mac }) => mac)],
    });
    return rowCount ?? 0;
  });
}

/** The key before it answers no longer once nothing stands under it. */
async function finish(database: Database, tenant: TenantId, generation: number, now: Date): Promise<boolean> {
  return database.transaction(tenant, async (query) => {
    await query({ name: 'lookup-head', text: 'SELECT FROM log_head WHERE tenant = $1 FOR UPDATE', values: [tenant] });
    const { rowCount } = await query({
      text: `UPDATE lookup_key SET rekeyed_at = $3 WHERE tenant = $1 AND generation = $2
             AND NOT EXISTS (SELECT FROM subject_identifier WHERE tenant = $1 AND mac_key < $2)`,
      values: [tenant, generation, now],
    });
    return rowCount === 1;
  });
}
