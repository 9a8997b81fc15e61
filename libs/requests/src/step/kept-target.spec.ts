/** What stays until a day goes then as its table map says, and never takes away what others have a part in. */
import { expect, it } from '@jest/globals';
import { actionAfter } from './kept-target.js';

it.each([
  ['erase', undefined, 'erase'],
  ['erase', 'others', 'detach'],
  ['erase', 'unknown', 'detach'],
  ['strip', 'others', 'detach'],
  ['retain', undefined, 'erase'],
  ['anonymise', 'others', 'anonymise'],
  ['detach', undefined, 'detach'],
] as const)('mapped as %s and shared with %s: %s', (action, sharedWith, expected) => {
  expect(actionAfter(sharedWith === undefined ? {} : { sharedWith }, { action })).toBe(expected);
});
