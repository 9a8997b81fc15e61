/** Signed notes (c2sp.org/signed-note@v1.0.0): a text with signature lines, by which checkpoints travel and are countersigned. */
import { createPublicKey, hash, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeBase64, decodeDecimal } from './base64.js';

/** Signature types of c2sp.org/signed-note that Lethe knows. */
export const SIGNATURE_TYPE = { ed25519: 0x01, cosignature: 0x04 } as const;

/** 0x01: Ed25519 over the text. 0x04: a witness's timestamped Ed25519 cosignature (c2sp.org/tlog-cosignature). */
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

/** A public key that may stand on a note. */
export interface NoteKey {
  readonly name: string;
  readonly type: SignatureType;
  /** 4 bytes: SHA-256(name || LF || type || public key), cut. */
  readonly keyId: Buffer;
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
}

/** Who signs a note. `sign` gets the message and answers the 64-byte Ed25519 signature; the private key stays with it. */
export interface NoteSigner {
  readonly name: string;
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
  /** 4 bytes; computed when left out. */
  readonly keyId?: Buffer;
  sign(message: Buffer): Promise<Buffer> | Buffer;
}

/** A signature that was verified. */
export interface NoteSignature {
  readonly key: NoteKey;
  /** POSIX seconds at which a witness cosigned; only with type 0x04. */
  readonly time?: number;
}

/** A note with at least one verified signature. */
export interface VerifiedNote {
  /** The signed text, with its final newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Why a note or key is refused; `code` is stable. */
export class NoteRefused extends Error {
  constructor(
    readonly code: 'note-malformed' | 'note-signature-wrong' | 'note-unsigned' | 'note-key-malformed',
    message: string,
  ) {
    super(message);
    this.name = 'NoteRefused';
  }
}

const MARK = '\u2014 ';
/** c2sp.org/signed-note asks for a limit and for at least 16. */
const MAX_SIGNATURES = 64;
const MAX_LENGTH = 1_000_000;
/** DER head of an Ed25519 SubjectPublicKeyInfo (RFC 8410 section 4). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** Key id: the first 4 bytes of SHA-256(name || LF || type || public key). */
export function noteKeyId(name: string, publicKey: Buffer, type: SignatureType = SIGNATURE_TYPE.ed25519): Buffer {
  const bytes = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([type]), publicKey]);
  return hash('sha256', bytes, 'buffer').subarray(0, 4);
}

/** A key with its id. Throws NoteRefused for a name with spaces, plus or control characters, or a key of another size. */
export function noteKey(name: string, publicKey: Buffer, type: SignatureType = SIGNATURE_TYPE.ed25519): NoteKey {
  if (!isKeyName(name)) throw new NoteRefused('note-key-malformed', 'a key name has no spaces, plus or control signs');
  if (publicKey.length !== 32) throw new NoteRefused('note-key-malformed', 'an Ed25519 public key has 32 bytes');
  return { name, type, keyId: noteKeyId(name, publicKey, type), publicKey };
}

/** The verifier key text `name+hex(key id)+base64(type || public key)`, which is how keys are handed to auditors. */
export function vkey(name: string, publicKey: Buffer, type: SignatureType = SIGNATURE_TYPE.ed25519): string {
  const key = noteKey(name, publicKey, type);
  return `${name}+${key.keyId.toString('hex')}+${Buffer.concat([Buffer.from([type]), publicKey]).toString('base64')}`;
}

/** Reads a verifier key; throws NoteRefused when it is malformed or its id does not fit name and key. */
export function parseVkey(text: string): NoteKey {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const bytes = decodeBase64(encoded);
  const type = Object.values(SIGNATURE_TYPE).find((known) => known === bytes?.[0]);
  if (bytes === undefined || type === undefined)
    throw new NoteRefused('note-key-malformed', 'not a known verifier key');
  const key = noteKey(name, bytes.subarray(1), type);
  if (key.keyId.toString('hex') !== id) throw new NoteRefused('note-key-malformed', 'the key id does not fit the key');
  return key;
}

