/** One withdrawal and everybody who must hear of it: denied at once, acknowledged in each system's way, escalated where one is silent. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunningServer } from '../../apps/server/src/server.js';
import {
  accepted,
  decisionOn,
  declarePlugin,
  declareReader,
  declareReceiver,
  declareSystem,
  definePurpose,
  startReplica,
} from '../support/obeying-systems.js';
import { connectInbox, type InboxSystem } from '../support/inbox-system.js';
import { allowing, startReceiver, type Receiver } from '../support/receiver.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const MINUTE = 60_000;
const say = (figures: string): void => void process.stdout.write(`${figures}\n`);
// Machines that are busy with other suites are slow; nothing here asserts speed.
jest.setTimeout(600_000);

describe('a withdrawal', () => {
  let lethe: TestServer;
  let replica: RunningServer;
  let receivers: Receiver[];
  let club: InboxSystem;
  const keys = { crm: '', silent: '' };

  const check = async (baseUrl: string, email: string): Promise<string> => {
    const answer = await fetch(`${baseUrl}/v1/consents/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${lethe.tenant.keys.system}`, 'content-type': 'application/json' },
      body: JSON.stringify({ subject: { identifiers: [{ type: 'email', value: email }] }, purpose: 'news' }),
    });
    return ((await answer.json()) as { decision: string }).decision;
  };
  const report = async (id: string | number): Promise<TestAnswer['body']> =>
    (await lethe.get(`/v1/propagations/${id}`)).body;
  const stateOf = async (id: string | number): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await report(id)).systems.map((one: { systemId: string; state: string }) => [one.systemId, one.state]),
    );

  beforeAll(async () => {
    receivers = [await startReceiver(), await startReceiver(), await startReceiver()];
    lethe = await startTestServer({ environment: allowing(receivers) });
    replica = await startReplica(lethe);
    await definePurpose(lethe);
    const [shop, failing, mailer] = receivers;
    keys.crm = await declareReader(lethe, 'crm');
    keys.silent = await declareReader(lethe, 'silent');
    await declareReceiver(lethe, 'shop', shop!.url);
    await declareReceiver(lethe, 'failing', failing!.url);
    await declarePlugin(lethe, 'mailer', mailer!.url);
    club = await connectInbox(lethe);
    await declareSystem(lethe, 'club', { channel: 'inbox', connectionId: club.connectionId });
  });
  afterAll(async () => {
    await Promise.all(receivers.map((receiver) => receiver.close()));
    await club.close();
    await replica.close();
    await lethe.close();
  });

  /** What an honest consumer does: reads on, acts, and says so. */
  const obeyByCursor = async (): Promise<void> => {
    let after = '';
    for (;;) {
      const page = (await lethe.get(`/v1/events${after}`, { key: keys.crm })).body;
      await accepted(lethe.post('/v1/events/ack', { cursor: page.next }, { key: keys.crm }));
      if (page.caughtUp) return;
      after = `?after=${encodeURIComponent(page.next)}`;
    }
  };

  it('denies on every replica at once, is acknowledged by each system in its way, and whoever is silent is escalated', async () => {
    const [shop, failing, mailer] = receivers;
    const email = 'ada@example.test';
    await accepted(lethe.post('/v1/consents', decisionOn('ada', 'given', lethe.clock.now()), { as: 'system' }));
    const bases = [lethe.server.baseUrl, replica.baseUrl];
    for (const base of bases) await until('permit', async () => (await check(base, email)) === 'permit');
    const worker = club.worker();
    await worker.said('obeys news=true');
    await until('the plugin knows of it', () => mailer!.received.length === 1);
    await until('the endpoint too', () => failing!.received.length === 1);
    await obeyByCursor();
    failing!.answer(() => 500);

    lethe.clock.advance(1_000);
    const withdrawal = await accepted(
      lethe.post('/v1/consents', decisionOn('ada', 'withdrawn', lethe.clock.now()), { as: 'system' }),
    );
    const began = performance.now();
    // Who acknowledged it permits nothing more, not even once.
    expect(await check(bases[0]!, email)).toBe('deny');
    const denied = await Promise.all(
      bases.map(async (base) => {
        await until('deny', async () => (await check(base, email)) === 'deny', 2_000);
        return performance.now() - began;
      }),
    );
    const { position } = withdrawal;
    lethe.clock.advance(2_000);
    await obeyByCursor();
    await until('the honest ones', async () => {
      const states = await stateOf(position);
      return ['crm', 'shop', 'mailer', 'club'].every((id) => states[id] === 'acknowledged');
    });
    await worker.said('obeys news=false');
    // The plugin was told how the decision stands now, and who it is about.
    const told = mailer!.received.at(-1)!.body[0];
    expect(told.decisions).toEqual([{ purpose: 'news', allowed: false, state: 'withdrawn' }]);
    expect(told.ids).toEqual([{ type: 'email', value: email }]);
    expect(await stateOf(position)).toMatchObject({ silent: 'waiting', failing: 'waiting' });
    expect(shop!.received.map((one) => one.body.type)).toEqual([
      'lethe.consent.given.v1',
      'lethe.consent.withdrawn.v1',
    ]);

    // One second before the deadline nobody is late, whatever looks; just after it, exactly those who have said nothing.
    lethe.clock.advance(15 * MINUTE - 3_000);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await lethe.get('/v1/propagations')).body.items).toEqual([]);
    lethe.clock.advance(16_000);
    const late = await until('late', async () => {
      const { items } = (await lethe.get('/v1/propagations')).body;
      return items.length === 2 && items;
    });
    expect(late.map((one: { systemId: string }) => one.systemId)).toEqual(['failing', 'silent']);
    expect(await lethe.server.parts.metrics.text()).toMatch(/^lethe_propagations_late 2$/m);

    const page = await lethe.get(`/v1/propagations/${position}/page`);
    for (const name of ['crm', 'shop', 'mailer', 'club', 'silent', 'failing']) expect(page.body).toContain(`${name} (`);
    expect(page.body).toContain('LATE');
    expect(page.body).not.toContain(email);
    expect((await report(withdrawal.records[0].id)).position).toBe(position);

    // The failing one comes back; the silent one is seen to by a human, with proof.
    failing!.answer(() => 200);
    lethe.clock.advance(MINUTE);
    await until('failing acknowledges', async () => (await stateOf(position))['failing'] === 'acknowledged-late');
    const settle = `/v1/propagations/${position}/systems/silent/settle`;
    expect((await lethe.post(settle, { proof: 'x' }, { key: keys.crm })).status).toBe(403);
    await accepted(lethe.post(settle, { proof: 'Called them; removed from the list by hand.' }, { as: 'officer' }));
    await until('complete', async () => (await report(position)).complete);
    expect((await lethe.get('/v1/propagations')).body.items).toEqual([]);
    expect((await lethe.post(settle, { proof: 'x' }, { as: 'officer' })).body.code).toBe('propagation-settled');
    const { systems } = await report(position);
    const seconds = systems.map((one: { systemId: string; seconds: number }) => [one.systemId, one.seconds]);
    say(`denied after ${denied.map((ms) => ms.toFixed(0)).join(' and ')} ms; by test clock ${seconds.join(' ')}`);
    const took: Record<string, number> = Object.fromEntries(seconds);
    expect(took['crm']).toBeGreaterThanOrEqual(2);
    expect(Math.max(took['crm']!, took['shop']!, took['mailer']!, took['club']!)).toBeLessThan(60);
    for (const id of ['failing', 'silent']) expect(took[id]).toBeGreaterThan(15 * 60);
  });

  it('is reported the same after the projection was rebuilt', async () => {
    const { subscriptions } = lethe.server.parts;
    const tenant = lethe.tenant.tenant.id;
    const rows = async (): Promise<unknown> =>
      (await lethe.superuser.query('SELECT * FROM propagation ORDER BY position, system')).rows;
    await subscriptions.caughtUp(tenant, 'propagation', (await lethe.server.parts.store.head(tenant)).size - 1);
    const before = await rows();
    await subscriptions.rebuild(tenant, 'propagation');
    expect(await rows()).toEqual(before);
  });
});
