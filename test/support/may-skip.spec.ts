import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isSkipped } from './may-skip.js';

describe('what a machine lacks', () => {
  const { env } = process;
  beforeEach(() => void (process.env = { ...env }));
  afterEach(() => void (process.env = env));
  const set = (long: string, maySkip: string): void =>
    void Object.assign(process.env, { LETHE_TEST_LONG: long, LETHE_TEST_MAY_SKIP: maySkip });

  it('is skipped in the short form, and in the long one by permission', () => {
    for (const [long, maySkip] of [
      ['', ''],
      ['1', '1'],
    ] as const) {
      set(long, maySkip);
      expect(isSkipped('a test of this', 'nothing is lacking')).toBe(true);
    }
  });

  it('fails the long form', () => {
    set('1', '');
    expect(() => isSkipped('a full disk', 'there is no mount')).toThrow('a full disk cannot be tested: there is no');
  });

  it('is nothing where nothing is lacking', () => {
    set('1', '');
    expect(isSkipped('a full disk', undefined)).toBe(false);
  });
});
