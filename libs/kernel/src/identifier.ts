/** The one spelling of an identifier that is compared: two spellings of one mailbox or number meet. Pure. */
import { domainToASCII } from 'node:url';

/** As a caller sends it. `type`: `email`, `phone`, or a name of the tenant's own such as `customerId`. */
export interface Identifier {
  type: string;
  value: string;
}

/** An identifier in the one spelling that is compared. `given` is the sender's spelling, where it differs. */
export interface NormalIdentifier extends Identifier {
  given?: string;
}

const MAX_EMAIL = 320;
const MAX_OTHER = 256;
const typeName = /^[a-z][A-Za-z0-9-]{0,39}$/;
/** Control, format (zero width, direction marks), private and unassigned characters: invisible, so two ids would look alike. */
const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;

/** The normal form, or the stable code of what is wrong. */
export function normalise({ type, value }: Identifier): NormalIdentifier | string {
  if (!typeName.test(type)) return 'type-invalid';
  if (value.length > MAX_EMAIL * 2) return 'value-too-long';
  if (!value.isWellFormed()) return 'value-not-text';
  const given = value.trim();
  if (given === '') return 'value-empty';
  if (hidden.test(given)) return 'value-hidden-characters';
  const normal = byType(type, given.normalize('NFC'));
  if (typeof normal === 'string') return normal;
  return normal.value === given ? { type, value: normal.value } : { type, value: normal.value, given };
}

function byType(type: string, text: string): { value: string } | string {
  switch (type) {
    case 'email':
      return email(text);
    case 'phone':
      return phone(text);
    // Names of the tenant's own: we cannot know whether case counts, so it does.
    default:
      return text.length > MAX_OTHER ? 'value-too-long' : { value: text };
  }
}

/**
 * Lower case on both sides. RFC 5321 section 2.4 lets a host tell cases apart, none that matters does, and people do not
 * type the same case twice. Dots and +tags stay: joining them would guess, and a wrong guess hands out another's data.
 */
function email(text: string): { value: string } | string {
  if (text.length > MAX_EMAIL) return 'value-too-long';
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at).toLowerCase().normalize('NFC');
  const domain = domainToASCII(text.slice(at + 1));
  if (
    at < 1 ||
    local.length > 64 ||
    /[\s@]/u.test(local) ||
    local.startsWith('.') ||
    local.endsWith('.') ||
    local.includes('..')
  )
    return 'email-invalid';
  if (!/^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/.test(domain)) return 'email-invalid';
  return { value: `${local}@${domain}` };
}

/**
 * International form only (ITU-T E.164: + and up to 15 digits). A national number means another line in every country, so
 * it is refused instead of guessed.
 */
function phone(text: string): { value: string } | string {
  if (text.length > 64) return 'value-too-long';
  const plain = text
    .normalize('NFKC')
    .replace(/^tel:/i, '')
    .replaceAll(/^(\+[\d\s]*)\(0\)/g, '$1')
    .replaceAll(/[\s().\-/‐-―]/gu, '')
    .replace(/^00/, '+');
  if (!plain.startsWith('+')) return 'phone-not-international';
  return /^\+[1-9]\d{6,14}$/.test(plain) ? { value: plain } : 'phone-invalid';
}
