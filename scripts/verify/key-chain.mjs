// Follows a log's signing keys: from the key the auditor holds to the one that signs today, each committed before its use.
import { createHash } from 'node:crypto';
import { base64, demand, strictJson } from './formats.mjs';
import { openCheckpoint, readVkey } from './log-checks.mjs';

const WINDOW = 256;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** A verifier key from a raw public key (c2sp.org/signed-note). */
function verifierKey(name, raw) {
  const typed = Buffer.concat([Buffer.from([1]), raw]);
  const id = sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).subarray(0, 4);
  return readVkey(`${name}+${id.toString('hex')}+${typed.toString('base64')}`);
}

/** The ids of the keys that signed a note; nothing is verified. */
function signers(note, name) {
  const lines = note.slice(note.lastIndexOf('\n\n') + 2, -1).split('\n');
  return lines.flatMap((line) => {
    const match = /^\u2014 (\S+) (\S+)$/.exec(line);
    return match?.[1] === name ? [Buffer.from(match[2], 'base64').subarray(0, 4).toString('hex')] : [];
  });
}

/** True when every note is signed with the held key, so that no rotation has to be followed. */
export function signedByHeld(notes, key) {
  return notes.every((note) => signers(note, key.name).includes(key.id));
}

/** The new key (base64) of this kind that a record names, or undefined. */
export function namedKey(bytes, kind = 'log') {
  const text = bytes.toString('utf8');
  if (!text.includes('"KeyRotated.v1"')) return undefined;
  const leaf = strictJson(text, 'a record');
  const rotation = leaf.type === 'KeyRotated.v1' && leaf.stream === 'keys' && leaf.data?.kind === kind;
  return rotation ? leaf.data.publicKey : undefined;
}

/** A replacement among the sealed records that was not followed: the key that sealed them was not the log's any more. */
export function demandFollowed(rotations, keys) {
  const held = keys[0].key.raw.toString('base64');
  const begin = rotations.find(({ named }) => named === held)?.position ?? -1;
  for (const { position } of rotations) {
    const followed = position <= begin || keys.some(({ fromSize }) => fromSize === position + 1);
    demand(
      followed,
      `record ${position} replaces the log key, but a key that was not the log's at that size sealed it`,
    );
  }
}

/** Leaves that commit a next key or name a new one. They are believed only because the seal covers them. */
async function keyLeaves(source, size) {
  const leaves = [];
  for (let start = 0; start < size; start += WINDOW) {
    const entries = await source.window(start, Math.min(WINDOW, size - start));
    for (const [offset, entry] of entries.entries()) {
      const text = entry?.bytes?.toString('utf8') ?? '';
      if (!text.includes('"nextLogKeyHash"')) continue;
      const leaf = strictJson(text, `record ${start + offset}`);
      const rotation = namedKey(entry.bytes) !== undefined;
      if (rotation || (leaf.type === 'TenantCreated.v1' && start + offset === 0))
        leaves.push({ position: start + offset, rotation, data: leaf.data });
    }
  }
  return leaves;
}

/**
 * The keys from the held one on: `{key, fromSize}`, where a key signs seals of `fromSize` records and above. Every
 * successor must have been committed by an earlier record, and the key before it must have sealed that commitment: whoever
 * stole one key can neither name the next nor claim that it was named. `seals` are those last seals, to be recomputed too.
 */
export async function followKeys(source, held, size) {
  const leaves = await keyLeaves(source, size);
  const rotations = leaves.filter(({ rotation }) => rotation);
  const isHeld = ({ data }) => verifierKey(held.name, base64(data.publicKey, 'a log key')).id === held.id;
  const begin = rotations.findIndex(isHeld);
  const keys = [{ key: held, fromSize: begin < 0 ? 0 : rotations[begin].position + 1 }];
  const seals = [];
  for (const { position, data } of rotations.slice(begin + 1)) {
    const before = leaves[leaves.findIndex((leaf) => leaf.position === position) - 1];
    const raw = base64(data.publicKey, 'a log key');
    const committed = before?.data?.nextLogKeyHash === sha256(raw).toString('hex');
    demand(committed, `the log key named by record ${position} was not committed before: it is not the log's`);
    const seal = openCheckpoint(data.lastSeal, keys.at(-1).key);
    const covers = seal.size > before.position && seal.size <= position;
    demand(covers, `the key before record ${position} never sealed the commitment of its successor`);
    seals.push({ note: data.lastSeal, key: keys.at(-1).key });
    keys.push({ key: verifierKey(held.name, raw), fromSize: position + 1 });
  }
  return { keys, seals };
}

/** Opens a seal with the key that its size demands: an older key cannot seal what was recorded after its replacement. */
export function openWithKeys(note, keys, witnesses) {
  const size = Number(/^[^\n]*\n(\d{1,15})\n/.exec(note)?.[1] ?? Number.NaN);
  const right = keys.findLast(({ fromSize }) => fromSize <= size) ?? keys[0];
  demand(
    !(size < right.fromSize),
    `the seal of ${size} records is older than this log key: give the oldest key you hold, its successors are followed`,
  );
  const other = keys.find(({ key }) => key !== right.key && signers(note, key.name).includes(key.id));
  demand(
    other === undefined || signers(note, right.key.name).includes(right.key.id),
    `the seal of ${size} records is signed with a key that was not the log's at that size`,
  );
  return openCheckpoint(note, right.key, witnesses);
}
