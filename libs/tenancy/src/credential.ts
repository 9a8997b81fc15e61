/** API keys and personal tokens: `lethe_<mode>_<tenant>_<id>_<secret>`, stored as a hash. Pure. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isUuid, type TenantId } from '#kernel';

/** A credential's parts as its text carries them. */
export interface CredentialText {
  mode: 'test' | 'live';
  tenant: TenantId;
  id: string;
  secret: string;
}

/** Makes a new credential: 32 random bytes, so that a fast hash is enough at rest. */
export function newCredential(mode: 'test' | 'live', tenant: TenantId): { id: string; text: string; hash: Buffer } {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('hex');
  return { id, text: `lethe_${mode}_${tenant.replaceAll('-', '')}_${id}_${secret}`, hash: hashSecret(secret) };
}

/** SHA-256 of the secret part. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

const shape = /^lethe_(test|live)_([0-9a-f]{32})_([0-9a-f]{16})_([0-9a-f]{64})$/;

/** Reads the parts; undefined when the text is no credential of Lethe. */
export function parseCredential(text: string): CredentialText | undefined {
  const match = shape.exec(text);
  if (!match) return undefined;
  const hex = match[2]!;
  const tenant = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  if (!isUuid(tenant)) return undefined;
  return { mode: match[1] as 'test' | 'live', tenant: tenant as TenantId, id: match[3]!, secret: match[4]! };
}

/** Compares in constant time. */
export function secretMatches(secret: string, hash: Buffer): boolean {
  return timingSafeEqual(hashSecret(secret), hash);
}
