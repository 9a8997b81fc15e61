/** One withdrawal and everybody who must hear of it; many messages to receivers that fail in every way; a service that is killed. */
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
import { passLeases } from '../support/pass-leases.js';
import { startReceiver, type Received, type Receiver } from '../support/receiver.js';
import { ServiceProcess } from '../support/service-process.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1' || process.env['LETHE_TEST_FULL'] === '1';
const MINUTE = 60_000;
const say = (figures: string): void => void process.stdout.write(`${figures}\n`);
// Machines that are busy with other suites are slow; nothing here asserts speed.
jest.setTimeout(600_000);
const allow = (receivers: readonly Receiver[]): { LETHE_OUTBOUND_ALLOW: string } => ({
  LETHE_OUTBOUND_ALLOW: receivers.map(({ host }) => host).join(','),
});

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
    lethe = await startTestServer({ environment: allow(receivers) });
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
    const seconds = (await report(position)).systems.map((one: { systemId: string; seconds: number }) => [
      one.systemId,
      one.seconds,
    ]);
    say(`denied after ${denied.map((ms) => ms.toFixed(0)).join(' and ')} ms; by test clock ${seconds.join(' ')}`);
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

/** Positions in the order in which each person's messages first succeeded. */
function ordersOf(received: readonly Received[]): string[][] {
  const people = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const { body, answered } of received) {
    if (answered < 200 || answered >= 300 || seen.has(body.id)) continue;
    seen.add(body.id);
    people.set(body.subject, [...(people.get(body.subject) ?? []), body.sequence]);
  }
  return [...people.values()];
}

const inOrder = (orders: readonly string[][]): boolean =>
  orders.every((order) => order.join() === [...order].sort().join());

