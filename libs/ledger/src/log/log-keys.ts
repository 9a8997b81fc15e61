/** The keys a log was and is signed with: each successor was committed in the log before anybody could use it. */
import { createHash } from 'node:crypto';
import type { TenantId } from '#kernel';
import type { InlineRow, InlineTable } from '../store/append.js';
import { openCheckpoint, parseCheckpoint, type OpenedCheckpoint } from './checkpoint.js';
import type { Query } from '../database/database.js';
import { NoteRefused, noteKey, splitNote, vkey, type NoteKey } from './signed-note.js';

/**
 * The log's signing keys, by tenant and generation (1 is the first). The private halves stay with whoever implements this.
 */
export interface LogKeys {
  /** Raw Ed25519 public key, 32 bytes. */
  publicKey(tenant: TenantId, generation: number): Promise<Buffer>;
  /** Ed25519 signature, 64 bytes. */
  sign(tenant: TenantId, message: Buffer, generation: number): Promise<Buffer>;
}

/** What a rotated key signs. */
export type SigningUse = 'log' | 'certificate';

/** A key that replaced another, as the log says. */
export interface SigningKey {
  generation: number;
  /** First 16 hexadecimal digits of the SHA-256 of the raw public key. */
  keyId: string;
  /** 32 bytes. */
  publicKey: Buffer;
  /** Position of the leaf that records the rotation. */
  position: number;
  since: Date;
}

/** A key of a log, as verifiers need it. */
export interface LogKey {
  generation: number;
  key: NoteKey;
  vkey: string;
  /** Checkpoints of this size and above are signed with it, up to the next key's. */
  fromSize: number;
  /** Undefined for the first key. */
  since?: Date;
}

const signingKeyTable: InlineTable = {
  name: 'signing_key',
  columns: 6,
  text: `INSERT INTO signing_key (tenant, use, generation, key_id, public_key, position, since)
         SELECT $1, * FROM unnest($2::text[], $3::int[], $4::text[], $5::bytea[], $6::bigint[], $7::timestamptz[])`,
};

/** Row for the append whose only event records that a key replaces another. */
export function signingKeyRow(use: SigningUse, generation: number, publicKey: Buffer): InlineRow {
  return {
    into: signingKeyTable,
    row: (at) => [use, generation, publicKeyId(publicKey), publicKey, at.lastPosition, at.recordedAt],
  };
}

/** First 16 hexadecimal digits of the SHA-256 of the raw key. */
export function publicKeyId(publicKey: Buffer): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}

/** Keys that replaced the first one, oldest first; empty for a log whose key was never rotated. */
export async function readSigningKeys(query: Query, tenant: TenantId, use: SigningUse): Promise<SigningKey[]> {
  const { rows } = await query<{
    generation: number;
    key_id: string;
    public_key: Buffer;
    position: number;
    since: Date;
  }>({
    name: 'signing-keys',
    text: 'SELECT generation, key_id, public_key, position, since FROM signing_key WHERE tenant = $1 AND use = $2 ORDER BY generation',
    values: [tenant, use],
  });
  return rows.map((row) => ({
    generation: row.generation,
    keyId: row.key_id,
    publicKey: row.public_key,
    position: row.position,
    since: row.since,
  }));
}

/** All keys of a log, the first one first. */
export function logKeysOf(origin: string, first: Buffer, rotated: readonly SigningKey[]): LogKey[] {
  const all = [{ generation: 1, publicKey: first, fromSize: 0 }, ...rotated.map(asKey)];
  return all.map(({ publicKey, ...key }) => ({
    ...key,
    key: noteKey(origin, publicKey),
    vkey: vkey(origin, publicKey),
  }));
}

function asKey({ generation, publicKey, position, since }: SigningKey): {
  generation: number;
  publicKey: Buffer;
  fromSize: number;
  since: Date;
} {
  // The leaf at `position` is the first that only the new key may seal.
  return { generation, publicKey, fromSize: position + 1, since };
}

/** The key that signs a head of this size. */
export function keyForSize(keys: readonly LogKey[], size: number): LogKey {
  const found = keys.findLast(({ fromSize }) => fromSize <= size) ?? keys[0];
  if (!found) throw new NoteRefused('note-unsigned', 'the log has no key');
  return found;
}

/**
 * Opens a checkpoint with the key that its size demands. Throws NoteRefused, also when an older or a later key signed it:
 * a stolen old key must not seal what came after it.
 */
export function openWithLogKeys(note: string, keys: readonly LogKey[]): OpenedCheckpoint {
  const { size } = parseCheckpoint(splitNote(note).text);
  return openCheckpoint(note, keyForSize(keys, size).key);
}

/**
 * Opens a checkpoint with whichever of the keys signed it: only to learn what was signed, never to accept it. Throws
 * NoteRefused.
 */
export function openWithAnyKey(note: string, keys: readonly LogKey[]): OpenedCheckpoint {
  const ids = splitNote(note).lines.map(({ keyId }) => keyId);
  const signed = keys.find(({ key }) => ids.some((id) => id.equals(key.keyId)));
  if (!signed) throw new NoteRefused('note-unsigned', 'no key of this log has signed the checkpoint');
  return openCheckpoint(note, signed.key);
}
