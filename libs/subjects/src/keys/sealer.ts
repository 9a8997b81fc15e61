/** Seals personal data by field group under the key of (subject, class), so that a leaf can stay while the data goes. */
import { createCipheriv, createDecipheriv, randomFillSync, type KeyObject } from 'node:crypto';
import { canonicalize, type Json, type SubjectId, type TenantId } from '#kernel';
import type { KeyStore } from './keystore.js';
import type { KeyClass } from './keystore.queries.js';
import { SubjectErased } from '../subjects.errors.js';
import { yearHolder } from './year-keys.js';

/** Ciphertext as JSON: c class, s subject, n nonce, t ciphertext with tag (base64url). `sealed` is the format's version. */
export type Sealed = { sealed: 1; c: KeyClass; s: string; n: string; t: string };

/**
 * What opening gave. `shredded`: the key was destroyed with the person; `destroyed`: the epoch it was wrapped under is gone
 * (a restored backup); `none`: no such key; `changed`: other bytes, place or purpose than were sealed.
 */
export type Opened =
  { readable: true; value: Json } | { readable: false; reason: 'shredded' | 'destroyed' | 'none' | 'changed' };

const NONCE = 12;
const TAG = 16;
const pool = Buffer.alloc(NONCE * 512);
let used = pool.length;

/** AES-256-GCM. Random 96-bit nonces: one person's key never seals near the 2^32 values of NIST SP 800-38D section 8.3. */
export class Sealer {
  constructor(private readonly keys: KeyStore) {}

  /**
   * @param place what the value is and where it stands, e.g. `consent/evidence`: it opens only for the same place, so that
   *   nobody can move a ciphertext to another field. Free of personal data.
   */
  async seal(tenant: TenantId, subject: SubjectId, keyClass: KeyClass, value: Json, place: string): Promise<Sealed> {
    const key = await this.keys.keyFor(tenant, subject, keyClass);
    return encrypt(key, `${tenant}|${subject}|${keyClass}|${place}`, { sealed: 1, c: keyClass, s: subject }, value);
  }

  /**
   * As `seal`, and under the year's key when the person's was destroyed: what is decided about the past is said still, and
   * ends when evidence does (`endYearKeys`).
   */
  async sealAbout(
    tenant: TenantId,
    subject: SubjectId,
    keyClass: KeyClass,
    value: Json,
    place: string,
  ): Promise<Sealed> {
    try {
      return await this.seal(tenant, subject, keyClass, value, place);
    } catch (error) {
      if (!(error instanceof SubjectErased)) throw error;
      return this.seal(tenant, yearHolder(this.keys.clock.now().getUTCFullYear()), 'case', value, place);
    }
  }

  /** Makes keys of somebody who is being registered, in one commit; `seal` would make them one by one. */
  begin(tenant: TenantId, subject: SubjectId, classes: readonly KeyClass[]): Promise<void> {
    return this.keys.begin(tenant, subject, classes);
  }

  /** Opens what was sealed for the same place. Never throws for what is gone or changed; outages of the key store do throw. */
  async open(tenant: TenantId, sealed: Sealed, place: string): Promise<Opened> {
    const found = await this.keys.find(tenant, sealed.s as SubjectId, sealed.c);
    if (!('key' in found)) return { readable: false, reason: found.missing };
    return decrypt(found.key, `${tenant}|${sealed.s}|${sealed.c}|${place}`, sealed);
  }
}

/** True when a value of an event is a sealed one. */
export function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null) return false;
  const { sealed, c, s, n, t } = value as Record<string, unknown>;
  return sealed === 1 && [c, s, n, t].every((part) => typeof part === 'string');
}

function encrypt(key: KeyObject, aad: string, head: Pick<Sealed, 'sealed' | 'c' | 's'>, value: Json): Sealed {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  const text = Buffer.concat([cipher.update(canonicalize(value), 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { ...head, n: nonce.toString('base64url'), t: text.toString('base64url') };
}

function decrypt(key: KeyObject, aad: string, sealed: Sealed): Opened {
  const bytes = Buffer.from(sealed.t, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.n, 'base64url'), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(-TAG));
    const text = decipher.update(bytes.subarray(0, -TAG), undefined, 'utf8') + decipher.final('utf8');
    return { readable: true, value: JSON.parse(text) as Json };
  } catch {
    return { readable: false, reason: 'changed' };
  }
}

/** Nonces are drawn from a pool: one call for random bytes per 512. */
function nextNonce(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += NONCE;
  return Buffer.from(pool.subarray(used - NONCE, used));
}