describe('many deliveries', () => {
  // Six endpoints: 20 decisions make 120 deliveries, 170 make 1,020.
  const decisions = LONG ? 170 : 20;
  /** Each costs the ten seconds of a time limit. */
  const hangs = LONG ? 3 : 0;
  const names = ['sound', 'flaky', 'hanging', 'redirecting', 'gone', 'slow'] as const;
  let lethe: TestServer;
  let inward: Receiver;
  const receivers = {} as Record<(typeof names)[number], Receiver>;

  beforeAll(async () => {
    inward = await startReceiver();
    for (const name of names) receivers[name] = await startReceiver();
    lethe = await startTestServer({ environment: allow(Object.values(receivers)) });
    await definePurpose(lethe);
  });
  afterAll(async () => {
    await Promise.all([inward, ...Object.values(receivers)].map((receiver) => receiver.close()));
    await lethe.close();
  });

  it('to receivers that fail, hang, redirect inward, are gone or slow: none is lost, none goes inward, each person in order', async () => {
    const endpoints: Record<string, string> = {};
    for (const name of names)
      endpoints[name] = (
        await accepted(lethe.post('/v1/webhook-endpoints', { url: receivers[name].url }, { as: 'admin' }))
      ).id;
    let healed = false;
    const tries = new Map<string, number>();
    receivers.flaky.answer(({ body }) => {
      const count = (tries.get(body.id) ?? 0) + 1;
      tries.set(body.id, count);
      return count > 1 ? 200 : [500, 503, 429, 404][Number(body.sequence) % 4]!;
    });
    receivers.hanging.answer((_message, count) => (count < hangs ? 'hang' : 200));
    receivers.redirecting.answer(() =>
      healed ? 200 : { status: 302, headers: { location: `http://${inward.host}/inside` } },
    );
    receivers.gone.answer(() => (healed ? 200 : 410));
    receivers.slow.answer(() => 200);
    const began = Date.now();
    for (let count = 0; count < decisions; count += 1)
      await accepted(
        lethe.post(
          '/v1/consents',
          decisionOn(`person${count % 10}`, count % 20 < 10 ? 'given' : 'withdrawn', lethe.clock.now()),
          { as: 'system' },
        ),
      );
    const reached = (name: (typeof names)[number]): number => ordersOf(receivers[name].received).flat().length;
    await until('the sound ones', () => reached('sound') === decisions && reached('slow') === decisions, 240_000);
    // Others hang and fail meanwhile: nobody waited for them.
    const sound = Date.now() - began;
    await until('disabled', async () => {
      const shown = await lethe.get(`/v1/webhook-endpoints/${endpoints['gone']}`, { as: 'admin' });
      return shown.body.disabledBecause === 'gone';
    });
    await until('redirected', () => receivers.redirecting.received.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(reached('redirecting') + reached('gone')).toBe(0);
    healed = true;
    await accepted(lethe.post(`/v1/webhook-endpoints/${endpoints['gone']}/enable`, {}, { as: 'admin' }));
    await until(
      'everything',
      () => {
        lethe.clock.advance(20_000);
        return names.every((name) => reached(name) === decisions);
      },
      240_000,
    );
    for (const name of names) expect([name, inOrder(ordersOf(receivers[name].received))]).toEqual([name, true]);
    expect(inward.received).toEqual([]);
    // The receiver has it a moment before the row says so.
    await until('every row says delivered', async () => {
      const { rows } = await lethe.superuser.query('SELECT state, count(*)::int AS n FROM webhook_delivery GROUP BY 1');
      return rows.length === 1 && rows[0].state === 'delivered' && rows[0].n === decisions * names.length;
    });
    const calls = names.map((name) => `${name} ${receivers[name].received.length}`).join(', ');
    say(`${decisions * names.length} deliveries: sound ones in ${sound} ms; calls: ${calls}`);
  });

  it('control: the judge of order sees two that were swapped', () => {
    const [first, ...rest] = receivers.sound.received;
    const swapped = [...rest.filter((one) => one.body.subject === first!.body.subject), first!];
    expect(inOrder(ordersOf(receivers.sound.received))).toBe(true);
    expect(inOrder(ordersOf(swapped))).toBe(false);
  });
});

describe('a service that is killed while it delivers', () => {
  const kills = LONG ? 5 : 1;
  /** What a message was answered with whose connection the kill has cut. */
  const CUT = -1;
  let receiver: Receiver;
  let service: ServiceProcess;

  beforeAll(async () => {
    receiver = await startReceiver();
    service = await ServiceProcess.prepare(() => allow([receiver]));
  });
  afterAll(async () => {
    await receiver.close();
    await service.close();
  });

  it('loses no delivery, and tells each person’s story in order', async () => {
    let calls = 0;
    let hanging = false;
    receiver.answer(() => (hanging ? 'hang' : LONG && (calls += 1) % 7 === 0 ? 500 : 200));
    await service.start();
    await definePurpose(service);
    await accepted(service.post('/v1/webhook-endpoints', { url: receiver.url }, { as: 'admin' }));
    const sent = new Set<number>();
    for (let kill = 0; kill < kills; kill += 1) {
      for (let count = 0; count < 12; count += 1) {
        const body = decisionOn(`person${count % 4}`, count % 8 < 4 ? 'given' : 'withdrawn', new Date());
        sent.add((await accepted(service.post('/v1/consents', body, { as: 'system' }))).position);
        if (count === 5) hanging = true;
      }
      // Each kill falls while a message is under way: it has arrived, and was never answered.
      await until('a message under way', () => receiver.received.some(({ answered }) => answered === 0));
      await service.end('SIGKILL');
      hanging = false;
      receiver.cut();
      for (const one of receiver.received) if (one.answered === 0) one.answered = CUT;
      if (!LONG) await passLeases(service);
      await service.start();
    }
    const arrived = (): Set<number> =>
      new Set(
        ordersOf(receiver.received)
          .flat()
          .map((sequence) => Number(sequence)),
      );
    await until(
      'everything that was acknowledged',
      () => [...sent].every((position) => arrived().has(position)),
      240_000,
    );
    expect(inOrder(ordersOf(receiver.received))).toBe(true);
    expect(receiver.received.filter(({ answered }) => answered === CUT).length).toBeGreaterThanOrEqual(kills);
    say(`${kills} kills, ${sent.size} decisions, ${receiver.received.length} calls`);
  });
});
