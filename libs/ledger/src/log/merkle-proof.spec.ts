/** Proofs against an independent, naive reading of RFC 6962 section 2.1, and every changed byte refused. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EMPTY_FRONTIER, appendLeaves, leafHash, rootOf } from './merkle.js';
import type { SubtreeSource } from './merkle-range.js';
import { consistencyProof, inclusionProof, rootAt, verifyConsistency, verifyInclusion } from './merkle-proof.js';

const LARGEST = 300;
const data = Array.from({ length: LARGEST }, (_, at) => Buffer.from(`leaf ${at}`));
const hashes = data.map(leafHash);

// The naive reading: recursion straight from the RFC's definitions, on node:crypto's other interface.
const memory = new Map<string, Buffer>();
function mth(start: number, end: number): Buffer {
  const known = memory.get(`${start}-${end}`);
  if (known !== undefined) return known;
  const count = end - start;
  const sha = createHash('sha256');
  if (count === 1) sha.update('\x00').update(data[start] ?? '');
  if (count > 1) {
    const middle = start + split(count);
    sha.update('\x01').update(mth(start, middle)).update(mth(middle, end));
  }
  const root = sha.digest();
  memory.set(`${start}-${end}`, root);
  return root;
}
function split(count: number): number {
  return [256, 128, 64, 32, 16, 8, 4, 2, 1].find((power) => power < count) ?? 0;
}
function path(index: number, start: number, end: number): Buffer[] {
  if (end - start === 1) return [];
  const middle = start + split(end - start);
  if (index < middle) return [...path(index, start, middle), mth(middle, end)];
  return [...path(index, middle, end), mth(start, middle)];
}
function subproof(from: number, start: number, end: number, whole: boolean): Buffer[] {
  if (from === end) return whole ? [] : [mth(start, end)];
  const middle = start + split(end - start);
  if (from <= middle) return [...subproof(from, start, middle, whole), mth(middle, end)];
  return [...subproof(from, middle, end, false), mth(start, middle)];
}

/** A store of leaves, and of tiles up to `tiled` full tiles; counts what it is asked. */
function aSource(leafHashes: readonly Buffer[], rows: readonly (readonly Buffer[])[] = []) {
  const calls: string[] = [];
  const source: SubtreeSource = {
    leafHashes: (start, count) => {
      calls.push(`leaves ${count}`);
      return Promise.resolve(leafHashes.slice(start, start + count));
    },
    subtrees: (level, start, count) => {
      calls.push(`subtrees ${level} ${count}`);
      return Promise.resolve(Array.from({ length: count }, (_, at) => rows[level / 8 - 1]?.[start + at]));
    },
  };
  return { source, calls };
}

const { source } = aSource(hashes);
/** Some positions below a size: the edges, and a few that differ from size to size. */
function some(size: number): number[] {
  const spread = [0, 1, size - 2, size - 1, (size * 7) % 31, (size * 13) % size, (size * 29) % size];
  return [...new Set(spread)].filter((at) => at >= 0 && at < size);
}
const all = (size: number): number[] => Array.from({ length: size }, (_, at) => at);

describe('a log of every size to 300', () => {
  it('has the root of the naive reading, from leaves and from the frontier', async () => {
    let frontier = EMPTY_FRONTIER;
    for (let size = 0; size <= LARGEST; size += 1) {
      expect(await rootAt(source, size)).toEqual(mth(0, size));
      expect(rootOf(frontier)).toEqual(mth(0, size));
      frontier = appendLeaves(frontier, hashes.slice(size, size + 1));
    }
  });

  it('proves inclusion as the naive reading does', async () => {
    for (let size = 1; size <= LARGEST; size += 1) {
      for (const index of size <= 40 ? all(size) : some(size)) {
        const proof = await inclusionProof(source, index, size);
        expect(proof).toEqual(path(index, 0, size));
        expect(verifyInclusion(leafHash(data[index] ?? Buffer.alloc(0)), index, size, proof, mth(0, size))).toBe(true);
      }
    }
  });

  it('proves consistency as the naive reading does', async () => {
    for (let to = 1; to <= LARGEST; to += 1) {
      for (const from of (to <= 40 ? all(to) : some(to)).map((at) => at + 1)) {
        const proof = await consistencyProof(source, from, to);
        expect(proof).toEqual(subproof(from, 0, to, true));
        expect(verifyConsistency(from, to, proof, mth(0, from), mth(0, to))).toBe(true);
      }
    }
  });

  it('refuses sizes and positions that prove nothing', async () => {
    await expect(inclusionProof(source, 5, 5)).rejects.toThrow(RangeError);
    await expect(inclusionProof(source, -1, 5)).rejects.toThrow(RangeError);
    await expect(inclusionProof(source, 0.5, 5)).rejects.toThrow(RangeError);
    await expect(consistencyProof(source, 0, 5)).rejects.toThrow(RangeError);
    await expect(consistencyProof(source, 6, 5)).rejects.toThrow(RangeError);
    await expect(rootAt(source, -1)).rejects.toThrow(RangeError);
    expect(verifyConsistency(0, 5, [], mth(0, 0), mth(0, 5))).toBe(false);
    expect(verifyInclusion(mth(0, 1), 1, 1, [], mth(0, 1))).toBe(false);
  });

  it('makes no proof from a store that answers short', async () => {
    await expect(rootAt(aSource(hashes.slice(0, 99)).source, 100)).rejects.toThrow('number or size');
  });
});

