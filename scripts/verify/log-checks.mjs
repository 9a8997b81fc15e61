// The transparency-log checks (RFC 6962, C2SP) written a second time, from the definitions rather than from the service's code.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { Refused, base64, decimal, demand } from './formats.mjs';

const sha256 = (...parts) => parts.reduce((sha, part) => sha.update(part), createHash('sha256')).digest();

/** RFC 6962 section 2.1. */
export const emptyRoot = sha256();
export const leafHash = (bytes) => sha256('\x00', bytes);
const nodeHash = (left, right) => sha256('\x01', left, right);

/** The largest power of two below `size`. */
function split(size) {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** The root that an inclusion proof leads to: section 2.1.1 read backwards, from the root down. */
export function rootFromInclusion(leaf, index, size, hashes) {
  if (size === 1) {
    demand(hashes.length === 0, 'the inclusion proof is too long');
    return leaf;
  }
  demand(hashes.length > 0, 'the inclusion proof is too short');
  const sibling = hashes.at(-1);
  const rest = hashes.slice(0, -1);
  const middle = split(size);
  if (index < middle) return nodeHash(rootFromInclusion(leaf, index, middle, rest), sibling);
  return nodeHash(sibling, rootFromInclusion(leaf, index - middle, size - middle, rest));
}

/** The old and the new root that a consistency proof leads to: section 2.1.2 read backwards. */
export function rootsFromConsistency(from, to, hashes, fromRoot, whole = true) {
  if (from === to) {
    demand(hashes.length === (whole ? 0 : 1), 'the consistency proof has the wrong length');
    return whole ? [fromRoot, fromRoot] : [hashes[0], hashes[0]];
  }
  demand(hashes.length > 0, 'the consistency proof is too short');
  const sibling = hashes.at(-1);
  const rest = hashes.slice(0, -1);
  const middle = split(to);
  if (from <= middle) {
    const [older, newer] = rootsFromConsistency(from, middle, rest, fromRoot, whole);
    return [older, nodeHash(newer, sibling)];
  }
  const [older, newer] = rootsFromConsistency(from - middle, to - middle, rest, fromRoot, false);
  return [nodeHash(sibling, older), nodeHash(sibling, newer)];
}

/** A tree that grows by one leaf hash at a time and knows its root at every size. */
export class GrowingTree {
  size = 0;
  #peaks = [];

  add(leaf) {
    this.#peaks.push({ width: 1, hash: leaf });
    this.size += 1;
    while (this.#peaks.length > 1 && this.#peaks.at(-1).width === this.#peaks.at(-2).width) {
      const right = this.#peaks.pop();
      const left = this.#peaks.pop();
      this.#peaks.push({ width: left.width * 2, hash: nodeHash(left.hash, right.hash) });
    }
  }

  root() {
    if (this.size === 0) return emptyRoot;
    return this.#peaks.map((peak) => peak.hash).reduceRight((right, left) => nodeHash(left, right));
  }
}

/** A key handed over as `name+hex id+base64(type, key)` (c2sp.org/signed-note). Types: 1 log or signer, 4 witness. */
export function readVkey(text) {
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  demand(match !== null, 'a verifier key has the form name+id+key');
  const [, name, id, encoded] = match;
  const bytes = base64(encoded, 'the verifier key');
  demand(bytes.length === 33 && (bytes[0] === 1 || bytes[0] === 4), 'the verifier key is not Ed25519');
  const expected = sha256(name, '\n', bytes).subarray(0, 4).toString('hex');
  demand(id === expected, 'the id in the verifier key does not fit its name and key');
  return { text, name, id, type: bytes[0], raw: bytes.subarray(1) };
}

/** Checks an Ed25519 signature under a raw 32-byte key. */
export function ed25519Verify(raw, message, signature) {
  if (raw.length !== 32 || signature.length !== 64) return false;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

/** Opens a signed checkpoint: the log must have signed it; witnesses we know are checked, others are ignored. */
export function openCheckpoint(note, logKey, witnesses = []) {
  const border = note.lastIndexOf('\n\n');
  demand(border > 0 && note.endsWith('\n'), 'the checkpoint is not a signed note');
  demand(note.isWellFormed() && !/[\x00-\x09\x0b-\x1f\ufffd]/.test(note), 'the checkpoint holds unprintable signs');
  const text = note.slice(0, border + 1);
  const [origin, sizeLine, rootLine, ...extensions] = text.slice(0, -1).split('\n');
  const size = decimal(sizeLine ?? '', 'the size in the checkpoint');
  const root = base64(rootLine ?? '', 'the root in the checkpoint');
  demand(origin !== '' && root.length === 32 && !extensions.includes(''), 'the checkpoint is malformed');
  demand(origin === logKey.name, 'the checkpoint is of another log than the key');
  const signed = note
    .slice(border + 2, -1)
    .split('\n')
    .map((line) => readSignature(line, text, [logKey, ...witnesses]));
  demand(
    signed.some((signature) => signature?.key === logKey),
    'the log has not signed the checkpoint with this key',
  );
  return { origin, size, root, countersigned: signed.filter((signature) => signature?.key.type === 4) };
}

function readSignature(line, text, keys) {
  const match = /^\u2014 (\S+) (\S+)$/.exec(line);
  demand(match !== null, 'a signature line of the checkpoint is malformed');
  const bytes = base64(match[2], 'a signature of the checkpoint');
  const id = bytes.subarray(0, 4).toString('hex');
  const key = keys.find((candidate) => candidate.name === match[1] && candidate.id === id);
  if (key === undefined) return undefined;
  const time = key.type === 4 && bytes.length === 76 ? bytes.readBigUInt64BE(4) : undefined;
  const message = key.type === 4 ? `cosignature/v1\ntime ${time}\n${text}` : text;
  const good = ed25519Verify(key.raw, Buffer.from(message), bytes.subarray(key.type === 4 ? 12 : 4));
  if (!good) throw new Refused(`the signature of ${key.name} on the checkpoint is wrong`);
  return { key, time: time === undefined ? undefined : new Date(Number(time) * 1000).toISOString() };
}

/** Reads a proof file (c2sp.org/tlog-proof@v1). Its optional `extra` line is signed by nobody, so it is refused here. */
export function readProofFile(text) {
  demand(typeof text === 'string', 'a proof file is missing');
  const border = text.indexOf('\n\n');
  const [header, indexLine, ...lines] = text.slice(0, Math.max(border, 0)).split('\n');
  demand(header === 'c2sp.org/tlog-proof@v1', 'a proof file does not start with c2sp.org/tlog-proof@v1');
  demand(indexLine?.startsWith('index '), 'a proof file names no index');
  const hashes = lines.map((line) => base64(line, 'a hash of a proof'));
  demand(hashes.length <= 63 && hashes.every((hash) => hash.length === 32), 'a hash of a proof has the wrong size');
  return { index: decimal(indexLine.slice(6), 'the index of a proof'), hashes, checkpoint: text.slice(border + 2) };
}
