/** Canonical JSON (RFC 8785): the one text of a value, so that its bytes can be hashed and signed. */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** Thrown for values that have no canonical form: NaN, infinities, NUL, lone surrogates, `undefined`, dates, maps, bytes. */
export class NotCanonical extends Error {
  constructor(reason: string) {
    super(`value has no canonical JSON: ${reason}`);
    this.name = 'NotCanonical';
  }
}

/**
 * RFC 8785 text of a value. Keys are sorted by UTF-16 code units (section 3.2.3); numbers and strings are written as
 * ECMAScript does (3.2.2). Members that are `undefined` are left out. NUL is refused as well, because PostgreSQL text
 * cannot hold it and one poisoned member must not reach a batch.
 */
export function canonicalize(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
      if (!Number.isFinite(value)) throw new NotCanonical('number is not finite');
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      // Array.from: a hole is `undefined`, which has no JSON, and not an empty place between two commas.
      if (Array.isArray(value)) return `[${Array.from(value as unknown[], canonicalize).join(',')}]`;
      if (tagOf.call(value) !== '[object Object]') throw new NotCanonical(`${tagOf.call(value)} is not JSON`);
      return members(value as Record<string, unknown>);
    default:
      throw new NotCanonical(`${typeof value} is not JSON`);
  }
}

/** Tells a Date, Map or Buffer from an object: without it they would be recorded as `{}`, whatever they held. */
const tagOf = Object.prototype.toString;

function members(value: Record<string, unknown>): string {
  let out = '';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    out += `${out === '' ? '' : ','}${text(key)}:${canonicalize(member)}`;
  }
  return `{${out}}`;
}

function text(value: string): string {
  if (value.includes('\0')) throw new NotCanonical('string holds NUL');
  if (!value.isWellFormed()) throw new NotCanonical('string holds a lone surrogate');
  return JSON.stringify(value);
}
