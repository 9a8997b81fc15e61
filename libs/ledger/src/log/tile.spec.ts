/** Tile names, widths and bundles: the examples of C2SP, round trips and what is refused. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  formatEntryBundle,
  formatTile,
  parseEntryBundle,
  parseTile,
  parseTilePath,
  partialWidth,
  tilePath,
  tilesCompleted,
} from './tile.js';

describe('a tile path', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1234067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 1, index: 1000, width: 17 }, 'tile/1/x001/000.p/17'],
    [{ level: 'entries', index: 5, width: 1 }, 'tile/entries/005.p/1'],
  ] as const)('names %j as %s', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it('comes back for every tile', () => {
    const level = fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const));
    fc.assert(
      fc.property(level, fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (at, index, width) => {
        expect(parseTilePath(tilePath({ level: at, index, width }))).toEqual({ level: at, index, width });
      }),
    );
  });

  it.each([
    'tile/00/000',
    'tile/64/000',
    'tile/0/00',
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/../000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000\n',
  ])('is refused as %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });
});

describe('the tiles of a tree', () => {
  it('are, at 70,000 leaves, those of the example of C2SP', () => {
    const full = tilesCompleted(0, 70_000);
    expect(full.filter(({ level }) => level === 0)).toHaveLength(273);
    expect(full.filter(({ level }) => level === 1)).toEqual([{ level: 1, index: 0 }]);
    expect([0, 1, 2, 3].map((level) => partialWidth(level, 70_000))).toEqual([112, 17, 1, 0]);
  });

  it('are completed once, however the log grows', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40_000), { maxLength: 6 }), (steps) => {
        let size = 0;
        const stepwise = steps.flatMap((step) => tilesCompleted(size, (size += step)));
        const names = (tiles: { level: number; index: number }[]) =>
          tiles.map((tile) => tilePath({ ...tile, width: 256 })).sort();
        expect(names(stepwise)).toEqual(names(tilesCompleted(0, size)));
      }),
      { numRuns: 30 },
    );
  });
});

describe('tile and bundle bytes', () => {
  const anEntry = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));

  it('come back', () => {
    const hashes = Array.from({ length: 256 }, (_, at) => Buffer.alloc(32, at));
    expect(formatTile(hashes)).toHaveLength(8192);
    expect(parseTile(formatTile(hashes))).toEqual(hashes);
    fc.assert(
      fc.property(fc.array(anEntry, { minLength: 1, maxLength: 256 }), (entries) => {
        expect(parseEntryBundle(formatEntryBundle(entries))).toEqual(entries);
      }),
      { numRuns: 30 },
    );
    const largest = [Buffer.alloc(65_535, 7)];
    expect(parseEntryBundle(formatEntryBundle(largest))).toEqual(largest);
  });

  it('are refused when too large, too many, cut off or empty', () => {
    expect(() => formatEntryBundle([Buffer.alloc(65_536)])).toThrow(RangeError);
    expect(() => formatEntryBundle([])).toThrow(RangeError);
    const bundle = formatEntryBundle([Buffer.from('one'), Buffer.from('two')]);
    for (const cut of [1, 4, 6, 9]) expect(() => parseEntryBundle(bundle.subarray(0, cut))).toThrow(RangeError);
    expect(() => parseEntryBundle(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => parseEntryBundle(Buffer.alloc(2 * 257))).toThrow(RangeError);
    expect(() => parseTile(Buffer.alloc(33))).toThrow(RangeError);
    expect(() => parseTile(Buffer.alloc(0))).toThrow(RangeError);
    expect(() => formatTile([Buffer.alloc(31)])).toThrow(RangeError);
  });
});
