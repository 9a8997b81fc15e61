/** The one port to secret keys: key-encryption epochs, keyed hashes and signatures. Files by default, a KMS behind the same port. */
import type { TenantId } from '#kernel';

/** What a keyed hash is for; every use has a key of its own, so that a value of one use says nothing about another. */
export type MacUse = 'lookup' | 'suppression' | 'idempotency' | 'actor' | 'cursor' | 'item';

/** What a signature is for. */
export type SignUse = 'log' | 'certificate' | 'session';

/** Uses whose key can be replaced while the old one still answers. A suppression key never can: the plaintext is gone. */
export type RotatedUse = 'lookup' | 'log' | 'certificate';

/** A data key under the key-encryption key of an epoch. */
export interface WrappedKey {
  epoch: string;
  wrapped: Buffer;
}

/**
 * Secret keys, never handed out. Every key is separate per tenant. Errors: `KeyUnavailable`, whose `reason` says whether a
 * key was destroyed on purpose (then what it protected is gone for good) or is merely missing.
 */
export abstract class KeyProvider {
  /** Names this set of keys; a database sealed under another set must be refused. Free of secrets. */
  abstract readonly ringId: string;

  /** Wraps a data key under the current epoch of this process; ask `currentEpoch` first where several processes rotate. */
  abstract wrap(tenant: TenantId, key: Buffer): Promise<WrappedKey>;
  /** The data key again; fails when the epoch was destroyed or the bytes belong to another tenant or were changed. */
  abstract unwrap(tenant: TenantId, epoch: string, wrapped: Buffer): Promise<Buffer>;
  /**
   * HMAC-SHA256, 32 bytes, under the key of (tenant, use). Synchronous: it stands on the hot path of every check. A later
   * generation than the first must have been made `ready` in this process.
   */
  abstract mac(tenant: TenantId, use: MacUse, data: string | Buffer, generation?: number): Buffer;
  /** Which key `mac` uses, to be stored beside values that outlive it. */
  abstract macKeyId(use: MacUse, generation?: number): string;
  /** Ed25519 signature, 64 bytes (RFC 8032). Generation 1 when none is named. */
  abstract sign(tenant: TenantId, use: SignUse, message: Buffer, generation?: number): Promise<Buffer>;
  /** Raw Ed25519 public key, 32 bytes. */
  abstract publicKey(tenant: TenantId, use: SignUse, generation?: number): Promise<Buffer>;
  /**
   * SHA-256 of the raw public log key after `generation`: the log commits it before it is used, so that a stolen log key
   * cannot name its successor.
   */
  abstract nextLogKeyHash(tenant: TenantId, generation?: number): Promise<Buffer>;
  /** Makes the key of a generation unless it is there; returns its id. Safe to repeat. */
  abstract addGeneration(use: RotatedUse, generation: number): Promise<string>;
  /** Loads a generation that another process may have made. Errors: `KeyUnavailable` when it has not reached this machine. */
  abstract ready(use: RotatedUse, generation: number): Promise<void>;

  /** Newest key-encryption epoch, read afresh: another process may have begun one. */
  abstract currentEpoch(): Promise<string>;
  /** Begins an epoch; `wrap` uses it from now on. */
  abstract newEpoch(): Promise<string>;
  /** Which key stands for an epoch; undefined when it was destroyed. Errors: `KeyUnavailable` when it is lost or damaged. */
  abstract epochKeyId(epoch: string): Promise<string | undefined>;
  /** Destroys the key of an epoch for ever; what is still wrapped under it can never be read again. */
  abstract destroyEpoch(epoch: string): Promise<void>;
}

/** `missing`: not there, though it should be. `destroyed`: by design. `permissions`, `damaged`: refused before use. */
export type KeyTrouble = 'missing' | 'destroyed' | 'permissions' | 'damaged';

/** A key cannot be used. The message names the key and what to do, never its bytes; so does the name, for logs that tell no messages. */
export class KeyUnavailable extends Error {
  constructor(
    readonly reason: KeyTrouble,
    message: string,
    key?: string,
  ) {
    super(message);
    this.name = key === undefined ? 'KeyUnavailable' : `KeyUnavailable(${key})`;
  }
}
