/** Tiles and entry bundles (c2sp.org/tlog-tiles): the log as immutable files of 256 hashes or entries. */
import { HASH_SIZE } from './merkle.js';
import { decodeDecimal } from './base64.js';

/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256;

/** A bundle prefixes each entry with 2 bytes, so this is the largest leaf a log may hold. */
export const MAX_ENTRY_LENGTH = 0xffff;

/** Which tile: a level of hashes (hash n of level L covers 256^L leaves), or a bundle of entries. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: number;
  /** 256, or 1 to 255 for a partial tile at the right edge. */
  readonly width: number;
}

/** Path below the log's prefix: `tile/<level>/<index>[.p/<width>]`, index in groups of three digits. */
export function tilePath(tile: TileName): string {
  const digits = String(tile.index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const index = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${tile.level}/${index}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`;
}

/** Reads a tile path; `undefined` for every text that `tilePath` does not write. */
export function parseTilePath(path: string): TileName | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  const [, levelText = '', indexText = '', widthText] = match ?? [];
  const level = levelText === 'entries' ? levelText : decodeDecimal(levelText);
  const index = Number(indexText.replace(/[x/]/g, ''));
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
  if (match === null || level === undefined || (level !== 'entries' && level > 63)) return undefined;
  const tile: TileName = { level, index, width };
  return width > 0 && width <= TILE_WIDTH && Number.isSafeInteger(index) && tilePath(tile) === path ? tile : undefined;
}

/** Width of the partial tile at the right edge of a level in a tree of `size` leaves; 0 when there is none. */
export function partialWidth(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH;
}

/** Full hash tiles that a tree of `to` leaves has and one of `from` leaves had not, lowest level first. */
export function tilesCompleted(from: number, to: number): { level: number; index: number }[] {
  const tiles: { level: number; index: number }[] = [];
  for (let level = 0, span = TILE_WIDTH; span <= to; level += 1, span *= TILE_WIDTH) {
    for (let index = Math.floor(from / span); index < Math.floor(to / span); index += 1) tiles.push({ level, index });
  }
  return tiles;
}

/** A tile's bytes: its hashes, one after another (1 to 256). */
export function formatTile(hashes: readonly Buffer[]): Buffer {
  const fits = hashes.length > 0 && hashes.length <= TILE_WIDTH;
  if (!fits || hashes.some((hash) => hash.length !== HASH_SIZE)) throw new RangeError('a tile has 1 to 256 hashes');
  return Buffer.concat(hashes);
}

/** The hashes of a tile; throws a RangeError for bytes that are no tile. */
export function parseTile(bytes: Buffer): Buffer[] {
  const count = bytes.length / HASH_SIZE;
  if (!Number.isInteger(count) || count < 1 || count > TILE_WIDTH) throw new RangeError('a tile has 1 to 256 hashes');
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * HASH_SIZE, (at + 1) * HASH_SIZE));
}

/** A bundle's bytes: each entry with its length (2 bytes, big-endian) before it (1 to 256 entries). */
export function formatEntryBundle(entries: readonly Buffer[]): Buffer {
  if (entries.length < 1 || entries.length > TILE_WIDTH) throw new RangeError('a bundle has 1 to 256 entries');
  const parts = entries.flatMap((entry) => {
    if (entry.length > MAX_ENTRY_LENGTH) throw new RangeError('an entry has at most 65,535 bytes');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  });
  return Buffer.concat(parts);
}

/** The entries of a bundle; throws a RangeError for bytes that end inside an entry or hold more than 256. */
export function parseEntryBundle(bytes: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) throw new RangeError('a bundle ends inside a length');
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) throw new RangeError('a bundle ends inside an entry');
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length < 1 || entries.length > TILE_WIDTH) throw new RangeError('a bundle has 1 to 256 entries');
  return entries;
}
