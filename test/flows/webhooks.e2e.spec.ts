/** Webhooks: signed as both public libraries check it, in order per person, tried for 72 hours, and never sent inward. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { Housekeeping } from '#jobs';
import type { SubjectId } from '#kernel';
import { KeyStore } from '#subjects';
import { allowing, startReceiver, type Received, type Receiver } from '../support/receiver.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';
import { webhookCalls } from '../support/webhook-calls.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
jest.setTimeout(90_000);

describe('webhooks', () => {
  let lethe: TestServer;
  const receivers: Receiver[] = [];
  const { away, decide, deliveries, endpoint, operate, show, somebody } = webhookCalls(() => lethe);
  /** The libraries refuse a timestamp an hour off, and the clock of the test is moved: this is the signature alone. */
  const signed = (secret: string, { text, headers }: Received): string =>
    new Webhook(secret).sign(
      String(headers['webhook-id']),
      new Date(Number(headers['webhook-timestamp']) * 1000),
      text,
    );
  const headersOf = ({ headers }: Received): Record<string, string> => headers as Record<string, string>;

  beforeAll(async () => {
    for (let count = 0; count < 7; count += 1) receivers.push(await startReceiver());
    // All but the last one are allowed: that one stands for an inward service.
    lethe = await startTestServer({ environment: allowing(receivers.slice(0, -1)) });
    await lethe.put('/v1/purposes/news', { name: 'n', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
    await lethe.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'x', purposes: ['news'] });
  });
  afterAll(async () => {
    await Promise.all(receivers.map((receiver) => receiver.close()));
    await lethe.close();
  });
  const take = (place: number): Receiver => {
    const receiver = receivers[place];
    if (!receiver) throw new Error('no such receiver');
    receiver.received.length = 0;
    receiver.answer(() => 200);
    return receiver;
  };

  it('carry a signature that both public libraries accept, and a thin CloudEvent', async () => {
    const receiver = take(0);
    const { id, secret } = await endpoint({ url: receiver.url });
    const subject = await decide(somebody(), 'given');
    const [message] = await until('a message', () => receiver.received.length > 0 && receiver.received);
    for (const library of [new Webhook(secret), new SvixWebhook(secret)]) {
      library.verify(message!.text, headersOf(message!));
      expect(() => library.verify(`${message!.text} `, headersOf(message!))).toThrow();
    }
    expect(message!.headers['content-type']).toMatch(/^application\/cloudevents\+json/);
    expect(message!.body).toMatchObject({ specversion: '1.0', type: 'lethe.consent.given.v1', subject });
    expect(message!.body.id).toBe(message!.headers['webhook-id']);
    expect(message!.body.sequence).toMatch(/^\d{16}$/);
    expect(message!.text).not.toContain('example.test');
    const { rows } = await lethe.superuser.query('SELECT sealed FROM webhook_endpoint');
    expect(JSON.stringify(rows)).not.toContain(secret.slice(6));
    expect(JSON.stringify(rows)).not.toContain(receiver.host);
    await away(id);
  });

  it('of one person wait for each other, and for nobody else', async () => {
    const receiver = take(1);
    const { id } = await endpoint({ url: receiver.url });
    const [slow, quick] = [somebody(), somebody()];
    let broken = true;
    const first = await decide(slow, 'given');
    const second = await decide(quick, 'given');
    await until('both', () => receiver.received.length === 2);
    receiver.answer(({ body }) => (broken && body.subject === first ? 500 : 200));
    await decide(slow, 'withdrawn', 'given', 'withdrawn');
    await decide(quick, 'withdrawn', 'given');
    await until('the other person', () => receiver.received.filter((one) => one.body.subject === second).length === 3);
    await until('a failure', () => receiver.received.some((one) => one.answered === 500));
    // The failed one was tried; those behind it were not.
    expect(receiver.received.filter((one) => one.body.subject === first)).toHaveLength(2);
    broken = false;
    lethe.clock.advance(MINUTE);
    const delivered = await until('all of the first person', () => {
      const own = receiver.received.filter((one) => one.body.subject === first && one.answered === 200);
      return own.length === 4 && own;
    });
    const sequence = delivered.map((one) => one.body.sequence as string);
    expect(sequence).toEqual([...sequence].sort());
    await away(id);
  });

  it('stop in the middle of a lane when a quarantine begins, and go on when it has ended', async () => {
    const receiver = take(0);
    const { id } = await endpoint({ url: receiver.url });
    expect((await operate(id, 'disable')).status).toBe(200);
    await decide(somebody(), 'given', 'withdrawn', 'given', 'withdrawn');
    await until('the deliveries', async () => (await deliveries(id)).length === 4);
    const change = (text: string): Promise<unknown> => lethe.superuser.query(text);
    const begin = `INSERT INTO installation_mark (name, detail, set_at) VALUES ('quarantined', 'restored', now())`;
    let marked: Promise<unknown> | undefined;
    receiver.answer(() => {
      lethe.server.parts.state.refuse('quarantined', 'restored');
      marked ??= change(begin);
      return 200;
    });
    expect((await operate(id, 'enable')).status).toBe(200);
    await until('the first message', () => receiver.received.length > 0);
    await marked;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(receiver.received).toHaveLength(1);
    receiver.answer(() => 200);
    await change(`DELETE FROM installation_mark WHERE name = 'quarantined'`);
    await until('the rest', () => receiver.received.length === 4);
    await away(id);
  });

  it('are signed with both secrets while one is being rotated, and with the new one afterwards', async () => {
    const receiver = take(2);
    const { id, secret } = await endpoint({ url: receiver.url });
    const rotated = (await operate(id, 'rotate-secret', { overlapHours: 1 })).body;
    expect([rotated.secret === secret, rotated.oldSecretUntil !== null]).toEqual([false, true]);
    await decide(somebody(), 'given');
    const [during] = await until('one', () => receiver.received.length === 1 && [...receiver.received]);
    expect(during!.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
    for (const one of [secret, rotated.secret]) new Webhook(one).verify(during!.text, headersOf(during!));
    lethe.clock.advance(HOUR + 1000);
    await decide(somebody(), 'given');
    const after = await until('another', () => receiver.received[1]);
    expect(after.headers['webhook-signature']).toBe(signed(rotated.secret, after));
    expect(after.headers['webhook-signature']).not.toContain(signed(secret, after));
    expect((await show(id)).oldSecretUntil).toBeNull();
    await away(id);
  });

  it('are signed with the secret that was shown, though somebody changed the endpoint at the same moment', async () => {
    const receiver = take(2);
    const { id } = await endpoint({ url: receiver.url });
    let secret = '';
    for (let round = 0; round < 8; round += 1) {
      const [rotated, changed] = await Promise.all([
        operate(id, 'rotate-secret', { overlapHours: 0 }),
        lethe.put(`/v1/webhook-endpoints/${id}`, { url: receiver.url, description: `${round}` }, { as: 'admin' }),
      ]);
      for (const { status, body } of [rotated, changed]) if (status !== 200) expect(body.code).toBe('endpoint-changed');
      if (rotated.status === 200) ({ secret } = rotated.body);
      receiver.received.length = 0;
      await operate(id, 'test');
      const message = await until('the test', () => receiver.received[0]);
      if (secret !== '') expect(message.headers['webhook-signature']).toBe(signed(secret, message));
    }
    expect(secret).not.toBe('');
    await away(id);
  });

  it('end when the receiver says 410, say so, and go on where they stopped when a human enables them', async () => {
    const receiver = take(3);
    const { id } = await endpoint({ url: receiver.url });
    receiver.answer(() => 410);
    const name = somebody();
    await decide(name, 'given');
    const gone = await until('disabled', async () => {
      const now = await show(id);
      return now.status === 'disabled' && now;
    });
    expect(gone.disabledBecause).toBe('gone');
    await decide(name, 'withdrawn');
    await decide(somebody(), 'given');
    await until('kept', async () => (await deliveries(id, { state: 'pending' })).length === 3);
    expect(receiver.received).toHaveLength(1);
    expect((await operate(id, 'test')).body.code).toBe('endpoint-disabled');
    receiver.answer(() => 200);
    expect((await operate(id, 'enable')).body).toEqual({ id, status: 'enabled' });
    await until('all', async () => (await deliveries(id, { state: 'delivered' })).length === 3);
    const own = receiver.received.slice(1).map((one) => one.body);
    expect(own).toHaveLength(3);
    const facts = await lethe.superuser.query(
      `SELECT bytes::json->'data'->'after'->>'because' AS because FROM event WHERE type = 'WebhookEndpointChanged.v1' AND stream = $1 ORDER BY position`,
      [`webhook-endpoint/${id}`],
    );
    expect(facts.rows.map(({ because }) => because)).toEqual(['gone', null]);
    await away(id);
  });

  it('obey Retry-After, are given up after 72 hours as a fact, and can be sent again', async () => {
    const receiver = take(4);
    const { id } = await endpoint({ url: receiver.url });
    receiver.answer(() => ({ status: 503, headers: { 'retry-after': '7200' } }));
    await decide(somebody(), 'given');
    const state = async (): Promise<TestAnswer['body']> => (await deliveries(id))[0];
    const waiting = await until('one attempt', async () => (await state())?.attempts === 1 && (await state()));
    expect(Date.parse(waiting.nextAttemptAt) - lethe.clock.now().getTime()).toBeGreaterThanOrEqual(2 * HOUR);
    lethe.clock.advance(2 * HOUR - MINUTE);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(receiver.received).toHaveLength(1);
    receiver.answer(() => 500);
    for (let hours = 0; hours < 90 && (await state()).state === 'pending'; hours += 6) {
      const { attempts } = await state();
      lethe.clock.advance(6 * HOUR);
      await until('the next attempt', async () => (await state()).attempts > attempts);
    }
    expect(await state()).toMatchObject({ state: 'failed', lastCode: 'status-500', nextAttemptAt: null });
    expect(receiver.received.length).toBeGreaterThan(5);
    const given = await lethe.superuser.query(`SELECT FROM event WHERE type = 'WebhookDeliveryFailed.v1'`);
    expect(given.rowCount).toBe(1);
    receiver.answer(() => 204);
    const again = await lethe.post(`/v1/webhook-deliveries/${(await state()).id}/redeliver`, {}, { as: 'admin' });
    expect(again.status).toBe(202);
    await until('delivered', async () => (await state()).state === 'delivered');
    expect(new Set(receiver.received.map((one) => one.headers['webhook-id'])).size).toBe(1);
    await away(id);
  });

  it('never reach an inward address: not by its form, not by its name, not by a redirect', async () => {
    const inward = take(6);
    const [port] = inward.host.split(':').slice(-1);
    for (const url of [`http://${inward.host}/`, `https://${inward.host}/`, `https://[::ffff:127.0.0.1]:${port}/`]) {
      const refused = await lethe.post('/v1/webhook-endpoints', { url }, { as: 'admin' });
      expect([refused.status, refused.body.code]).toEqual([422, 'url-refused']);
    }
    const named = await endpoint({ url: `https://localhost:${port}/` });
    const door = take(5);
    door.answer(() => ({ status: 307, headers: { location: `http://${inward.host}/inside` } }));
    const redirecting = await endpoint({ url: door.url });
    await decide(somebody(), 'given');
    const code = (id: string) => async (): Promise<string | false> => (await deliveries(id))[0]?.lastCode ?? false;
    expect(await until('refused by name', code(named.id))).toBe('address-refused');
    expect(await until('refused redirect', code(redirecting.id))).toBe('redirect-refused');
    expect(inward.received).toEqual([]);
    await away(named.id);
    await away(redirecting.id);
  });

  it('of an endpoint that hangs delay no other one', async () => {
    const [hanging, sound] = [take(0), take(1)];
    hanging.answer(() => 'hang');
    const stuck = await endpoint({ url: hanging.url });
    const fine = await endpoint({ url: sound.url });
    for (let count = 0; count < 12; count += 1) await decide(somebody(), 'given');
    await until('all of the sound one', () => sound.received.length === 12);
    await until('the hanging one was called', () => hanging.received.length > 0);
    expect((await deliveries(stuck.id, { state: 'delivered' })).length).toBe(0);
    await away(stuck.id);
    await away(fine.id);
  });

  it('of an endpoint whose key is lost end, and hide no other endpoint', async () => {
    const { id } = await endpoint({ url: take(0).url });
    const fine = await endpoint({ url: take(1).url });
    const keys = lethe.server.app.get(KeyStore, { strict: false });
    const tenant = lethe.tenant.tenant.id;
    const text = 'DELETE FROM subject_key WHERE tenant = $1 AND subject = $2';
    await keys.database.transaction(tenant, (query) => query({ text, values: [tenant, id] }));
    keys.evict(tenant, id as SubjectId);
    const lost = { id, url: '', status: 'disabled', disabledBecause: 'secrets-unreadable' };
    const { body } = await lethe.get('/v1/webhook-endpoints', { as: 'admin' });
    expect(body.items).toMatchObject([lost, { id: fine.id, url: receivers[1]!.url, status: 'enabled' }]);
    await decide(somebody(), 'given');
    await until('given up', async () => (await deliveries(id))[0]?.lastCode === 'secrets-unreadable');
    await until('no job', async () => {
      const jobs = `SELECT FROM job WHERE concurrency_key = $1 AND state IN ('ready', 'running')`;
      return (await lethe.superuser.query(jobs, [id])).rowCount === 0;
    });
    expect(await operate(id, 'enable')).toMatchObject({ status: 409, body: { code: 'secrets-unreadable' } });
    await away(id);
    await away(fine.id);
  });

  it('can be tried, listed by pages, and made once per key', async () => {
    const receiver = take(2);
    const headers = { 'idempotency-key': 'one-endpoint' };
    const made = await lethe.post('/v1/webhook-endpoints', { url: receiver.url }, { as: 'admin', headers });
    const repeat = await lethe.post('/v1/webhook-endpoints', { url: receiver.url }, { as: 'admin', headers });
    expect([made.status, repeat.status, repeat.body.code]).toEqual([201, 409, 'key-shown-once']);
    const { id, secret } = made.body;
    expect((await operate(id, 'test')).status).toBe(202);
    const trial = await until('the test', () => receiver.received[0]);
    expect(trial.body.type).toBe('lethe.webhook.test.v1');
    expect(secret).toMatch(/^whsec_/);
    for (let count = 0; count < 3; count += 1) await decide(somebody(), 'given');
    await until('all', async () => (await deliveries(id, { state: 'delivered' })).length === 4);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: TestAnswer = await lethe.post('/v1/webhook-deliveries/search', {
        ...{ endpointId: id, limit: 3 },
        ...(cursor === '' ? {} : { cursor }),
      });
      seen.push(...page.body.items.map((item: { id: string }) => item.id));
      cursor = page.body.next;
    }
    expect([seen.length, new Set(seen).size]).toEqual([4, 4]);
    expect((await lethe.get('/v1/webhook-endpoints', { as: 'system' })).status).toBe(403);
    await away(id);
  });

  it('are forgotten a month after they arrived, with the lanes that stand idle; what has not arrived stays', async () => {
    const receiver = take(2);
    const { id } = await endpoint({ url: receiver.url });
    const closed = await endpoint({ url: receiver.url });
    await operate(closed.id, 'disable');
    const [ada, bob] = [somebody(), somebody()];
    await decide(ada, 'given');
    await decide(bob, 'given');
    await until('both', async () => (await deliveries(id, { state: 'delivered' })).length === 2);
    await lethe.superuser.query(
      `UPDATE webhook_delivery SET state = 'failed' WHERE endpoint = $1 AND id = (SELECT max(id::text)::uuid FROM webhook_delivery WHERE endpoint = $1)`,
      [id],
    );
    const lanes = async (): Promise<number> =>
      (await lethe.superuser.query('SELECT count(*)::int AS n FROM webhook_lane WHERE endpoint = $1', [id])).rows[0].n;
    const chores = lethe.server.app.get(Housekeeping);
    /** Advances to a moment and waits for the chore that is due then. */
    const prunedAfter = async (days: number): Promise<string[]> => {
      lethe.clock.advance(days * 24 * HOUR);
      const now = lethe.clock.now();
      await until('the chore', async () => {
        const state = (await chores.states()).find(({ name }) => name === 'deliveries-pruned');
        return !!state?.ranAt && state.ranAt >= now;
      });
      return (await deliveries(id)).map(({ state }): string => state).sort();
    };
    expect(await prunedAfter(29)).toEqual(['delivered', 'failed']);
    expect(await prunedAfter(2)).toEqual(['failed']);
    expect([(await deliveries(closed.id)).length, await lanes()]).toEqual([2, 0]);
    // Whoever was forgotten is told of what comes next.
    receiver.received.length = 0;
    await decide(ada, 'withdrawn');
    await until('the next one', () => receiver.received.length === 1);
    await away(id);
    await away(closed.id);
  });
});
