/** Ten receivers hang at once: the sound one has everything before the first of them is given up. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { accepted, decisionOn, definePurpose } from '../support/obeying-systems.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const HANGING = 10;
/** Each a lane of its own at every receiver: together many more than there are slots. */
const PEOPLE = 30;
jest.setTimeout(90_000);

describe('receivers that hang', () => {
  let lethe: TestServer;
  let sound: Receiver;
  const hanging: Receiver[] = [];

  const decide = async (decision: string): Promise<void> => {
    for (let person = 0; person < PEOPLE; person += 1)
      await accepted(
        lethe.post('/v1/consents', decisionOn(`person${person}`, decision, lethe.clock.now()), { as: 'system' }),
      );
  };
  const listen = async ({ url }: Receiver): Promise<string> =>
    (await accepted(lethe.post('/v1/webhook-endpoints', { url }, { as: 'admin' }))).id;
  /** Attempts that have come to an end at receivers that hang. */
  const givenUp = async (): Promise<number> =>
    (await lethe.superuser.query(`SELECT count(*)::int AS n FROM webhook_delivery WHERE last_code = 'timeout'`)).rows[0]
      .n;
  const open = (): number => hanging.reduce((sum, { received }) => sum + received.length, 0);

  beforeAll(async () => {
    sound = await startReceiver();
    for (let count = 0; count < HANGING; count += 1) hanging.push(await startReceiver());
    const allowed = [sound, ...hanging].map(({ host }) => host).join();
    lethe = await startTestServer({ environment: { LETHE_OUTBOUND_ALLOW: allowed } });
    await definePurpose(lethe);
  });
  afterAll(async () => {
    await Promise.all([sound, ...hanging].map((receiver) => receiver.close()));
    await lethe.close();
  });

  it('hold a slot each, and the sound one is delivered to meanwhile', async () => {
    for (const receiver of hanging) {
      receiver.answer(() => 'hang');
      await listen(receiver);
    }
    await listen(sound);
    await decide('given');
    await until('the sound one', () => sound.received.length === PEOPLE, 60_000);
    // Nobody had been given up before: the sound one waited for none of them.
    expect(await givenUp()).toBe(0);
    expect(open()).toBe(HANGING);
  });

  it('are tried again, and go on together once they answer', async () => {
    for (const receiver of hanging) {
      receiver.answer(() => 200);
      receiver.cut();
    }
    await until(
      'everything',
      () => {
        lethe.clock.advance(20_000);
        return hanging.every(({ received }) => received.filter(({ answered }) => answered === 200).length === PEOPLE);
      },
      60_000,
    );
    expect(sound.received.length).toBe(PEOPLE);
  });

  it('although they have always answered until now', async () => {
    const before = { open: open(), gaveUp: await givenUp() };
    for (const receiver of hanging) receiver.answer(() => 'hang');
    await decide('withdrawn');
    await until('the sound one', () => sound.received.length === 2 * PEOPLE, 60_000);
    expect(await givenUp()).toBe(before.gaveUp);
    // More than one each, and never all slots.
    expect(open() - before.open).toBeLessThanOrEqual(18);
  });
});
