/** Whom only requests made known is forgotten with the last of their files; whoever anything else knows is not. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { byEmail, closed } from '../support/connected-systems.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

describe('when the files of all requests have ended', () => {
  let lethe: TestServer;
  const people = ['stranger', 'customer', 'objector', 'reported'] as const;
  const subject = (name: string) => ({ identifiers: [byEmail(`${name}@example.test`)] });

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
    for (const [id, legalBasis] of [
      ['marketing', 'legitimate-interest'],
      ['news', 'consent'],
    ])
      await lethe.put(`/v1/purposes/${id}`, { name: id, legalBasis, model: 'opt-out' }, { as: 'admin' });
    await lethe.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'x', purposes: ['news'] });
  }, 60_000);
  afterAll(() => lethe.close());

  const request = async (name: string, type = 'access'): Promise<string> => {
    const body = { type, regimes: ['eu-gdpr'], channel: 'mail', subject: subject(name) };
    const { status, body: answer } = await lethe.post('/v1/requests', body);
    expect(status).toBe(201);
    return answer.id;
  };
  const isKnown = async (name: string): Promise<boolean> =>
    (await lethe.post('/v1/subjects/lookup', subject(name))).body.items.length > 0;
  // Not asked of the API, which does not answer as many lookups as somebody who waits would make.
  const facts = async (type: string): Promise<number> =>
    (await lethe.superuser.query('SELECT count(*)::int AS n FROM event WHERE type = $1', [type])).rows[0].n;

  it('the stranger is nobody again, and the others are who they were', async () => {
    for (const name of people) {
      const id = await request(name, name === 'objector' ? 'objection' : 'access');
      if (name !== 'objector') await lethe.post(`/v1/requests/${id}/withdraw`, { reason: 'It was somebody else.' });
      await closed(lethe, id);
    }
    const consent = {
      ...{ subject: subject('customer'), decisions: [{ purpose: 'news', decision: 'given' }], method: 'form' },
      ...{ notice: { id: 'n', version: '1' }, collectedAt: '2026-11-02T09:00:00Z', evidence: {} },
    };
    expect((await lethe.post('/v1/consents', consent, { as: 'system' })).status).toBe(201);
    const access = {
      ...{ id: 'e1', actor: { type: 'user', id: 'u1' }, subject: subject('reported'), action: 'read' },
      ...{ resource: 'customer', fields: ['email'], purpose: 'support', at: '2026-11-02T09:00:00Z' },
    };
    const told = await lethe.post('/v1/access-log/entries', { entries: [access] }, { as: 'system' });
    expect(told.body.accepted).toBe(1);
    expect(await Promise.all(people.map(isKnown))).toEqual([true, true, true, true]);

    lethe.clock.set(new Date('2030-01-01T09:00:00Z'));
    await until('the files have ended', async () => (await facts('CaseFileEnded.v1')) === people.length);
    await until('the stranger is forgotten', async () => (await facts('IdentityErased.v1')) > 0);
    lethe.clock.advance(86_400_000);
    expect(await Promise.all(people.map(isKnown))).toEqual([false, true, true, true]);
    // Who comes back is somebody new.
    await request('stranger');
    expect(await isKnown('stranger')).toBe(true);
  });
});
