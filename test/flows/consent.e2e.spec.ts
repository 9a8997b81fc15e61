/** A consent: given, checked, withdrawn; refusals are kept, repeats have one effect, and nobody is permitted after a stop. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseVkey, verifyTlogProof } from '#ledger';
import { startTestServer, type TestServer } from '../support/test-server.js';

describe('a consent', () => {
  let lethe: TestServer;
  const person = (email: string): object => ({ identifiers: [{ type: 'email', value: email }] });
  const decide = (email: string, decision: string, more: object = {}): object => ({
    subject: person(email),
    decisions: [{ purpose: 'newsletter', decision }],
    notice: { id: 'signup', version: '1' },
    method: 'web form',
    collectedAt: lethe.clock.now().toISOString(),
    evidence: { page: '/landing' },
    ...more,
  });
  const check = async (
    email: string,
    more: object = {},
  ): Promise<{ decision: string; reason: string; state: string }> =>
    (
      await lethe.post(
        '/v1/consents/check',
        { subject: person(email), purpose: 'newsletter', ...more },
        { as: 'system' },
      )
    ).body;

  beforeAll(async () => {
    lethe = await startTestServer();
    for (const [id, legalBasis, more] of [
      ['newsletter', 'consent', { validity: 'P2Y', channels: ['email', 'sms'] }],
      ['parcels', 'contract', {}],
      ['profiling', 'legitimate-interest', {}],
    ] as const) {
      const put = await lethe.put(
        `/v1/purposes/${id}`,
        { name: id, legalBasis, model: 'opt-in', ...more },
        { as: 'admin' },
      );
      expect(put.status).toBe(200);
    }
    const notice = {
      id: 'signup',
      version: '1',
      language: 'en',
      text: 'We send news.',
      purposes: ['newsletter', 'profiling', 'parcels'],
    };
    expect((await lethe.post('/v1/notices', notice, { as: 'officer' })).status).toBe(201);
  });
  afterAll(() => lethe.close());

  it('of somebody unknown is denied, and an unknown purpose is an error', async () => {
    expect(await check('nobody@example.test')).toMatchObject({ decision: 'deny', reason: 'unknown' });
    const unknown = await lethe.post(
      '/v1/consents/check',
      { subject: person('a@example.test'), purpose: 'nothing' },
      { as: 'system' },
    );
    expect([unknown.status, unknown.body.code]).toEqual([422, 'purpose-unknown']);
  });

  it('permits once given, denies once withdrawn, and knows refusal from never asked', async () => {
    const given = await lethe.post('/v1/consents', decide('ada@example.test', 'given'), { as: 'system' });
    expect(given.status).toBe(201);
    expect(await check('Ada@Example.test', { atLeast: given.body.token })).toMatchObject({
      decision: 'permit',
      reason: 'consent-given',
      state: 'given',
    });
    lethe.clock.advance(1000);
    const withdrawn = await lethe.post('/v1/consents', decide('ada@example.test', 'withdrawn'), { as: 'system' });
    expect(await check('ada@example.test', { atLeast: withdrawn.body.token })).toMatchObject({
      decision: 'deny',
      reason: 'consent-withdrawn',
    });
    await lethe.post('/v1/consents', decide('bob@example.test', 'refused'), { as: 'system' });
    expect(await check('bob@example.test')).toMatchObject({ decision: 'deny', state: 'refused' });
    const history = await lethe.get(`/v1/subjects/${given.body.subjectId}/consents/history`);
    expect(history.body.items.map((item: { decision: string }) => item.decision)).toEqual(['given', 'withdrawn']);
  });

  it('for one channel is told for that channel, and never as if nobody had asked', async () => {
    const say = async (...decisions: object[]): Promise<string> =>
      (await lethe.post('/v1/consents', decide('kim@example.test', '', { decisions }), { as: 'system' })).body
        .subjectId;
    const told = async (subject: string): Promise<unknown[]> =>
      (await lethe.get(`/v1/subjects/${subject}/consents`)).body.items.map(
        ({ purpose, channel, state }: Record<string, string | null>) => [purpose, channel, state],
      );
    const kim = await say({ purpose: 'newsletter', decision: 'given', channel: 'email' });
    expect(await told(kim)).toEqual([['newsletter', 'email', 'given']]);
    await say({ purpose: 'newsletter', decision: 'refused', channel: 'sms' });
    lethe.clock.advance(1000);
    await say({ purpose: 'profiling', decision: 'withdrawn' }, { purpose: 'newsletter', decision: 'given' });
    expect(await told(kim)).toEqual([
      ['newsletter', null, 'given'],
      ['newsletter', 'email', 'given'],
      ['newsletter', 'sms', 'given'],
      ['profiling', null, 'withdrawn'],
    ]);
  });

  it('cannot be revived by a slow clock or an older import', async () => {
    await lethe.post('/v1/consents', decide('slow@example.test', 'given'), { as: 'system' });
    const slow = new Date(lethe.clock.now().getTime() - 3_600_000).toISOString();
    await lethe.post('/v1/consents', decide('slow@example.test', 'withdrawn', { collectedAt: slow }), { as: 'system' });
    expect(await check('slow@example.test')).toMatchObject({ decision: 'deny' });
    await lethe.post(
      '/v1/consents',
      decide('slow@example.test', 'given', { collectedAt: '2020-01-01T00:00:00Z', origin: 'import' }),
      { as: 'system' },
    );
    expect(await check('slow@example.test')).toMatchObject({ decision: 'deny' });
  });

  it('is stopped at once also from a device whose clock is ahead, and never given from one', async () => {
    const ahead = { collectedAt: new Date(lethe.clock.now().getTime() + 3_600_000).toISOString() };
    const send = async (decision: string, more = {}): Promise<number> =>
      (await lethe.post('/v1/consents', decide('fast@example.test', decision, more), { as: 'system' })).status;
    expect([await send('given'), await send('given', ahead)]).toEqual([201, 422]);
    expect((await check('fast@example.test')).decision).toBe('permit');
    expect(await send('withdrawn', ahead)).toBe(201);
    expect(await check('fast@example.test')).toMatchObject({ decision: 'deny', state: 'withdrawn' });
    const mixed = {
      ...ahead,
      decisions: [
        { purpose: 'newsletter', decision: 'withdrawn' },
        { purpose: 'profiling', decision: 'given' },
      ],
    };
    expect(await send('', mixed)).toBe(422);
    // What she says next with a right clock counts: the stop was dated when it was heard.
    lethe.clock.advance(60_000);
    expect(await send('given')).toBe(201);
    expect((await check('fast@example.test')).decision).toBe('permit');
  });

  it('expires', async () => {
    await lethe.post(
      '/v1/consents',
      decide('old@example.test', 'given', { collectedAt: '2020-01-01T00:00:00Z', origin: 'import' }),
      { as: 'system' },
    );
    expect(await check('old@example.test')).toMatchObject({ decision: 'deny', state: 'expired' });
    expect(await check('old@example.test', { at: '2021-06-01T00:00:00Z' })).toMatchObject({ decision: 'permit' });
    expect(await check('old@example.test', { at: '2021-06-01T00:00:00Z', asOf: '2021-06-01T00:00:00Z' })).toMatchObject(
      { decision: 'deny', reason: 'never-asked' },
    );
  });

  it('is not asked for where a contract is the basis, and an objection stops legitimate interest', async () => {
    await lethe.post('/v1/consents', decide('eve@example.test', 'given'), { as: 'system' });
    expect(await check('eve@example.test', { purpose: 'parcels' })).toMatchObject({
      decision: 'permit',
      reason: 'contract',
    });
    const stop = await lethe.post(
      '/v1/consents',
      decide('eve@example.test', 'given', { decisions: [{ purpose: 'parcels', decision: 'withdrawn' }] }),
      { as: 'system' },
    );
    expect([stop.status, stop.body.code]).toEqual([422, 'decision-not-applicable']);
    expect(await check('eve@example.test', { purpose: 'profiling' })).toMatchObject({ decision: 'permit' });
    await lethe.post(
      '/v1/consents',
      decide('eve@example.test', 'given', { decisions: [{ purpose: 'profiling', decision: 'withdrawn' }] }),
      { as: 'system' },
    );
    expect(await check('eve@example.test', { purpose: 'profiling' })).toMatchObject({
      decision: 'deny',
      reason: 'objected',
    });
  });

  it('posted 16 times at once under one key is one record with one answer; another body is refused', async () => {
    const body = decide('many@example.test', 'given');
    const call = { as: 'system', headers: { 'idempotency-key': 'sixteen' } } as const;
    const answers = await Promise.all(Array.from({ length: 16 }, () => lethe.post('/v1/consents', body, call)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    const history = await lethe.get(`/v1/subjects/${answers[0]!.body.subjectId}/consents/history`);
    expect(history.body.items).toHaveLength(1);
    const other = await lethe.post('/v1/consents', decide('many@example.test', 'withdrawn'), call);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
  });

  it('is explained only to those who may know', async () => {
    const key = (
      await lethe.post(
        '/v1/admin/api-keys',
        { kind: 'system', label: 'mailer', scopes: ['consents:check'] },
        { as: 'admin' },
      )
    ).body.key;
    const coarse = await lethe.post(
      '/v1/consents/check',
      { subject: person('bob@example.test'), purpose: 'newsletter' },
      { key },
    );
    expect(coarse.body).toMatchObject({ decision: 'deny', reason: 'not-permitted', state: 'withheld' });
  });

  it('has a receipt that holds the notice and the evidence', async () => {
    const given = await lethe.post('/v1/consents', decide('rita@example.test', 'given'), { as: 'system' });
    const { status, body } = await lethe.get(`/v1/consents/${given.body.records[0].id}/receipt`);
    expect(status).toBe(200);
    expect(body.receipt).toMatchObject({
      event_state: 'given',
      privacy_notice: { id: 'signup', version: '1' },
      collection: { method: 'web form', evidence: { page: '/landing' } },
    });
  });

  it('has a receipt of what was agreed to then, whatever the purpose means today', async () => {
    const define = (name: string, legalBasis: string) =>
      lethe.put('/v1/purposes/survey', { name, legalBasis, model: 'opt-in' }, { as: 'admin' });
    await define('A survey', 'consent');
    const notice = { id: 'survey', version: '1', language: 'en', text: 'We ask you.', purposes: ['survey'] };
    await lethe.post('/v1/notices', notice);
    const decisions = [{ purpose: 'survey', decision: 'given' }];
    const more = { decisions, notice: { id: 'survey', version: '1' } };
    const given = await lethe.post('/v1/consents', decide('sue@example.test', 'given', more), { as: 'system' });
    const receipt = async () =>
      (await lethe.get(`/v1/consents/${given.body.records[0].id}/receipt`)).body.receipt as object;
    const then = await receipt();
    expect(then).toMatchObject({ purpose_name: 'A survey', lawful_basis: 'consent' });
    expect((await define('Profiles', 'legitimate-interest')).status).toBe(200);
    expect(await receipt()).toEqual(then);
  });

  it('has a proof that its leaf is in the signed log', async () => {
    const given = await lethe.post('/v1/consents', decide('paul@example.test', 'given'), { as: 'system' });
    const proof = await lethe.get(`/v1/consents/${given.body.records[0].id}/proof`);
    const ledger = await lethe.get('/v1/ledger', { as: 'auditor' });
    const entry = await lethe.get(`/v1/logs/${ledger.body.logId}/entries/${given.body.position}`, { as: 'auditor' });
    const bytes = Buffer.from(entry.body.bytes, 'base64');
    expect(() => verifyTlogProof(proof.body, bytes, parseVkey(ledger.body.vkey))).not.toThrow();
    bytes[0] = bytes[0]! ^ 1;
    expect(() => verifyTlogProof(proof.body, bytes, parseVkey(ledger.body.vkey))).toThrow();
  });

  it('never stands plain in the ledger', async () => {
    const { rows } = await lethe.superuser.query(
      "SELECT count(*)::int AS hits FROM event WHERE bytes ~* 'example\\.test|web form|/landing'",
    );
    expect(rows[0].hits).toBe(0);
    const control = await lethe.superuser.query("SELECT count(*)::int AS hits FROM event WHERE bytes ~* 'newsletter'");
    expect(control.rows[0].hits).toBeGreaterThan(0);
  });

  it('checks a batch in order, each on its own', async () => {
    const items = ['ada@example.test', 'rita@example.test', 'bad'].map((value, index) => ({
      ref: String(index),
      subject: person(value),
      purpose: 'newsletter',
    }));
    const { body } = await lethe.post('/v1/consents/check-batch', { items }, { as: 'system' });
    expect(
      body.items.map((item: { decision?: string; error?: { code: string } }) => item.decision ?? item.error?.code),
    ).toEqual(['deny', 'permit', 'identifier-invalid']);
  });
});
