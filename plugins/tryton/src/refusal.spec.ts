/** Whatever a record's name holds, a refusal that leaves the connector holds none of it. */
import { describe, expect, it } from '@jest/globals';
import { refusalText } from './refusal.js';

describe('refusalText', () => {
  it.each(['Erik Holm', 'Erik "the shop" Holm', '" while they have pending sales with "', 'O’Hara\nLund', ''])(
    'keeps the vendor’s words and drops the name %j',
    (name) => {
      const told = refusalText(
        `You cannot erase party "${name}" while they have pending sales with company "Example Shop".`,
      );
      expect(told).toBe('You cannot erase the party while they have pending sales.');
    },
  );

  it('repeats nothing of a sentence it does not know', () => {
    const told = refusalText('Carol Jensen (carol@example.test) is blocked by module x');
    expect(told).not.toMatch(/Carol|example/);
  });
});
