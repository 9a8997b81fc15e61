/** Normalisation: two spellings of one mailbox or number meet, and nothing hostile gets through. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { keyOf, normalise, normaliseAll } from './identifier.js';

describe('an identifier', () => {
  it.each([
    ['email', '  Ada.Lovelace@Example.TEST ', 'ada.lovelace@example.test'],
    ['email', 'ada+news@example.test', 'ada+news@example.test'],
    ['email', 'ada@mu\u0308nchen.example', 'ada@xn--mnchen-3ya.example'],
    ['email', 'ada@M\u00fcnchen.example', 'ada@xn--mnchen-3ya.example'],
    ['email', 'ZOE\u0308@example.test', 'zo\u00eb@example.test'],
    ['phone', '+49 (0)30 123456-7', '+49301234567'],
    ['phone', '0049 30 1234567', '+49301234567'],
    ['phone', 'tel:+1-202-555-0123', '+12025550123'],
    ['phone', '\uff0b49\u00a030\u20111234567', '+49301234567'],
    ['customerId', ' AbC-0012 ', 'AbC-0012'],
    ['customerId', 'e\u0301', '\u00e9'],
  ])('of type %s: %j is %j', (type, value, normal) => {
    expect(normalise({ type, value })).toMatchObject({ type, value: normal });
  });

  it('keeps the spelling that was given, where it differs', () => {
    expect(normalise({ type: 'email', value: ' Ada@example.test' })).toEqual({
      type: 'email',
      value: 'ada@example.test',
      given: 'Ada@example.test',
    });
    expect(normalise({ type: 'email', value: 'ada@example.test' })).toEqual({
      type: 'email',
      value: 'ada@example.test',
    });
  });

  it.each([
    ['email', 'ada', 'email-invalid'],
    ['email', '@example.test', 'email-invalid'],
    ['email', 'a@b@example.test', 'email-invalid'],
    ['email', 'ada..l@example.test', 'email-invalid'],
    ['email', 'ada l@example.test', 'email-invalid'],
    ['email', 'ada@localhost', 'email-invalid'],
    ['email', 'ada@-x.test', 'email-invalid'],
    ['email', `${'a'.repeat(65)}@example.test`, 'email-invalid'],
    ['email', `${'a'.repeat(64)}@${'b.'.repeat(130)}test`, 'value-too-long'],
    ['email', 'a'.repeat(10_240), 'value-too-long'],
    ['email', 'ada\0@example.test', 'value-hidden-characters'],
    ['email', 'ada\ud800@example.test', 'value-not-text'],
    ['email', 'ada\u200b@example.test', 'value-hidden-characters'],
    ['email', '\u202eada@example.test', 'value-hidden-characters'],
    ['phone', '030 1234567', 'phone-not-international'],
    ['phone', '+49 30', 'phone-invalid'],
    ['phone', '+49301234567890123', 'phone-invalid'],
    ['phone', '+49 30 1234567 ext. 5', 'phone-invalid'],
    ['customerId', '   ', 'value-empty'],
    ['customerId', 'x'.repeat(257), 'value-too-long'],
    ['Customer|Id', 'x', 'type-invalid'],
    ['', 'x', 'type-invalid'],
  ])('of type %s: %j is refused as %s', (type, value, code) => {
    expect(normalise({ type, value })).toBe(code);
  });

  it('is its own normal form, whatever was sent', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.emailAddress(),
    );
    fc.assert(
      fc.property(fc.constantFrom('email', 'phone', 'customerId'), text, (type, value) => {
        const once = normalise({ type, value });
        if (typeof once === 'string') return;
        expect(normalise({ type, value: once.value })).toEqual({ type, value: once.value });
        expect(normalise({ type, value: ` ${value} ` })).toEqual(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('shares its key with no other', () => {
    expect(keyOf({ type: 'a', value: 'b|c' })).not.toBe(keyOf({ type: 'ab', value: '|c' }));
    // The only pair that would: a type with a bar, which is no type.
    expect(normalise({ type: 'a|b', value: 'c' })).toBe('type-invalid');
  });
});

describe('a list of identifiers', () => {
  it('loses repeats and keeps places', () => {
    const list = [
      { type: 'email', value: 'A@example.test' },
      { type: 'email', value: 'a@EXAMPLE.test' },
      { type: 'customerId', value: '7' },
    ];
    expect(normaliseAll(list).map(({ value, index }) => [value, index])).toEqual([
      ['a@example.test', 0],
      ['7', 2],
    ]);
  });

  it('is refused with where and why, never with what', () => {
    const list = [
      { type: 'email', value: 'ok@example.test' },
      { type: 'email', value: 'Secret Person' },
      { type: '?', value: 'x' },
    ];
    let refusal: unknown;
    try {
      normaliseAll(list, '/items/3/subject/identifiers');
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      status: 422,
      code: 'identifier-invalid',
      details: {
        errors: [
          { pointer: '/items/3/subject/identifiers/1/value', code: 'email-invalid' },
          { pointer: '/items/3/subject/identifiers/2/type', code: 'type-invalid' },
        ],
      },
    });
    expect(JSON.stringify(refusal)).not.toContain('Secret');
    expect(() => normaliseAll([])).toThrow();
    expect(() => normaliseAll(Array.from({ length: 21 }, (_, index) => ({ type: 'x', value: `${index}` })))).toThrow();
  });

  it('says how a telephone number is written, since a national one is another line in every country', () => {
    const national = (): unknown => normaliseAll([{ type: 'phone', value: '030 1234567' }]);
    expect(national).toThrow(expect.objectContaining({ message: expect.stringContaining('with + and its country') }));
  });
});
