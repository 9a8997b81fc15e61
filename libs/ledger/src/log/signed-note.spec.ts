/** Signed notes against the published vector of Go's sumdb/note, the examples of C2SP, and every changed byte. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cosign, parseVkey, signNote, splitNote, verifyNote, vkey } from './signed-note.js';
import type { NoteSigner } from './signed-note.js';

/** A signer from a 32-byte seed (RFC 8410 PKCS#8 head), so that signatures are the same in every run. */
function aSigner(name: string, seed: Buffer): NoteSigner {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12);
  return { name, publicKey, sign: (message) => sign(null, message, privateKey) };
}
const log = aSigner('lethe.example.test/log', Buffer.alloc(32, 1));
const witness = aSigner('witness.example.test/w1', Buffer.alloc(32, 2));
const logKey = vkey(log.name, log.publicKey);
const witnessKey = vkey(witness.name, witness.publicKey, 0x04);

// golang.org/x/mod/sumdb/note, package documentation.
const goKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const goSeed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const goText = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const goNote = `${goText}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

describe('a signed note', () => {
  it('is, byte for byte, what the Go implementation writes', async () => {
    const signer = aSigner('PeterNeumann', goSeed);
    expect(vkey(signer.name, signer.publicKey)).toBe(goKey);
    expect(await signNote(goText, signer)).toBe(goNote);
    expect(verifyNote(goNote, [goKey]).text).toBe(goText);
  });

  it('is split at its last blank line, as in the example of C2SP', () => {
    const text = 'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n';
    const line =
      '\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n';
    const note = splitNote(`${text}\n${line}`);
    expect(note.text).toBe(text);
    expect(note.lines.map(({ name, signature }) => [name, signature.length])).toEqual([
      ['quasimodo.example/salvatore', 64],
    ]);
  });

  it('ignores keys it does not know and refuses a note that no known key signed', async () => {
    const note = await signNote('text\n', log, witness);
    expect(verifyNote(note, [logKey]).signatures.map(({ key }) => key.name)).toEqual([log.name]);
    expect(() => verifyNote(note, [goKey])).toThrow(expect.objectContaining({ code: 'note-unsigned' }));
    expect(() => verifyNote(note, [witnessKey])).toThrow(expect.objectContaining({ code: 'note-unsigned' }));
  });

  it('is refused when one known key of two signed something else', async () => {
    const [, foreign = ''] = (await signNote('other\n', witness)).split('\n\n');
    const note = (await signNote('text\n', log)) + foreign;
    expect(verifyNote(note, [logKey]).signatures).toHaveLength(1);
    const witnessNoteKey = vkey(witness.name, witness.publicKey);
    expect(() => verifyNote(note, [logKey, witnessNoteKey])).toThrow(
      expect.objectContaining({ code: 'note-signature-wrong' }),
    );
  });

  it('is refused with any byte changed', async () => {
    const note = Buffer.from(await signNote('lethe.example.test/log\n7\nAAAA\n', log));
    for (let at = 0; at < note.length; at += 1) {
      const changed = Buffer.from(note);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => verifyNote(changed.toString(), [logKey])).toThrow();
    }
  });

  it('takes 16 signatures, and refuses a thousand', async () => {
    const [text, line = ''] = (await signNote('text\n', log)).split('\n\n');
    expect(verifyNote(`${text}\n\n${line.repeat(16)}`, [logKey]).signatures).toHaveLength(16);
    expect(() => verifyNote(`${text}\n\n${line.repeat(1000)}`, [logKey])).toThrow('64');
  });

  it('cannot be made of control characters, lone surrogates or an unended line', async () => {
    for (const text of ['no newline', 'a\rb\n', 'a\0\n', 'a\tb\n', '\ud800\n', '']) {
      await expect(signNote(text, log)).rejects.toThrow('printable');
    }
  });

  it('comes back as it was signed', async () => {
    const aText = fc.string({ unit: 'grapheme' }).map((text) => `${text.replace(/\p{Cc}/gu, '')}\n`);
    await fc.assert(
      fc.asyncProperty(aText, async (text) => {
        expect(verifyNote(await signNote(text, log), [logKey]).text).toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a cosignature', () => {
  it('adds a witness and its time to the note', async () => {
    const text = 'lethe.example.test/log\n7\nAAAA\n';
    const note = (await signNote(text, log)) + (await cosign(text, 1_679_315_147, witness));
    const { signatures } = verifyNote(note, [logKey, witnessKey]);
    expect(signatures.map(({ key, time }) => [key.name, time])).toEqual([
      [log.name, undefined],
      [witness.name, 1_679_315_147],
    ]);
  });

  it('signs exactly the message of the standard', async () => {
    const messages: string[] = [];
    const recording = { ...witness, sign: (message: Buffer) => (messages.push(message.toString()), Buffer.alloc(64)) };
    await cosign('example.com/footree\n1\nAAAA\n', 1_679_315_147, recording);
    expect(messages).toEqual(['cosignature/v1\ntime 1679315147\nexample.com/footree\n1\nAAAA\n']);
  });

  it('is refused with any byte changed, its time included', async () => {
    const text = 'lethe.example.test/log\n7\nAAAA\n';
    const line = await cosign(text, 1_679_315_147, witness);
    const [mark, name, encoded = ''] = line.trimEnd().split(' ');
    const bytes = Buffer.from(encoded, 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      const note = `${text}\n${mark} ${name} ${changed.toString('base64')}\n`;
      expect(() => verifyNote(note, [witnessKey])).toThrow(expect.objectContaining({ name: 'NoteRefused' }));
    }
  });

  it('frames key id, time and signature as in the example of C2SP', () => {
    const line =
      '\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n';
    const [signature] = splitNote(`text\n\n${line}`).lines;
    expect(signature?.signature.length).toBe(72);
    expect(signature?.signature.readBigUInt64BE()).toBe(1_679_315_147n);
  });
});

describe('a verifier key', () => {
  it('comes back from its text, of both types', () => {
    expect(parseVkey(logKey)).toMatchObject({ name: log.name, type: 1, publicKey: log.publicKey });
    expect(parseVkey(witnessKey)).toMatchObject({ name: witness.name, type: 4, publicKey: witness.publicKey });
    expect(parseVkey('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2').type).toBe(4);
    expect(parseVkey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k').type).toBe(1);
  });

  it('is refused with any character changed or missing', () => {
    for (let at = 0; at < goKey.length; at += 1) {
      const changed = Buffer.from(goKey);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => parseVkey(changed.toString())).toThrow(expect.objectContaining({ code: 'note-key-malformed' }));
      expect(() => parseVkey(goKey.slice(0, at) + goKey.slice(at + 1))).toThrow();
    }
    expect(() => vkey('has space', log.publicKey)).toThrow('spaces');
    expect(() => vkey('has+plus', log.publicKey)).toThrow('plus');
    expect(() => vkey('name', Buffer.alloc(31))).toThrow('32 bytes');
  });
});
