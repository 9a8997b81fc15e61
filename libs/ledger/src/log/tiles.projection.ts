/** Tiles of the log (c2sp.org/tlog-tiles), so that a proof reads a few rows instead of many leaves. Derived: can be rebuilt. */
import type { TenantId } from '#kernel';
import type { Query } from '../database/database.js';
import { foldPerfect } from './merkle.js';
import { readLeafHashes, readTiles } from './log.queries.js';
import type { Projection } from '../subscription/subscription.js';
import { formatTile, TILE_WIDTH } from './tile.js';

/**
 * Writes each tile of leaf hashes when it is full. Tiles above hold the roots of full tiles below and are rewritten as they
 * grow, because the row of roots that is not yet full would otherwise be computed from up to 65,280 leaves for each proof.
 */
export const tilesProjection: Projection = {
  name: 'tiles',
  anyType: true,
  // A proof reads the leaves themselves where no tile is yet.
  types: new Set(),
  async apply(events, query) {
    const { tenant, position: first } = events[0]!;
    const from = Math.floor(first / TILE_WIDTH);
    const to = Math.floor((events.at(-1)!.position + 1) / TILE_WIDTH);
    if (from === to) return;
    const leaves = await readLeafHashes(query, tenant, from * TILE_WIDTH, (to - from) * TILE_WIDTH);
    const roots: Buffer[] = [];
    for (let index = from; index < to; index += 1) {
      const hashes = leaves.slice((index - from) * TILE_WIDTH, (index - from + 1) * TILE_WIDTH);
      await writeTile(query, tenant, { level: 0, index, hashes });
      roots.push(foldPerfect(hashes));
    }
    await extend(query, tenant, 1, from, roots);
  },
  async reset(query) {
    await query({ text: 'DELETE FROM tile' });
  },
};

/** Appends the hashes number `start` and following to a level, and what becomes full to the one above. */
async function extend(query: Query, tenant: TenantId, level: number, start: number, hashes: Buffer[]): Promise<void> {
  const index = Math.floor(start / TILE_WIDTH);
  const room = TILE_WIDTH - (start % TILE_WIDTH);
  const stored = start % TILE_WIDTH === 0 ? [] : await readTiles(query, tenant, level, index, index);
  const before = stored[0]?.hashes.slice(0, start % TILE_WIDTH) ?? [];
  if (before.length !== start % TILE_WIDTH)
    throw new Error('a tile is shorter than the tiles below it: rebuild the tiles');
  const tile = { level, index, hashes: [...before, ...hashes.slice(0, room)] };
  await writeTile(query, tenant, tile);
  if (tile.hashes.length === TILE_WIDTH) await extend(query, tenant, level + 1, index, [foldPerfect(tile.hashes)]);
  if (hashes.length > room) await extend(query, tenant, level, start + room, hashes.slice(room));
}

async function writeTile(
  query: Query,
  tenant: TenantId,
  { level, index, hashes }: { level: number; index: number; hashes: Buffer[] },
): Promise<void> {
  await query({
    name: 'tile-remove',
    text: 'DELETE FROM tile WHERE tenant = $1 AND level = $2 AND index = $3',
    values: [tenant, level, index],
  });
  await query({
    name: 'tile-write',
    text: 'INSERT INTO tile (tenant, level, index, hashes) VALUES ($1, $2, $3, $4)',
    values: [tenant, level, index, formatTile(hashes)],
  });
}
