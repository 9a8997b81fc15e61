/** What `may` answers when Lethe answers something else than yes or no. */
import { describe, expect, it } from '@jest/globals';
import { createLetheClient } from './client.js';
import { may, type MayOptions } from './may.js';

const ada = { type: 'email', value: 'ada@example.test' };

/** `may`, asked of a Lethe that answers so. */
function asked(status: number, body: object, options: MayOptions = {}): Promise<boolean> {
  const fetch = (): Promise<Response> => Promise.resolve(Response.json(body, { status }));
  return may(createLetheClient({ baseUrl: 'http://127.0.0.1:1', key: 'k', fetch }), ada, 'news', options);
}

describe('may', () => {
  it('is what the check decides', async () => {
    expect(await asked(200, { decision: 'permit' })).toBe(true);
    expect(await asked(200, { decision: 'deny' }, { onUnavailable: 'permit' })).toBe(false);
  });

  it.each([
    [503, 'overloaded'],
    [429, 'rate-limited'],
    [409, 'position-not-reached'],
  ])('is as its caller wants while Lethe cannot answer: %i %s', async (status, code) => {
    expect(await asked(status, { code })).toBe(false);
    expect(await asked(status, { code }, { onUnavailable: 'permit' })).toBe(true);
  });

  it('is as its caller wants when nobody is there', async () => {
    const nobody = createLetheClient({ baseUrl: 'http://127.0.0.1:1', key: 'k' });
    expect(await may(nobody, ada, 'news')).toBe(false);
    expect(await may(nobody, ada, 'news', { onUnavailable: 'permit' })).toBe(true);
  });

  it.each([
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [422, 'purpose-unknown'],
  ])('never permits for a question that is wrong, and says so: %i %s', async (status, code) => {
    await expect(asked(status, { code }, { onUnavailable: 'permit' })).rejects.toMatchObject({ status, code });
  });

  it('is no for an identifier of several people', async () => {
    expect(await asked(409, { code: 'subject-ambiguous' }, { onUnavailable: 'permit' })).toBe(false);
  });
});
