/** In which texts somebody can still be read. */
import { describe, expect, it } from '@jest/globals';
import { names } from './values.js';

describe('a text names a person', () => {
  it.each([
    'Write to Ada@Example.test.',
    '<ada@example.test>',
    '-ada@example.test',
    'fada@example.test ada@example.test',
  ])('by her address: %s', (text) => expect(names(text, ['ada@example.test'])).toBe(true));

  it.each(['fada@example.test', 'x.ada@example.test', 'ada@example.test.example', 'ada@example.testing'])(
    'not by an address that contains hers: %s',
    (text) => expect(names(text, ['ada@example.test'])).toBe(false),
  );

  it('by an address with a hyphen', () =>
    expect(names('anna-lena@example.test', ['anna-lena@example.test'])).toBe(true));

  it('by her name, also within a longer word', () => {
    expect(names('Frau Feldmanns Rechnung', ['Feldmann'])).toBe(true);
    expect(names('nobody', ['Feldmann'])).toBe(false);
  });
});
