/** The keys certificates and receipts are signed with: one at a time, and all of them listed with their validity. */
import type { TenantId } from '#kernel';
import { publicKeyId, readSigningKeys, type Database } from '#ledger';
import type { KeyProvider } from '#platform';

/** `validUntil`: null for the key that signs now. What it signed before stays valid; a later signature under it is forged. */
export interface CertificateKeyValidity {
  /** First 16 hexadecimal digits of the SHA-256 of the raw key. */
  keyId: string;
  /** Raw Ed25519 key, base64. */
  publicKey: string;
  /** RFC 3339; null for the first key of the tenant. */
  validFrom: string | null;
  validUntil: string | null;
}

/** A signature of the key in use; base64. */
export interface CertificateKeySignature {
  keyId: string;
  publicKey: string;
  value: string;
}

export class CertificateKeys {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
  ) {}

  /** Signs with the key in use. Errors: `KeyUnavailable` when a rotated key has not reached this machine. */
  async sign(tenant: TenantId, bytes: Buffer): Promise<CertificateKeySignature> {
    const generation = (await this.rotated(tenant)).at(-1)?.generation ?? 1;
    const [value, publicKey] = await Promise.all([
      this.keys.sign(tenant, 'certificate', bytes, generation),
      this.keys.publicKey(tenant, 'certificate', generation),
    ]);
    return {
      keyId: publicKeyId(publicKey),
      publicKey: publicKey.toString('base64'),
      value: value.toString('base64'),
    };
  }

  /** Every key, the first one first. */
  async list(tenant: TenantId): Promise<CertificateKeyValidity[]> {
    const [first, rotated] = await Promise.all([this.keys.publicKey(tenant, 'certificate', 1), this.rotated(tenant)]);
    const keys = [{ publicKey: first, since: undefined }, ...rotated];
    return keys.map(({ publicKey, since }, at) => ({
      keyId: publicKeyId(publicKey),
      publicKey: publicKey.toString('base64'),
      validFrom: since?.toISOString() ?? null,
      validUntil: keys[at + 1]?.since?.toISOString() ?? null,
    }));
  }

  private rotated(tenant: TenantId): ReturnType<typeof readSigningKeys> {
    return readSigningKeys((statement) => this.database.fetch(tenant, statement), tenant, 'certificate');
  }
}
