/** Hashes of arbitrary leaf ranges of a stored log, fetched in few bulk reads: tiles where they exist, leaves elsewhere. */
import { HASH_SIZE, foldPerfect, foldRight } from './merkle.js';

/** Where the hashes of a stored log come from. */
export interface SubtreeSource {
  /** Leaf hashes of positions `start` to `start + count - 1`, in order; exactly `count` of them. */
  leafHashes(start: number, count: number): Promise<readonly Buffer[]>;
  /**
   * Roots of the perfect subtrees of 2^level leaves, number `start` to `start + count - 1`, `undefined` for each that is
   * not stored. `level` is a multiple of 8, above 0: these are the hashes `start…` of the tile row `level / 8`, and a call
   * never crosses a tile by more than the proof needs. Without it everything is computed from leaves.
   */
  subtrees?(level: number, start: number, count: number): Promise<readonly (Buffer | undefined)[]>;
}

/** Leaves `start` to `end - 1`. `start` is a multiple of the smallest power of two that is not below the length. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** A perfect subtree: the leaves `index * 2^level` to `(index + 1) * 2^level - 1`. */
interface Subtree {
  level: number;
  index: number;
}

/** Hashes read in one piece from tile row `row`, from number `start` on. */
interface Strip {
  row: number;
  start: number;
  end: number;
  hashes: readonly Buffer[];
}

/** Levels in a tile (C2SP tlog-tiles). */
const TILE_HEIGHT = 8;
const TILE_WIDTH = 256;
/** Tiles computed at a time where they are not stored: bounds memory to about 4,096 hashes. */
const TILES_AT_ONCE = 16;
/** Strips this close are read as one: a proof needs the neighbours of one hash, but not the hash itself. */
const READ_GAP = 8;

/** The Merkle tree hash of each range, in the order given. */
export async function rangeHashes(source: SubtreeSource, ranges: readonly LeafRange[]): Promise<Buffer[]> {
  const parts = ranges.map(subtreesOf);
  const strips = planStrips(parts.flat());
  const read = await Promise.all(
    strips.map(async (strip) => ({
      ...strip,
      hashes: await rowHashes(source, strip.row, strip.start, strip.end - strip.start),
    })),
  );
  return parts.map((subtrees) => foldRight(subtrees.map((subtree) => rootFrom(read, subtree))));
}

/** A range as perfect subtrees of falling size. */
function subtreesOf(range: LeafRange): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let start = range.start; start < range.end;) {
    let level = 0;
    let width = 1;
    while (width * 2 <= range.end - start) {
      width *= 2;
      level += 1;
    }
    subtrees.push({ level, index: start / width });
    start += width;
  }
  return subtrees;
}

/** Which hashes of which tile row a subtree is folded from. */
function stripOf({ level, index }: Subtree): { row: number; start: number; end: number } {
  const row = Math.floor(level / TILE_HEIGHT);
  const width = 2 ** (level - row * TILE_HEIGHT);
  return { row, start: index * width, end: (index + 1) * width };
}

/** The fewest contiguous reads that cover all subtrees. */
function planStrips(subtrees: readonly Subtree[]): { row: number; start: number; end: number }[] {
  const wanted = subtrees.map(stripOf).sort((a, b) => a.row - b.row || a.start - b.start);
  const merged: { row: number; start: number; end: number }[] = [];
  for (const strip of wanted) {
    const before = merged.at(-1);
    if (before !== undefined && before.row === strip.row && strip.start <= before.end + READ_GAP) {
      before.end = Math.max(before.end, strip.end);
    } else merged.push({ ...strip });
  }
  return merged;
}

function rootFrom(read: readonly Strip[], subtree: Subtree): Buffer {
  const { row, start, end } = stripOf(subtree);
  const strip = read.find((candidate) => candidate.row === row && candidate.start <= start && end <= candidate.end);
  if (strip === undefined) throw new Error('a subtree was planned but not read');
  return foldPerfect(strip.hashes.slice(start - strip.start, end - strip.start));
}

/** Hashes of tile row `row` (row 0: leaf hashes); what is not stored is computed from the row below, run by run. */
async function rowHashes(source: SubtreeSource, row: number, start: number, count: number): Promise<Buffer[]> {
  if (row === 0) return checked(await source.leafHashes(start, count), count);
  const stored = source.subtrees === undefined ? [] : await source.subtrees(row * TILE_HEIGHT, start, count);
  const hashes: Buffer[] = [];
  while (hashes.length < count) {
    const hash = stored[hashes.length];
    if (hash !== undefined) {
      hashes.push(...checked([hash], 1));
      continue;
    }
    let run = 1;
    while (run < TILES_AT_ONCE && hashes.length + run < count && stored[hashes.length + run] === undefined) run += 1;
    const below = await rowHashes(source, row - 1, (start + hashes.length) * TILE_WIDTH, run * TILE_WIDTH);
    for (let at = 0; at < below.length; at += TILE_WIDTH) hashes.push(foldPerfect(below.slice(at, at + TILE_WIDTH)));
  }
  return hashes;
}

/** A short answer must never become a proof of something else. */
function checked(hashes: readonly Buffer[], count: number): Buffer[] {
  if (hashes.length !== count || hashes.some((hash) => hash.length !== HASH_SIZE)) {
    throw new Error('the log store returned another number or size of hashes than asked for');
  }
  return [...hashes];
}