/** Signs a text (it must end with a newline) as type 0x01. */
export async function signNote(text: string, ...signers: readonly NoteSigner[]): Promise<string> {
  if (!isNoteText(text)) throw new NoteRefused('note-malformed', 'a note text is printable and ends with a newline');
  const lines = await Promise.all(
    signers.map(async (signer) => {
      const key = noteKey(signer.name, signer.publicKey);
      return signatureLine(signer.name, signer.keyId ?? key.keyId, await signer.sign(Buffer.from(text)));
    }),
  );
  return `${text}\n${lines.join('')}`;
}

/** A witness's signature line (type 0x04) for a note's text, at `time` in POSIX seconds; append it to the note. */
export async function cosign(text: string, time: number, witness: NoteSigner): Promise<string> {
  if (!isNoteText(text)) throw new NoteRefused('note-malformed', 'a note text is printable and ends with a newline');
  const key = noteKey(witness.name, witness.publicKey, SIGNATURE_TYPE.cosignature);
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time));
  const signature = await witness.sign(cosignedMessage(text, String(time)));
  return signatureLine(key.name, witness.keyId ?? key.keyId, Buffer.concat([stamp, signature]));
}

/**
 * Opens a note. Signatures of unknown keys are ignored; one bad signature of a known key refuses the note; so does a note
 * on which no known key signed. Throws NoteRefused.
 */
export function verifyNote(note: string, keys: readonly (NoteKey | string)[]): VerifiedNote {
  const known = keys.map((key) => (typeof key === 'string' ? parseVkey(key) : key));
  const { text, lines } = splitNote(note);
  const signatures: NoteSignature[] = [];
  for (const { name, keyId, signature } of lines) {
    const key = known.find((candidate) => candidate.name === name && candidate.keyId.equals(keyId));
    if (key === undefined) continue;
    const verified = verifySignature(text, key, signature);
    if (verified === undefined) throw new NoteRefused('note-signature-wrong', 'a signature of a known key is wrong');
    signatures.push(verified);
  }
  if (signatures.length === 0) throw new NoteRefused('note-unsigned', 'no known key signed this note');
  return { text, signatures };
}

/** The parts of a note, nothing verified yet: only for looking up which key to ask for. Throws NoteRefused. */
export function splitNote(note: string): { text: string; lines: { name: string; keyId: Buffer; signature: Buffer }[] } {
  const border = note.lastIndexOf('\n\n');
  const text = note.slice(0, border + 1);
  const block = note.slice(border + 2);
  if (note.length > MAX_LENGTH || border < 0 || !isNoteText(text) || !block.endsWith('\n')) {
    throw new NoteRefused('note-malformed', 'a note is a text, a blank line and signature lines');
  }
  const lines = block.slice(0, -1).split('\n').map(parseSignatureLine);
  if (lines.length > MAX_SIGNATURES) throw new NoteRefused('note-malformed', 'a note has at most 64 signatures');
  return { text, lines };
}

function parseSignatureLine(line: string): { name: string; keyId: Buffer; signature: Buffer } {
  const [, name = '', encoded = ''] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = decodeBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length < 5) {
    throw new NoteRefused('note-malformed', 'a signature line is a dash, a key name and base64');
  }
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

function verifySignature(text: string, key: NoteKey, signature: Buffer): NoteSignature | undefined {
  const publicKey = ed25519PublicKey(key.publicKey);
  if (key.type === SIGNATURE_TYPE.ed25519) {
    return signature.length === 64 && verify(null, Buffer.from(text), publicKey, signature) ? { key } : undefined;
  }
  if (signature.length !== 72) return undefined;
  const time = signature.readBigUInt64BE();
  if (decodeDecimal(String(time)) === undefined) return undefined;
  const message = cosignedMessage(text, String(time));
  return verify(null, message, publicKey, signature.subarray(8)) ? { key, time: Number(time) } : undefined;
}

function cosignedMessage(text: string, time: string): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

function signatureLine(name: string, keyId: Buffer, signature: Buffer): string {
  return `${MARK}${name} ${Buffer.concat([keyId, signature]).toString('base64')}\n`;
}

/** A node:crypto key from the 32 raw bytes of an Ed25519 public key. */
export function ed25519PublicKey(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
}

function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+\p{Z}\p{Cc}]/u.test(name);
}

function isNoteText(text: string): boolean {
  // No control characters but the newline, and valid UTF-8, so that every reader splits the same lines.
  return text.endsWith('\n') && text.isWellFormed() && ![...text].some((sign) => sign < ' ' && sign !== '\n');
}
