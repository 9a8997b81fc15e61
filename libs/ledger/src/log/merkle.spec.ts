/** Known answers of RFC 6962 trees, and the frontier as a value. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  EMPTY_FRONTIER,
  EMPTY_ROOT,
  appendLeaves,
  decodeFrontier,
  encodeFrontier,
  leafHash,
  rootOf,
} from './merkle.js';

const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const hashes = leaves.map((leaf) => leafHash(Buffer.from(leaf, 'hex')));

describe('the Merkle tree of RFC 6962', () => {
  it.each(roots.map((root, size) => ({ size, root })))('has the known root at size $size', ({ size, root }) => {
    expect(rootOf(appendLeaves(EMPTY_FRONTIER, hashes.slice(0, size))).toString('hex')).toBe(root);
  });

  it('starts from the hash of nothing', () => {
    expect(rootOf(EMPTY_FRONTIER)).toEqual(EMPTY_ROOT);
    expect(EMPTY_ROOT.toString('hex')).toBe(roots[0]);
  });

  it('changes its root with every byte of every leaf', () => {
    for (const [at, leaf] of leaves.entries()) {
      for (let byte = 0; byte < leaf.length / 2; byte += 1) {
        const changed = Buffer.from(leaf, 'hex');
        changed.writeUInt8(changed.readUInt8(byte) ^ 1, byte);
        const frontier = appendLeaves(EMPTY_FRONTIER, hashes.with(at, leafHash(changed)));
        expect(rootOf(frontier).toString('hex')).not.toBe(roots[8]);
      }
    }
  });
});

describe('a frontier', () => {
  const anHash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

  it('is the same however the leaves are grouped, and leaves its argument alone', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anHash, { maxLength: 40 }), { maxLength: 8 }), (groups) => {
        let stepwise = EMPTY_FRONTIER;
        for (const group of groups) {
          const before = encodeFrontier(stepwise);
          const after = appendLeaves(stepwise, group);
          expect(encodeFrontier(stepwise)).toEqual(before);
          stepwise = after;
        }
        expect(stepwise).toEqual(appendLeaves(EMPTY_FRONTIER, groups.flat()));
      }),
      { numRuns: 50 },
    );
  });

  it('comes back from its bytes', () => {
    for (let size = 0; size <= 70; size += 1) {
      const frontier = appendLeaves(
        EMPTY_FRONTIER,
        Array.from({ length: size }, (_, at) => leafHash(Buffer.from([at]))),
      );
      expect(decodeFrontier(encodeFrontier(frontier))).toEqual(frontier);
    }
  });

  it('is refused when hashes are missing or left over', () => {
    const bytes = encodeFrontier(appendLeaves(EMPTY_FRONTIER, hashes.slice(0, 7)));
    expect(() => decodeFrontier(bytes.subarray(0, -32))).toThrow(RangeError);
    expect(() => decodeFrontier(bytes.subarray(0, -1))).toThrow(RangeError);
    expect(() => decodeFrontier(Buffer.concat([bytes, bytes.subarray(8, 40)]))).toThrow(RangeError);
    expect(() => decodeFrontier(Buffer.alloc(7))).toThrow(RangeError);
    expect(() => decodeFrontier(Buffer.alloc(8, 0xff))).toThrow(RangeError);
  });
});
