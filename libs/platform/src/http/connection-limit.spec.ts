/** The bound of connections leaves descriptors for everything else. */
import { describe, expect, it } from '@jest/globals';
import { connectionsThatFit } from './connection-limit.js';

const limits = (files: string): string =>
  `Limit Soft Limit Hard Limit Units\nMax processes 10 10 processes\nMax open files            ${files}   files\n`;

describe('the bound of connections', () => {
  it.each([
    ['1024                 4096', 768],
    ['1048576              1048576', 10_000],
    ['unlimited            unlimited', 10_000],
  ])('with %s open files is %d', (files, most) => {
    expect(connectionsThatFit(limits(files))).toBe(most);
  });

  it('is the default where the machine says nothing', () => {
    expect(connectionsThatFit('')).toBe(10_000);
    expect(connectionsThatFit()).toBeGreaterThan(10);
  });
});
