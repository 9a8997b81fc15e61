/** Values that do not belong where they are put, and ways to put them there. */
import fc from 'fast-check';
import type { Json, JsonObject } from '#kernel';

/** Nested deeper than any parser should follow. */
function nested(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}

const times = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59-14:00',
  '2026-01-01T00:00:00+23:59',
  '2026-13-40T99:00:00Z',
  '2026-02-29T00:00:00Z',
];
const texts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202e',
  '١',
  "'; DROP TABLE event; --",
  '${7*7}',
  '../../etc/passwd',
  '%00',
  'null',
  '{{x}}',
  '\ufeff',
  '🧨'.repeat(50),
  'A'.repeat(300),
  'B'.repeat(70_000),
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-4FFF-8FFF-FFFFFFFFFFFF',
  'constructor',
  '__proto__',
  'toString',
  'a@b',
  '+00000000',
  'é@exämple.test',
];
const numbers = [-1, 0, -0, 1.5, 1e308, -1e308, 2 ** 31, 2 ** 53, 2 ** 63, 1e-320];

/** A value that does not belong where it is put. */
export const junk: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Json>(...texts) },
  { weight: 2, arbitrary: fc.constantFrom<Json>(...times) },
  { weight: 2, arbitrary: fc.constantFrom<Json>(...numbers) },
  { weight: 2, arbitrary: fc.constantFrom<Json>(null, true, [], {}, [[]], [null], { a: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom(30, 70, 2000).map(nested) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json> },
);

/** Puts something wrong into one place of a value: replaced, removed, added, or repeated a thousand times. */
export function spoil(
  value: Json,
  where: readonly number[],
  how: 'replace' | 'remove' | 'add' | 'repeat',
  what: Json,
  key: string,
): Json {
  const [first = 0, ...rest] = where;
  if (typeof value !== 'object' || value === null || where.length === 0) {
    if (how === 'repeat') return Array.from({ length: 1000 }, () => value);
    return how === 'add' && typeof value === 'object' && value !== null && !Array.isArray(value)
      ? withKey(value, key, what)
      : what;
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return [what];
    return value.map((member, index) =>
      index === first % value.length ? spoil(member, rest, how, what, key) : member,
    );
  }
  const keys = Object.keys(value);
  const chosen = keys[first % Math.max(1, keys.length)];
  if (chosen === undefined || (how === 'add' && rest.length === 0)) return withKey(value, key, what);
  if (how === 'remove' && rest.length === 0)
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== chosen));
  return { ...value, [chosen]: spoil(value[chosen] ?? null, rest, how, what, key) };
}

/** Also `__proto__`, as JSON.parse would make it. */
function withKey(value: JsonObject, key: string, what: Json): Json {
  const copy: JsonObject = { ...value };
  Object.defineProperty(copy, key, { value: what, enumerable: true, configurable: true, writable: true });
  return copy;
}

export const oddKeys = [
  '__proto__',
  'constructor',
  'extra',
  '',
  'tenant',
  'tenantId',
  'a\0b',
  '\ud800',
  'toString',
  'K'.repeat(5000),
];
