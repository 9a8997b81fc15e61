/** Idle work is begun only by who may end it. */
import { describe, expect, it } from '@jest/globals';
import { mayEndIdle } from './idle-start.js';

const NICE = 10;

describe('who may end idle work', () => {
  const rights = (hex: string): string => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${hex}\n`;
  const limit = (soft: string): string =>
    `Limit  Soft Limit  Hard Limit  Units\nMax nice priority         ${soft}   0\n`;
  it.each([
    ['root', rights('000001ffffffffff'), limit('0'), true, true],
    ['root of a container without the right', rights('00000000a80425fb'), limit('0'), true, false],
    [
      'the same with a limit, which does not count for the processes of others',
      rights('00000000a80425fb'),
      limit('10'),
      true,
      false,
    ],
    ['a user', rights('0000000000000000'), limit('0'), false, false],
    ['a user with the limit of the unit', rights('0000000000000000'), limit('10'), false, true],
    ['a user with a smaller one', rights('0000000000000000'), limit('9'), false, false],
    ['a user without any limit', rights('0000000000000000'), limit('unlimited'), false, true],
    ['a user with the right alone', rights('0000000000800000'), limit('0'), false, true],
    ['nobody outside Linux', '', '', false, false],
  ])('%s', (_, status, limits, root, may) => {
    expect(mayEndIdle(NICE, { status, limits, root })).toBe(may);
  });
});
