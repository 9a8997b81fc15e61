// Strict reading and plain printing for the verifiers. Node built-ins only; shares no code with the service, on purpose.

/** A check that failed, with the reason an auditor reads. */
export class Refused extends Error {}

/** Stops with a reason unless the condition holds. */
export function demand(condition, reason) {
  if (!condition) throw new Refused(reason);
}

/** Base64 bytes; refuses every text but the one that encoding those bytes gives, or a changed sign could pass. */
export function base64(text, what) {
  demand(typeof text === 'string', `${what} is not base64 text`);
  const bytes = Buffer.from(text, 'base64');
  demand(bytes.toString('base64') === text, `${what} is not strict base64`);
  return bytes;
}

/** A count written as decimal digits without leading zeroes. */
export function decimal(text, what) {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : NaN;
  demand(Number.isSafeInteger(value), `${what} is not a plain decimal number`);
  return value;
}

/** Canonical JSON text (RFC 8785): the signature of a certificate covers exactly these bytes. */
export function canonicalJson(value) {
  if (Array.isArray(value)) return '[' + value.map(canonicalJson).join(',') + ']';
  if (value !== null && typeof value === 'object') {
    const names = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return '{' + names.map((name) => canonicalJson(name) + ':' + canonicalJson(value[name])).join(',') + '}';
  }
  demand(typeof value !== 'string' || value.isWellFormed(), 'a text holds half a character');
  demand(typeof value !== 'number' || Number.isFinite(value), 'a number is too large');
  return JSON.stringify(value);
}

/** Parses JSON and refuses a member named twice: readers differ on which of the two counts. */
export function strictJson(text, what) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refused(`${what} is not JSON`);
  }
  // In valid JSON a string is followed by a colon exactly when it names a member.
  const named = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter((match) => match[1] !== undefined).length;
  demand(named === countMembers(value), `${what} names a member twice`);
  return value;
}

function countMembers(value) {
  if (value === null || typeof value !== 'object') return 0;
  const inner = Object.values(value).reduce((sum, member) => sum + countMembers(member), 0);
  return inner + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

/** A value as one printable line: control characters must not repaint the auditor's screen. */
export function plain(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (text ?? '').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/** `name   value` with the names in one column. */
export function row(name, value) {
  return `  ${name.padEnd(18)}${plain(value)}`;
}
