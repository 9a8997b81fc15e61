/** An objection to marketing outlives the person's erasure: an old list that comes back brings her no mail (GDPR 21(3)). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveByTwo, byEmail, closed, openProven, planOf } from '../support/connected-systems.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

const YEAR = 366 * 86_400_000;

describe('an objection to marketing', () => {
  let lethe: TestServer;
  const ada = byEmail('ada@example.test');
  const old = '2026-10-01T00:00:00Z';

  const object = (email: string, type = 'objection'): Promise<TestAnswer> =>
    lethe.post('/v1/requests', {
      ...{ type, regimes: ['eu-gdpr'], channel: 'mail', purposes: [type === 'objection' ? 'marketing' : 'news'] },
      subject: { identifiers: [byEmail(email)] },
    });
  /** What an import asks before it writes. */
  const keptOut = async (email: string, purpose: string, dataFrom = old): Promise<boolean> => {
    const items = [{ identifier: byEmail(email), purpose, dataFrom }];
    const { status, body } = await lethe.post('/v1/suppressions/check', { items }, { as: 'system' });
    expect(status).toBe(200);
    return body.items[0].suppressed;
  };
  const decision = async (purpose: string): Promise<string> => {
    const subject = { identifiers: [ada] };
    return (await lethe.post('/v1/consents/check', { subject, purpose }, { as: 'system' })).body.decision;
  };

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
    for (const [id, legalBasis] of [
      ['marketing', 'legitimate-interest'],
      ['parcels', 'contract'],
      ['news', 'consent'],
    ])
      await lethe.put(`/v1/purposes/${id}`, { name: id, legalBasis, model: 'opt-out' }, { as: 'admin' });
    await lethe.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'x', purposes: ['news'] });
    const given = {
      ...{ subject: { identifiers: [ada] }, decisions: [{ purpose: 'news', decision: 'given' }], method: 'form' },
      ...{ notice: { id: 'n', version: '1' }, collectedAt: old, evidence: {} },
    };
    expect((await lethe.post('/v1/consents', given, { as: 'system' })).status).toBe(201);
  }, 60_000);
  afterAll(() => lethe.close());

  it('stops marketing and keeps her out of lists for it, and for nothing else', async () => {
    expect([await decision('marketing'), await keptOut(ada.value, 'marketing')]).toEqual(['permit', false]);
    const { status, body } = await object(ada.value);
    expect([status, body.status]).toEqual([201, 'closed']);
    expect([await decision('marketing'), await decision('parcels')]).toEqual(['deny', 'permit']);
    expect(await keptOut(ada.value, 'marketing')).toBe(true);
    for (const purpose of ['parcels', 'news'])
      expect([purpose, await keptOut(ada.value, purpose)]).toEqual([purpose, false]);
    expect(await keptOut('bob@example.test', 'marketing')).toBe(false);
    // What she gives herself afterwards is hers to give.
    expect(await keptOut(ada.value, 'marketing', '2026-11-03T00:00:00Z')).toBe(false);
  });

  it('stays effective when she was erased and a list brings her back', async () => {
    const id = await openProven(lethe, 'erasure', [ada]);
    await approveByTwo(lethe, id, (await planOf(lethe, id)).hash);
    await closed(lethe, id);
    const found = await lethe.post('/v1/subjects/lookup', { identifiers: [ada] });
    expect(found.body.items).toEqual([]);
    expect(await keptOut('ADA@example.test', 'marketing')).toBe(true);
    expect(await keptOut(ada.value, 'parcels')).toBe(false);
  });

  it('is remembered of somebody whom nobody here knows', async () => {
    expect((await object('nobody@example.test')).body.status).toBe('closed');
    expect(await keptOut('nobody@example.test', 'marketing')).toBe(true);
  });

  it('leaves no mark when a consent is taken back: without one nobody may be mailed anyway', async () => {
    expect((await object('cleo@example.test', 'withdrawal')).body.status).toBe('closed');
    expect(await keptOut('cleo@example.test', 'news')).toBe(false);
  });

  it('is one fact with its end, and the mark ends then', async () => {
    const { rows } = await lethe.superuser.query(
      `SELECT bytes::json->'data' AS data FROM event WHERE type = 'SuppressionRecorded.v1' ORDER BY position`,
    );
    expect(rows[0].data).toMatchObject({ count: 1, until: expect.stringMatching(/^2036-/) });
    lethe.clock.advance(9 * YEAR);
    expect(await keptOut(ada.value, 'marketing')).toBe(true);
    lethe.clock.advance(2 * YEAR);
    expect(await keptOut(ada.value, 'marketing')).toBe(false);
  });
});
