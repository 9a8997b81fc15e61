/** Who objected or was erased and comes back with an old list is no stranger: the check keeps what was promised (GDPR 17, 21(3)). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { StopPurposes } from '#consent';
import { approveByTwo, byEmail, closed, openProven, planOf, type Identifier } from '../support/connected-systems.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

const YEAR = 366 * 86_400_000;
const LONG_AGO = '2026-05-01T00:00:00Z';

describe('somebody who comes back by an import', () => {
  let lethe: TestServer;

  /** What the old list brings: a registration of long ago, dated as it was. */
  const record = (who: Identifier[], decisions: object[], more: object = {}): Promise<TestAnswer> =>
    lethe.post(
      '/v1/consents',
      {
        ...{ subject: { identifiers: who }, decisions, notice: { id: 'n', version: '1' }, method: 'import' },
        ...{ collectedAt: LONG_AGO, evidence: {}, origin: 'import', ...more },
      },
      { as: 'system' },
    );
  const given = (purpose: string): object => ({ purpose, decision: 'given' });
  const live = (): object => ({ origin: 'live', method: 'form', collectedAt: lethe.clock.now().toISOString() });
  const imported = async (who: Identifier[], ...purposes: string[]): Promise<void> => {
    expect((await record(who, purposes.map(given))).status).toBe(201);
  };
  const object = async (who: Identifier, purpose: string, type = 'objection'): Promise<void> => {
    const about = { type, regimes: ['eu-gdpr'], channel: 'mail', purposes: [purpose] };
    const { body } = await lethe.post('/v1/requests', { ...about, subject: { identifiers: [who] } });
    expect(body.status).toBe('closed');
  };
  const erase = async (who: Identifier): Promise<string> => {
    const id = await openProven(lethe, 'erasure', [who]);
    await approveByTwo(lethe, id, (await planOf(lethe, id)).hash);
    await closed(lethe, id);
    lethe.clock.advance(60_000);
    return id;
  };
  /** Decision and reason, as somebody sees them who may learn why. */
  const check = async (who: Identifier, purpose: string, more: object = {}): Promise<string> => {
    const { body } = await lethe.post('/v1/consents/check', { subject: { identifiers: [who] }, purpose, ...more });
    return `${body.decision} ${body.reason}`;
  };

  beforeAll(async () => {
    lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
    for (const [id, legalBasis, model] of [
      ['marketing', 'legitimate-interest', 'opt-in'],
      ['fraud', 'legitimate-interest', 'opt-in'],
      ['selling', 'consent', 'opt-out'],
      ['news', 'consent', 'opt-in'],
      ['parcels', 'contract', 'opt-in'],
    ])
      await lethe.put(`/v1/purposes/${id}`, { name: id, legalBasis, model }, { as: 'admin' });
    const purposes = ['marketing', 'fraud', 'selling', 'news'];
    await lethe.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'x', purposes });
  }, 60_000);
  afterAll(() => lethe.close());

  it('is a stranger when nothing was promised (control)', async () => {
    const bob = byEmail('bob@example.test');
    await imported([bob], 'news', 'marketing');
    for (const purpose of ['marketing', 'fraud', 'selling', 'news', 'parcels'])
      expect([purpose, await check(bob, purpose)]).toEqual([purpose, expect.stringContaining('permit')]);
  });

  it('is not mailed after an objection and an erasure, until she says so herself', async () => {
    const ada = byEmail('ada@example.test');
    await imported([ada], 'news', 'marketing');
    await object(ada, 'marketing');
    await erase(ada);
    await imported([ada], 'news', 'marketing');
    expect(await check(ada, 'marketing')).toBe('deny suppressed');
    // The old yes went with her; whoever brings it back brings no new one.
    expect(await check(ada, 'news')).toBe('deny suppressed');
    // Nothing was promised about these.
    expect([await check(ada, 'fraud'), await check(ada, 'parcels')]).toEqual([
      'permit legitimate-interest',
      'permit contract',
    ]);
    // What was known before the objection is answered as it was known then.
    expect(await check(ada, 'marketing', { at: LONG_AGO })).toBe('permit legitimate-interest');
    const { body } = await record([ada], [given('marketing'), given('news')], live());
    for (const purpose of ['marketing', 'news'])
      expect(await check(ada, purpose, { atLeast: body.token })).toContain('permit');
  });

  it('is not mailed after an objection that a system reported, nor sold after an opt-out; and she is told', async () => {
    const eva = byEmail('eva@example.test');
    await record(
      [eva],
      ['marketing', 'selling'].map((purpose) => ({ purpose, decision: 'withdrawn' })),
      live(),
    );
    const request = await erase(eva);
    await imported([eva], 'news');
    expect(await check(eva, 'marketing')).toBe('deny suppressed');
    expect(await check(eva, 'selling')).toBe('deny suppressed');
    expect(await check(eva, 'fraud')).toBe('permit legitimate-interest');
    const { rows } = await lethe.superuser.query(
      `SELECT bytes::json->'data' AS data FROM event WHERE type = 'SuppressionRecorded.v1' AND stream = $1 ORDER BY position`,
      [`request/${request}`],
    );
    expect(rows.at(-1)?.data).toMatchObject({ count: 2, until: expect.stringMatching(/^2036-/) });
  });

  it('is known again the moment her address is added to somebody whom the check knew already', async () => {
    const fay = byEmail('fay@example.test');
    const card = { type: 'card', value: '4711' };
    await object(fay, 'marketing');
    await erase(fay);
    await imported([card], 'news');
    expect(await check(card, 'marketing')).toBe('permit legitimate-interest');
    const linking = await lethe.post('/v1/consents', {
      ...{ subject: { identifiers: [card, fay] }, decisions: [{ purpose: 'news', decision: 'refused' }] },
      ...{ notice: { id: 'n', version: '1' }, method: 'form', collectedAt: lethe.clock.now().toISOString() },
      evidence: {},
    });
    expect([linking.status, linking.body.unlinked]).toEqual([201, undefined]);
    expect(await check(card, 'marketing', { atLeast: linking.body.token })).toBe('deny suppressed');
  });

  it('keeps the yes that came after an objection, though the objection is carried out again after a crash', async () => {
    const hal = byEmail('hal@example.test');
    const { subjectId } = (await record([hal], [given('news')], live())).body;
    lethe.clock.advance(60_000);
    const call = {
      ...{
        tenant: lethe.tenant.tenant.id,
        actorRef: 'system:requests',
        subject: subjectId,
        type: 'objection' as const,
      },
      ...{ purposes: ['marketing'], receivedAt: lethe.clock.now(), requestId: randomUUID() },
    };
    const stops = lethe.server.app.get(StopPurposes);
    expect(await stops.stop(call)).toEqual({ stopped: 1, purposes: ['marketing'] });
    expect(await check(hal, 'marketing')).toBe('deny objected');
    lethe.clock.advance(60_000);
    await record([hal], [given('marketing')], live());
    expect(await stops.stop(call)).toEqual({ stopped: 1, purposes: ['marketing'] });
    expect(await check(hal, 'marketing')).toBe('permit legitimate-interest');
    // Another objection is another one.
    await stops.stop({ ...call, requestId: randomUUID(), receivedAt: lethe.clock.now() });
    expect(await check(hal, 'marketing')).toBe('deny objected');
  });

  it('is nobody by the id she had, since the erasure, however the question is put', async () => {
    const gil = byEmail('gil@example.test');
    const { subjectId } = (await record([gil], [given('news')], live())).body;
    lethe.clock.advance(60_000);
    const known = lethe.clock.now().toISOString();
    const old = async (more: object = {}): Promise<string> => {
      const { body } = await lethe.post('/v1/consents/check', { subjectId, purpose: 'news', ...more });
      return `${body.decision} ${body.reason}`;
    };
    expect(await old()).toBe('permit consent-given');
    lethe.clock.advance(60_000);
    await erase(gil);
    const now = lethe.clock.now().toISOString();
    const later = new Date(Date.parse(now) + 60_000).toISOString();
    for (const more of [{}, { at: now }, { at: later }, { asOf: now }, { at: later, asOf: later }])
      expect([more, await old(more)]).toEqual([more, 'deny unknown']);
    // What was right then stays right: an access of that day is judged by it.
    for (const more of [{ at: known }, { asOf: known }])
      expect([more, await old(more)]).toEqual([more, 'permit consent-given']);
  });

  it('is a stranger again when the mark has ended', async () => {
    const eva = byEmail('eva@example.test');
    lethe.clock.advance(9 * YEAR);
    expect(await check(eva, 'marketing')).toBe('deny suppressed');
    lethe.clock.advance(2 * YEAR);
    expect(await check(eva, 'marketing')).toBe('permit legitimate-interest');
  });
});
