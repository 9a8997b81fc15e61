/** A call that nobody waits for any more is not sent again. */
import { describe, expect, it } from '@jest/globals';
import { repeated } from './repeated.js';

describe('a repeated call', () => {
  it('ends with the signal, and not with five more attempts', async () => {
    const lost = new AbortController();
    let calls = 0;
    const call = async (): Promise<{ data?: unknown }> => {
      calls += 1;
      lost.abort(new Error('lease lost'));
      throw new TypeError('no answer');
    };
    await expect(repeated(call, lost.signal)).rejects.toThrow('lease lost');
    expect(calls).toBe(1);
  });
});
