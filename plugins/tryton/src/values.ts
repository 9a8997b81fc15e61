/** Tryton's JSON for dates and decimals, turned into plain JSON. */
import type { Json } from '@lethe/plugin-sdk';

const two = (value: Json | undefined) => String(value).padStart(2, '0');

/** YYYY-MM-DD of a Tryton date or datetime; undefined for anything else. */
export function isoDate(value: Json | undefined): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (value['__class__'] !== 'date' && value['__class__'] !== 'datetime') return undefined;
  return `${String(value['year']).padStart(4, '0')}-${two(value['month'])}-${two(value['day'])}`;
}

/** A value as it goes into an access package: ISO date, decimal as text, everything else unchanged. */
export function plainValue(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return isoDate(value) ?? value['decimal'] ?? value;
}

/** A text in which somebody could still be read: neither empty nor the mark of Tryton's erase. */
export const isTelling = (value: Json | undefined): value is string =>
  typeof value === 'string' && value !== '' && value !== '****';

/** Does the text hold one of the values, in whatever case? */
export const names = (text: Json | undefined, needles: string[]): boolean =>
  typeof text === 'string' && needles.some((needle) => standsIn(text, needle));

/** A name counts within a longer word, too; an address within a longer one is somebody else's. */
function standsIn(text: string, needle: string): boolean {
  if (!needle.includes('@')) return text.toLowerCase().includes(needle.toLowerCase());
  const literal = needle.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}][._%+-]*)${literal}(?![.-]*[\\p{L}\\p{N}])`, 'iu').test(text);
}
