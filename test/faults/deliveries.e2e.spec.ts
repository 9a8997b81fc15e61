/** Many messages to receivers that fail in every way, and a service that is killed while it delivers: none is lost, each person in order. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { accepted, decisionOn, definePurpose } from '../support/obeying-systems.js';
import { passLeases } from '../support/pass-leases.js';
import { allowing, startReceiver, type Received, type Receiver } from '../support/receiver.js';
import { ServiceProcess } from '../support/service-process.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1' || process.env['LETHE_TEST_FULL'] === '1';
const say = (figures: string): void => void process.stdout.write(`${figures}\n`);
// Machines that are busy with other suites are slow; nothing here asserts speed.
jest.setTimeout(600_000);

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
    lethe = await startTestServer({ environment: allowing(Object.values(receivers)) });
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
    service = await ServiceProcess.prepare(() => allowing([receiver]));
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
