/** Reads a request body: strict UTF-8, JSON, bounded depth, and nothing that PostgreSQL or a prototype could choke on. */
import { DomainError } from '#kernel';

/** Deeper bodies overflow the stack of whatever walks them; no route needs more. */
const MAX_DEPTH = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The value of a JSON body; undefined for an empty one. Errors: 400 `bad-request`, 400 `body-too-deep`, 422 `value-not-storable`. */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const value = read(bytes);
  const open: [unknown, number][] = [[value, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [item, depth] = next;
    if (typeof item === 'string') assertText(item);
    if (typeof item !== 'object' || item === null) continue;
    if (depth > MAX_DEPTH)
      throw new DomainError(400, 'body-too-deep', `The body nests more than ${MAX_DEPTH} levels. Send a flatter one.`);
    if (Array.isArray(item)) for (const member of item) open.push([member, depth + 1]);
    else
      for (const [key, member] of Object.entries(item)) {
        assertKey(key, member);
        open.push([member, depth + 1]);
      }
  }
  return value;
}

function read(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch {
    throw unreadable();
  }
}

function assertText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw new DomainError(422, 'value-not-storable', 'Text holds a NUL or a lone surrogate. Remove it.');
}

/** `__proto__` and `constructor.prototype` are names no route has, and merging them into an object would poison others. */
function assertKey(key: string, member: unknown): void {
  assertText(key);
  const poisons =
    key === '__proto__' ||
    (key === 'constructor' && typeof member === 'object' && member !== null && Object.hasOwn(member, 'prototype'));
  if (poisons) throw unreadable();
}

function unreadable(): DomainError {
  return new DomainError(400, 'bad-request', 'The body is not readable JSON in UTF-8. Check its syntax.');
}
