/** Ten receivers hang at once: the sound one has everything before the first of them is given up. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { accepted, decisionOn, definePurpose } from '../support/obeying-systems.js';
import { allowing, startReceiver, type Receiver } from '../support/receiver.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const HANGING = 10;
/** Each a lane of its own at every receiver: together many more than there are slots. */
const PEOPLE = 30;
/** A receiver that does not answer is given up after this long. */
const GIVEN_UP_MS = 10_000;
jest.setTimeout(300_000);

describe('receivers that hang', () => {
  let lethe: TestServer;
  let sound: Receiver;
  const hanging: Receiver[] = [];

  /** When each decision was acknowledged, and when the sound receiver had it, by position. */
  const decided = new Map<string, number>();
  const arrived = new Map<string, number>();
  const decide = async (decision: string): Promise<void> => {
    for (let person = 0; person < PEOPLE; person += 1) {
      const body = decisionOn(`person${person}`, decision, lethe.clock.now());
      const { position } = await accepted(lethe.post('/v1/consents', body, { as: 'system' }));
      decided.set(String(position), performance.now());
    }
  };
  /** The longest that a message to the sound one was under way: behind one that hangs it would be the whole time limit. */
  const slowest = (): number =>
    Math.max(...[...decided].map(([position, at]) => (arrived.get(position) ?? Infinity) - at));
  const listen = async ({ url }: Receiver): Promise<string> =>
    (await accepted(lethe.post('/v1/webhook-endpoints', { url }, { as: 'admin' }))).id;
  /** Attempts that have come to an end at receivers that hang. */
  const givenUp = async (): Promise<number> =>
    (await lethe.superuser.query(`SELECT count(*)::int AS n FROM webhook_delivery WHERE last_code = 'timeout'`)).rows[0]
      .n;
  /** Messages it has said yes to; a repetition is none. */
  const had = ({ received }: Receiver): number =>
    new Set(received.filter(({ answered }) => answered === 200).map(({ body }) => body.id)).size;
  const open = (): number => hanging.reduce((sum, { received }) => sum + received.length, 0);

  beforeAll(async () => {
    sound = await startReceiver();
    sound.answer(({ body }) => {
      arrived.set(String(Number(body.sequence)), performance.now());
      return 200;
    });
    for (let count = 0; count < HANGING; count += 1) hanging.push(await startReceiver());
    lethe = await startTestServer({ environment: allowing([sound, ...hanging]) });
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
    await until('the sound one', () => had(sound) === PEOPLE, 240_000);
    expect(slowest()).toBeLessThan(GIVEN_UP_MS);
    // One at a time each; on a slow machine some have been given up meanwhile, and the next one hangs.
    expect(open()).toBeGreaterThanOrEqual(HANGING);
    expect(open() - (await givenUp())).toBeLessThanOrEqual(HANGING);
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
        return hanging.every((receiver) => had(receiver) === PEOPLE);
      },
      240_000,
    );
    expect(had(sound)).toBe(PEOPLE);
  });

  it('although they have always answered until now', async () => {
    const before = { open: open(), gaveUp: await givenUp() };
    for (const receiver of hanging) receiver.answer(() => 'hang');
    await decide('withdrawn');
    await until('the sound one', () => had(sound) === 2 * PEOPLE, 240_000);
    expect(slowest()).toBeLessThan(GIVEN_UP_MS);
    // More than one each, and never all slots.
    const more = open() - before.open;
    expect(more - ((await givenUp()) - before.gaveUp)).toBeLessThanOrEqual(18);
  });
});
