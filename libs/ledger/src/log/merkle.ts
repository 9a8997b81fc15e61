/** The Merkle tree of RFC 6962 section 2.1: leaf and node hashes, and the frontier from which a log grows. */
import { hash } from 'node:crypto';

/** Bytes in a SHA-256 hash. */
export const HASH_SIZE = 32;

/** Root of the tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Buffer = hash('sha256', Buffer.alloc(0), 'buffer');

/** Hash of a leaf's stored bytes: SHA-256(0x00 || bytes). The prefix keeps a node from passing for a leaf. */
export function leafHash(bytes: Buffer): Buffer {
  const input = Buffer.allocUnsafe(bytes.length + 1);
  input[0] = 0x00;
  bytes.copy(input, 1);
  return hash('sha256', input, 'buffer');
}

/** Hash of two neighbours: SHA-256(0x01 || left || right). */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  const input = Buffer.allocUnsafe(1 + left.length + right.length);
  input[0] = 0x01;
  left.copy(input, 1);
  right.copy(input, 1 + left.length);
  return hash('sha256', input, 'buffer');
}

/** The compact form of a tree: the roots of its perfect subtrees, largest (leftmost) first. All that an append needs. */
export interface Frontier {
  /** Number of leaves. */
  readonly size: number;
  /** One 32-byte hash for every bit set in `size`. */
  readonly nodes: readonly Buffer[];
}

/** The tree before its first leaf. */
export const EMPTY_FRONTIER: Frontier = { size: 0, nodes: [] };

/** The frontier after these leaf hashes, in order. Amortised one node hash a leaf; the given frontier stays as it is. */
export function appendLeaves(frontier: Frontier, leafHashes: readonly Buffer[]): Frontier {
  const nodes = [...frontier.nodes];
  let size = frontier.size;
  for (const leaf of leafHashes) {
    let node = leaf;
    for (let full = size; full % 2 === 1; full = (full - 1) / 2) node = nodeHash(last(nodes.pop()), node);
    nodes.push(node);
    size += 1;
  }
  return { size, nodes };
}

/** Root of the tree: its perfect subtrees folded from the right (RFC 6962 section 2.1). */
export function rootOf(frontier: Frontier): Buffer {
  return frontier.size === 0 ? EMPTY_ROOT : foldRight(frontier.nodes);
}

/** Hash over neighbouring perfect subtrees of falling size, folded from the right. At least one. */
export function foldRight(nodes: readonly Buffer[]): Buffer {
  return nodes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last(nodes.at(-1)));
}

/** Root of a perfect subtree from its 2^k hashes, in order. */
export function foldPerfect(hashes: readonly Buffer[]): Buffer {
  let row = hashes;
  while (row.length > 1) {
    const above: Buffer[] = [];
    for (let at = 0; at < row.length; at += 2) above.push(nodeHash(last(row[at]), last(row[at + 1])));
    row = above;
  }
  return last(row[0]);
}

/** A frontier as one value for the database: size (8 bytes, big-endian), then the hashes. */
export function encodeFrontier(frontier: Frontier): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(frontier.size));
  return Buffer.concat([head, ...frontier.nodes]);
}

/** Reads `encodeFrontier`; throws a RangeError when the hashes do not fit the size. */
export function decodeFrontier(bytes: Buffer): Frontier {
  if (bytes.length < 8) throw new RangeError('a frontier has at least 8 bytes');
  const size = Number(bytes.readBigUInt64BE());
  if (!Number.isSafeInteger(size)) throw new RangeError('a frontier counts at most 2^53 - 1 leaves');
  if (bytes.length !== 8 + HASH_SIZE * subtreeCount(size)) throw new RangeError('a frontier has one hash a subtree');
  const nodes: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += HASH_SIZE) nodes.push(Buffer.from(bytes.subarray(at, at + HASH_SIZE)));
  return { size, nodes };
}

/** Number of perfect subtrees in a tree of this size: the bits set in it. */
function subtreeCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

function last(node: Buffer | undefined): Buffer {
  if (node === undefined) throw new RangeError('the frontier has fewer hashes than its size demands');
  return node;
}
