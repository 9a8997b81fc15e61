/** Checkpoints and proof files: round trips, what is refused, and a proof checked from text alone. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { formatCheckpoint, openCheckpoint, originOf, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { EMPTY_FRONTIER, EMPTY_ROOT, appendLeaves, leafHash, rootOf } from './merkle.js';
import { inclusionProof } from './merkle-proof.js';
import { cosign, noteKey, signNote, vkey } from './signed-note.js';
import type { NoteSigner } from './signed-note.js';
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.js';

function aSigner(name: string): NoteSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
  return { name, publicKey: raw, sign: (message) => sign(null, message, privateKey) };
}
const origin = originOf('lethe.example.test', '0192f0c1');
const log = aSigner(origin);
const logKey = noteKey(log.name, log.publicKey);
const leaves = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((text) => Buffer.from(text));
const hashes = leaves.map(leafHash);
const root = rootOf(appendLeaves(EMPTY_FRONTIER, hashes));

describe('a checkpoint', () => {
  it('is written as the example of C2SP', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
    expect(formatCheckpoint(parseCheckpoint(text))).toBe(text);
    expect(parseCheckpoint(text)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163 });
  });

  it('keeps extension lines and the empty tree', () => {
    const checkpoint = { origin, size: 0, root: EMPTY_ROOT, extensions: ['one', 'two'] };
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  it.each([
    ['a leading zero', `o\n07\n${root.toString('base64')}\n`],
    ['a sign', `o\n+7\n${root.toString('base64')}\n`],
    ['no number', `o\n\n${root.toString('base64')}\n`],
    ['a number beyond 2^53', `o\n9007199254740993\n${root.toString('base64')}\n`],
    ['no origin', `\n7\n${root.toString('base64')}\n`],
    ['a short root', 'o\n7\nAAAA\n'],
    ['base64 with loose bits', `o\n7\n${root.toString('base64').slice(0, -2)}9=\n`],
    ['an empty extension', `o\n7\n${root.toString('base64')}\n\nx\n`],
    ['no last newline', `o\n7\n${root.toString('base64')}`],
  ])('is refused with %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'note-malformed' }));
  });

  it('opens under the key of its own log only, with its witnesses', async () => {
    const witness = aSigner('witness.example.test/w1');
    const note = await signCheckpoint({ origin, size: 7, root }, log);
    const opened = openCheckpoint(note, logKey);
    const seen = note + (await cosign(opened.text, 1_800_000_000, witness));
    const both = openCheckpoint(seen, logKey, [vkey(witness.name, witness.publicKey, 0x04)]);
    expect(both).toMatchObject({ origin, size: 7, root });
    expect(both.signatures.map(({ time }) => time)).toEqual([undefined, 1_800_000_000]);

    const other = aSigner('other.example.test/log');
    const foreign = await signNote(formatCheckpoint({ origin, size: 7, root }), other);
    expect(() => openCheckpoint(foreign, logKey)).toThrow(expect.objectContaining({ code: 'note-unsigned' }));
    expect(() => openCheckpoint(foreign, noteKey(other.name, other.publicKey))).toThrow('has not signed');
    expect(() => openCheckpoint(foreign, logKey, [vkey(other.name, other.publicKey)])).toThrow('has not signed');
    await expect(signCheckpoint({ origin, size: 7, root }, other)).rejects.toThrow('origin');
  });
});

describe('a proof file', () => {
  let text = '';
  beforeAll(async () => {
    const source = {
      leafHashes: (start: number, count: number) => Promise.resolve(hashes.slice(start, start + count)),
    };
    const checkpoint = await signCheckpoint({ origin, size: 7, root }, log);
    text = formatTlogProof({ index: 4, hashes: await inclusionProof(source, 4, 7), checkpoint });
  });

  it('is written as the standard says, with and without extra data', () => {
    const hash = hashes[0] ?? EMPTY_ROOT;
    const proof = { index: 10, hashes: [hash], checkpoint: 'checkpoint data\n', extra: Buffer.from('extra') };
    expect(formatTlogProof(proof)).toBe(
      `c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 10\n${hash.toString('base64')}\n\ncheckpoint data\n`,
    );
    expect(parseTlogProof(formatTlogProof(proof))).toEqual(proof);
    const bare = { index: 0, hashes: [], checkpoint: 'checkpoint\n' };
    expect(formatTlogProof(bare)).toBe('c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n');
    expect(parseTlogProof(formatTlogProof(bare))).toEqual(bare);
  });

  it('proves its own entry and no other', () => {
    const [, , , , fifth = EMPTY_ROOT, sixth = EMPTY_ROOT] = leaves;
    expect(verifyTlogProof(text, fifth, logKey)).toMatchObject({ index: 4, checkpoint: { origin, size: 7 } });
    expect(() => verifyTlogProof(text, sixth, logKey)).toThrow('not under the root');
  });

  it('is refused with any byte changed', () => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => verifyTlogProof(changed.toString(), leaves[4] ?? EMPTY_ROOT, logKey)).toThrow(
        expect.objectContaining({ name: 'NoteRefused' }),
      );
    }
  });
});
