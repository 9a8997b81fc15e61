/** Values of identifiers: how they are folded, which never lead to anybody, and which a column can hold at all. */
import type { Identifier } from '@lethe/plugin-sdk';
import type { Column } from './dialect.js';
import { foldPhone, phoneForms, type NationalPhones } from './phone-numbers.js';
import type { Normalise } from './table-map.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const INTEGER = /^(0|-?[1-9]\d{0,18})$/;
const INT64 = 2n ** 63n;

/** Brings a value into the form in which two values are compared. `national`: of the system that holds it. */
export function fold(value: string, how: Normalise, national?: NationalPhones): string {
  if (how === 'phone') return foldPhone(value, national);
  if (how === 'lower') return value.toLowerCase();
  if (how === 'digits') return value.replace(/\D/g, '');
  return value;
}

/** Placeholders (`''`, `0`, guests) never lead to a person: one `customer_id = 0` would be everybody. */
export function isPlaceholder(value: string | null | undefined, ignored: readonly string[]): boolean {
  const text = value?.trim() ?? '';
  return text === '' || text === '00000000-0000-0000-0000-000000000000' || ignored.includes(text);
}

/**
 * The forms of a value to send to the database for this column: none when the column cannot hold it (then it is
 * nobody's), so that a hostile value never becomes a conversion error.
 */
export function comparable(value: string, column: Column, how: Normalise, national?: NationalPhones): string[] {
  // NUL and lone surrogates are not text in any database we speak to.
  if (value.includes('\0') || /\p{Surrogate}/u.test(value)) return [];
  if (how === 'phone') return phoneForms(value, national);
  if (how === 'digits') return fold(value, how) === '' ? [] : [fold(value, how)];
  switch (column.family) {
    case 'integer':
      return INTEGER.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value) && BigInt(value) < INT64
        ? [value]
        : [];
    case 'uuid':
      return UUID.test(value) ? [value.toLowerCase()] : [];
    case 'temporal':
    case 'text':
    case 'other':
      // lower() of a C-collated database folds ASCII only; both cases are sent so that it does not matter.
      return how === 'lower' ? [...new Set([value, value.toLowerCase(), value.toUpperCase()])] : [value];
  }
}

/** Name of an identifier in sets and maps. */
export function identifierName(id: Identifier): string {
  return `${id.type}\u0000${id.value}`;
}
