/** Cursors of lists: authenticated, and bound to tenant, principal and filter, so that none is worth anything elsewhere. */
import { timingSafeEqual } from 'node:crypto';
import { canonicalize, DomainError } from '#kernel';
import type { Caller } from '../access/caller.js';
import type { KeyProvider } from '../keys/key-provider.js';

/** `next` of a page: where the next one begins. `filter` is the search without its cursor and limit. */
export function sealCursor(keys: KeyProvider, by: Caller, list: string, filter: object, place: string[]): string {
  const text = JSON.stringify(place);
  return `${Buffer.from(text).toString('base64url')}.${tag(keys, by, list, filter, text).toString('base64url')}`;
}

/** The place a cursor stands for. Throws 400 `cursor-invalid` for one that was not given to this caller for this filter. */
export function openCursor(keys: KeyProvider, by: Caller, list: string, filter: object, cursor: string): string[] {
  const [body = '', given = ''] = cursor.split('.');
  const text = Buffer.from(body, 'base64url').toString('utf8');
  const expected = tag(keys, by, list, filter, text);
  const sent = Buffer.from(given, 'base64url');
  if (sent.length === expected.length && timingSafeEqual(sent, expected)) return JSON.parse(text) as string[];
  throw new DomainError(400, 'cursor-invalid', 'The cursor does not belong to this search. Begin again without one.');
}

function tag(keys: KeyProvider, by: Caller, list: string, filter: object, text: string): Buffer {
  const { kind, id } = by.principal;
  return keys.mac(by.tenant, 'cursor', canonicalize([list, kind, id, canonicalize(filter), text]));
}
