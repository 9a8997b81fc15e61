/** RFC 8785: the examples of its sections 3.2.2 and 3.2.3, and what is refused. */
import { describe, expect, it } from '@jest/globals';
import { canonicalize, NotCanonical } from './index.js';

describe('canonical JSON', () => {
  it('writes the example of RFC 8785 section 3.2.2', () => {
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalize(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts keys by UTF-16 code units (section 3.2.3)', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    const order = [...canonicalize(value).matchAll(/:(\d)/g)].map((match) => match[1]);
    expect(order).toEqual(['2', '4', '6', '7', '1', '5', '3']);
  });

  it.each([
    ['NUL', 'a\0b'],
    ['lone surrogate', '\ud800'],
    ['not a number', NaN],
    ['a date', new Date(0)],
    ['a map', new Map([['a', 1]])],
    ['bytes', Buffer.from('a')],
    ['a hole in a list', Array(2)],
    ['function', () => 1],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalize({ value })).toThrow(NotCanonical);
  });
});