/** The buffer with each of its bytes changed in turn. */
function* changed(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1) {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(at) ^ (1 << (at % 8)), at);
    yield copy;
  }
}
/** The proof with each byte of each hash changed, a hash left out, doubled, or moved. */
function* changedProofs(proof: readonly Buffer[]): Generator<Buffer[]> {
  for (const [at, hash] of proof.entries()) {
    for (const other of changed(hash)) yield proof.with(at, other);
    yield proof.toSpliced(at, 1);
    yield proof.toSpliced(at, 0, hash);
    yield proof.with(at, hash.subarray(1));
    if (at > 0) yield proof.with(at, proof[at - 1] ?? hash).with(at - 1, hash);
  }
  yield [...proof, Buffer.alloc(32)];
}
const aSize = fc.integer({ min: 1, max: LARGEST });

describe('a verifier', () => {
  it('refuses an inclusion proof with any byte changed', () => {
    fc.assert(
      fc.property(aSize, fc.nat(), (size, chance) => {
        const index = chance % size;
        const [leaf, root, proof] = [mth(index, index + 1), mth(0, size), path(index, 0, size)];
        expect(verifyInclusion(leaf, index, size, proof, root)).toBe(true);
        for (const other of changed(leaf)) expect(verifyInclusion(other, index, size, proof, root)).toBe(false);
        for (const other of changed(root)) expect(verifyInclusion(leaf, index, size, proof, other)).toBe(false);
        for (const other of changedProofs(proof)) expect(verifyInclusion(leaf, index, size, other, root)).toBe(false);
        for (const other of some(size)) {
          if (other !== index) expect(verifyInclusion(leaf, other, size, proof, root)).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a consistency proof with any byte changed', () => {
    fc.assert(
      fc.property(aSize, fc.nat(), (to, chance) => {
        const from = 1 + (chance % to);
        const [old, root, proof] = [mth(0, from), mth(0, to), subproof(from, 0, to, true)];
        expect(verifyConsistency(from, to, proof, old, root)).toBe(true);
        for (const other of changed(old)) expect(verifyConsistency(from, to, proof, other, root)).toBe(false);
        for (const other of changed(root)) expect(verifyConsistency(from, to, proof, old, other)).toBe(false);
        for (const other of changedProofs(proof)) {
          expect(verifyConsistency(from, to, other, old, root)).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuses an inner node that passes for a leaf', () => {
    const [proof, root] = [path(0, 0, 8), mth(0, 8)];
    expect(verifyInclusion(mth(0, 1), 0, 8, proof, root)).toBe(true);
    expect(verifyInclusion(mth(0, 2), 0, 8, proof.slice(1), root)).toBe(false);
    expect(verifyInclusion(root, 0, 8, [], root)).toBe(false);
  });

  it('refuses a rewritten history: the old root of another log', async () => {
    const rewritten = aSource(hashes.with(3, leafHash(Buffer.from('another')))).source;
    const proof = await consistencyProof(rewritten, 7, 200);
    expect(verifyConsistency(7, 200, proof, await rootAt(rewritten, 7), await rootAt(rewritten, 200))).toBe(true);
    expect(verifyConsistency(7, 200, proof, mth(0, 7), await rootAt(rewritten, 200))).toBe(false);
  });

  it('agrees with the consistency vectors of the certificate-transparency tests', () => {
    const hex = (text: string): Buffer => Buffer.from(text, 'hex');
    const proof = [
      hex('0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a'),
      hex('ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0'),
      hex('d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'),
    ];
    const six = hex('76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef');
    const eight = hex('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
    expect(verifyConsistency(6, 8, proof, six, eight)).toBe(true);
    expect(verifyConsistency(6, 8, proof, eight, six)).toBe(false);
  });
});

describe('a log of 70,000 leaves with tiles', () => {
  const size = 70_000;
  let leaves: Buffer[] = [];
  let rows: Buffer[][] = [];
  beforeAll(async () => {
    leaves = Array.from({ length: size }, (_, at) => leafHash(Buffer.from(String(at))));
    const bare = aSource(leaves).source;
    const rowOne: Buffer[] = [];
    for (let at = 0; at + 256 <= size; at += 256) {
      rowOne.push(rootOf(appendLeaves(EMPTY_FRONTIER, leaves.slice(at, at + 256))));
    }
    rows = [rowOne, [await rootAt(bare, 65_536)]];
  });

  it('gives the same root and proofs with all tiles, some tiles, and none', async () => {
    const root = rootOf(appendLeaves(EMPTY_FRONTIER, leaves));
    const behind = [rows[0]?.slice(0, 200) ?? []];
    for (const tiles of [rows, behind, []]) {
      const log = aSource(leaves, tiles).source;
      expect(await rootAt(log, size)).toEqual(root);
      for (const index of [0, 65_535, 65_536, 69_999]) {
        const proof = await inclusionProof(log, index, size);
        expect(verifyInclusion(leaves[index] ?? root, index, size, proof, root)).toBe(true);
      }
      const proof = await consistencyProof(log, 51_300, size);
      expect(verifyConsistency(51_300, size, proof, await rootAt(log, 51_300), root)).toBe(true);
    }
  }, 60_000);

  it('reads a proof in few calls and few hashes', async () => {
    const log = aSource(leaves, rows);
    await inclusionProof(log.source, 12_345, size);
    expect(log.calls.length).toBeLessThanOrEqual(6);
    const read = log.calls.reduce((sum, call) => sum + Number(call.split(' ').at(-1)), 0);
    expect(read).toBeLessThanOrEqual(3 * 256);
  });
});
