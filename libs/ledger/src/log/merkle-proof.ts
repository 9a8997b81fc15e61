/** Proofs over a stored log: making them (RFC 6962 sections 2.1.1, 2.1.2) and checking them (RFC 9162 sections 2.1.3.2, 2.1.4.2). */
import { EMPTY_ROOT, HASH_SIZE, nodeHash } from './merkle.js';
import { rangeHashes } from './merkle-range.js';
import type { LeafRange, SubtreeSource } from './merkle-range.js';

/** Root of the first `size` leaves. Throws a RangeError for a size that is no count. */
export async function rootAt(source: SubtreeSource, size: number): Promise<Buffer> {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError('a tree size is a whole number from 0 on');
  if (size === 0) return EMPTY_ROOT;
  const [root] = await rangeHashes(source, [{ start: 0, end: size }]);
  return root ?? EMPTY_ROOT;
}

/**
 * Proof that leaf `index` is in the tree of the first `size` leaves: the sibling of the leaf first, the child of the root
 * last. Throws a RangeError unless `0 <= index < size`.
 */
export async function inclusionProof(source: SubtreeSource, index: number, size: number): Promise<Buffer[]> {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError('a position is a whole number from 0 on and below the size of the tree');
  }
  return rangeHashes(source, inclusionRanges(index, size));
}

/**
 * Proof that the tree of `from` leaves is a prefix of the tree of `to` leaves; empty when both are one tree.
 * Throws a RangeError unless `1 <= from <= to`: nothing can be proved from the empty tree.
 */
export async function consistencyProof(source: SubtreeSource, from: number, to: number): Promise<Buffer[]> {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) {
    throw new RangeError('a consistency proof runs from a size of at least 1 to one that is not smaller');
  }
  return rangeHashes(source, consistencyRanges(from, to));
}

/** PATH(m, D[n]) of RFC 6962 section 2.1.1 as leaf ranges. */
function inclusionRanges(index: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** SUBPROOF(m, D[n], true) of RFC 6962 section 2.1.2 as leaf ranges. */
function consistencyRanges(from: number, to: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let start = 0;
  let end = to;
  while (end !== from) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The verifier holds the old root itself, so the old tree is left out when it is one whole subtree.
  if (start !== 0) ranges.push({ start, end });
  return ranges.reverse();
}

/** The largest power of two below `count` (count > 1). */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** True when `proof` leads from the leaf hash at `index` to `root` in a tree of `size` leaves (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
  root: Buffer,
): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let node = index;
  let lastNode = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (lastNode === 0) return false;
    if (node % 2 === 1 || node === lastNode) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, lastNode] = [half(node), half(lastNode)];
    } else hash = nodeHash(hash, sibling);
    [node, lastNode] = [half(node), half(lastNode)];
  }
  return lastNode === 0 && hash.equals(root);
}

/**
 * True when `proof` shows that the tree `fromRoot` of `from` leaves is a prefix of the tree `toRoot` of `to` leaves
 * (RFC 9162 section 2.1.4.2). `from` 0 is refused: the empty tree proves nothing.
 */
export function verifyConsistency(
  from: number,
  to: number,
  proof: readonly Buffer[],
  fromRoot: Buffer,
  toRoot: Buffer,
): boolean {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || from > to) return false;
  if (![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === to) return proof.length === 0 && fromRoot.equals(toRoot);
  const [first, ...rest] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof;
  if (first === undefined || proof.length === 0) return false;
  let node = from - 1;
  let lastNode = to - 1;
  while (node % 2 === 1) [node, lastNode] = [half(node), half(lastNode)];
  let [oldHash, newHash] = [first, first];
  for (const sibling of rest) {
    if (lastNode === 0) return false;
    if (node % 2 === 1 || node === lastNode) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (node % 2 === 0 && node !== 0) [node, lastNode] = [half(node), half(lastNode)];
    } else newHash = nodeHash(newHash, sibling);
    [node, lastNode] = [half(node), half(lastNode)];
  }
  return lastNode === 0 && oldHash.equals(fromRoot) && newHash.equals(toRoot);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isHash(hash: Buffer): boolean {
  return hash.length === HASH_SIZE;
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count)) && 2 ** Math.log2(count) === count;
}
