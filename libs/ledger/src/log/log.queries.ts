/** Reads of the log as a log: leaves, tiles, checkpoints. */
import type { TenantId } from '#kernel';
import type { Query } from '../database/database.js';
import { parseTile } from './tile.js';

/** Leaf hashes of positions `start` to `start + count - 1`, in order; fewer when the log ends before. */
export async function readLeafHashes(query: Query, tenant: TenantId, start: number, count: number): Promise<Buffer[]> {
  const { rows } = await query<{ leaf_hash: Buffer }>({
    name: 'leaf-hashes',
    text: 'SELECT leaf_hash FROM event WHERE tenant = $1 AND position >= $2 AND position < $3 ORDER BY position',
    values: [tenant, start, start + count],
  });
  return rows.map((row) => row.leaf_hash);
}

/** The stored tiles of a level from number `first` to `last`; a tile above level 0 may be shorter than 256 hashes. */
export async function readTiles(
  query: Query,
  tenant: TenantId,
  level: number,
  first: number,
  last: number,
): Promise<{ index: number; hashes: Buffer[] }[]> {
  const { rows } = await query<{ index: number; hashes: Buffer }>({
    name: 'tiles',
    text: 'SELECT index, hashes FROM tile WHERE tenant = $1 AND level = $2 AND index BETWEEN $3 AND $4',
    values: [tenant, level, first, last],
  });
  return rows.map(({ index, hashes }) => ({ index, hashes: parseTile(hashes) }));
}

/** An entry of the log, as it is stored. */
export interface LogEntry {
  position: number;
  /** The sealed bytes: UTF-8 of canonical JSON. */
  bytes: Buffer;
  /** The leaf hash as the tree has it; an auditor computes it from the bytes. */
  leafHash: Buffer;
  type: string;
  recordedAt: Date;
}

export async function readEntries(query: Query, tenant: TenantId, start: number, count: number): Promise<LogEntry[]> {
  const { rows } = await query<{ position: number; bytes: string; leaf_hash: Buffer; type: string; recorded_at: Date }>(
    {
      name: 'log-entries',
      text: `SELECT position, bytes, leaf_hash, type, recorded_at FROM event
           WHERE tenant = $1 AND position >= $2 AND position < $3 ORDER BY position`,
      values: [tenant, start, start + count],
    },
  );
  return rows.map(({ position, bytes, leaf_hash, type, recorded_at }) => ({
    position,
    bytes: Buffer.from(bytes, 'utf8'),
    leafHash: leaf_hash,
    type,
    recordedAt: recorded_at,
  }));
}

/** A signed checkpoint as it was published. */
export interface StoredCheckpoint {
  size: number;
  note: string;
}

/** The smallest published checkpoint with more than `position` leaves. */
export async function readCheckpointOver(
  query: Query,
  tenant: TenantId,
  position: number,
): Promise<StoredCheckpoint | undefined> {
  const { rows } = await query<{ size: number; note: string }>({
    name: 'checkpoint-over',
    text: 'SELECT size, note FROM checkpoint WHERE tenant = $1 AND size > $2 ORDER BY size LIMIT 1',
    values: [tenant, position],
  });
  return rows[0];
}

/** The largest published checkpoint, of those with at most `upTo` leaves. */
export async function readLatestCheckpoint(
  query: Query,
  tenant: TenantId,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<StoredCheckpoint | undefined> {
  const { rows } = await query<{ size: number; note: string }>({
    name: 'checkpoint-latest',
    text: 'SELECT size, note FROM checkpoint WHERE tenant = $1 AND size <= $2 ORDER BY size DESC LIMIT 1',
    values: [tenant, upTo],
  });
  return rows[0];
}

/** Publishes a checkpoint; one of the same size stays as it is. */
export async function writeCheckpoint(
  query: Query,
  tenant: TenantId,
  checkpoint: StoredCheckpoint,
  signedAt: Date,
): Promise<void> {
  await query({
    name: 'checkpoint-write',
    text: 'INSERT INTO checkpoint (tenant, size, note, signed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    values: [tenant, checkpoint.size, checkpoint.note, signedAt],
  });
}
