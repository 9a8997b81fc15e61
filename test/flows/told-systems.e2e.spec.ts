/** What a decision becomes in the systems that must obey it: told by whom it concerns now, owed until they answer, never said to be complete before. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newId } from '#kernel';
import { Housekeeping } from '#jobs';
import {
  accepted,
  connectObeying,
  decisionOn,
  declareReader,
  declareReceiver,
  declareSystem,
  definePurpose,
} from '../support/obeying-systems.js';
import { allowing, startReceiver, type Receiver } from '../support/receiver.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

jest.setTimeout(120_000);

describe('a decision that a system must obey', () => {
  let lethe: TestServer;
  beforeAll(async () => {
    lethe = await startTestServer();
    await definePurpose(lethe);
    await declareReader(lethe, 'crm');
  });
  afterAll(() => lethe.close());

  /** As a plugin that cannot be told leaves it. */
  async function aDeadJob(position: number, more: object = {}): Promise<() => Promise<string>> {
    const id = newId();
    const payload = { systemId: 'crm', connectionId: newId(), subject: newId(), purpose: 'news', position, ...more };
    await lethe.superuser.query(
      `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, attempts, dedupe_key, created_at, finished_at)
       VALUES ($1, $2, 'propagation-obey', 'k', $3, 'dead', now(), 1, $4, now(), now())`,
      [lethe.tenant.tenant.id, id, JSON.stringify(payload), `obey/crm/${position}`],
    );
    return async () => (await lethe.superuser.query('SELECT state FROM job WHERE id = $1', [id])).rows[0].state;
  }

  async function decide(name: string): Promise<number> {
    const body = decisionOn(name, 'given', lethe.clock.now());
    const { position } = await accepted(lethe.post('/v1/consents', body, { as: 'system' }));
    await until('it is owed', async () => {
      const { items } = await accepted(lethe.get('/v1/propagations?state=waiting'));
      return items.some((one: { position: number }) => one.position === position);
    });
    return position;
  }

  async function look(): Promise<void> {
    lethe.clock.advance(20_000);
    const now = lethe.clock.now();
    await until('the chore', async () => {
      const states = await lethe.server.app.get(Housekeeping).states();
      const ranAt = states.find(({ name }) => name === 'propagation-late')?.ranAt;
      return !!ranAt && ranAt >= now;
    });
  }

  it('has a dead job until somebody has vouched for the system, and no longer', async () => {
    const [one, other] = [await decide('told-one'), await decide('told-other')];
    // Of a build that says more in it, and behind many of other queues.
    await lethe.superuser.query(
      `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, created_at)
       SELECT $1, gen_random_uuid(), 'q', '', '{}', 'dead', now(), now() FROM generate_series(1, 2000)`,
      [lethe.tenant.tenant.id],
    );
    const [settled, owed] = [await aDeadJob(one, { since: 'later' }), await aDeadJob(other)];
    await look();
    expect([await settled(), await owed()]).toEqual(['dead', 'dead']);
    await accepted(lethe.post(`/v1/propagations/${one}/systems/crm/settle`, { proof: 'seen in the system' }));
    await until(
      'it needs nobody',
      async () => {
        await look();
        return (await settled()) === 'cancelled';
      },
      15_000,
    );
    expect(await owed()).toBe('dead');
  });

  it('is not called complete as long as nobody has looked who must obey', async () => {
    const client = lethe.superuser;
    await client.query('BEGIN');
    await client.query(`SELECT FROM cursor WHERE tenant = $1 AND name = 'propagation' FOR UPDATE`, [
      lethe.tenant.tenant.id,
    ]);
    const body = decisionOn('unseen', 'withdrawn', lethe.clock.now());
    const { position } = await accepted(lethe.post('/v1/consents', body, { as: 'system' }));
    const report = (): Promise<TestAnswer> => lethe.get(`/v1/propagations/${position}`);
    const early = await report();
    expect([early.status, early.body.code]).toEqual([409, 'position-not-reached']);
    const asked = report();
    await client.query('COMMIT');
    const { complete, systems } = await accepted(asked);
    expect([complete, systems.map(({ state }: { state: string }) => state)]).toEqual([false, ['waiting']]);
  });
});

describe('a system that is declared anew while it is told', () => {
  let lethe: TestServer;
  let receivers: Receiver[];
  beforeAll(async () => {
    receivers = [await startReceiver(), await startReceiver()];
    lethe = await startTestServer({ environment: allowing(receivers) });
    await definePurpose(lethe);
  });
  afterAll(async () => {
    await Promise.all(receivers.map((receiver) => receiver.close()));
    await lethe.close();
  });

  it('is acknowledged by nobody else: another connection is told in its place, another channel is waited for', async () => {
    const [former, present] = receivers as [Receiver, Receiver];
    const [formerId, presentId] = [
      await connectObeying(lethe, 'former', former.url),
      await connectObeying(lethe, 'present', present.url),
    ];
    for (const id of ['moved', 'turned']) await declareSystem(lethe, id, { channel: 'plugin', connectionId: formerId });
    former.answer(() => 500);
    const body = decisionOn('ada', 'withdrawn', lethe.clock.now());
    const { position } = await accepted(lethe.post('/v1/consents', body, { as: 'system' }));
    await until('both were tried', () => former.received.length >= 2);
    await declareSystem(lethe, 'moved', { channel: 'plugin', connectionId: presentId });
    await declareReader(lethe, 'turned');
    former.answer(() => 200);
    const tried = former.received.length;
    const wordOf = async (id: string): Promise<string | null> =>
      (await lethe.get(`/v1/propagations/${position}`)).body.systems.find(
        (one: { systemId: string }) => one.systemId === id,
      ).how;
    const left = async (): Promise<number> =>
      (await lethe.superuser.query(`SELECT FROM job WHERE queue = 'propagation-obey' AND state <> 'done'`)).rowCount!;
    await until('nothing is left to do', async () => {
      lethe.clock.advance(20_000);
      return (await left()) === 0;
    });
    await until('the word', async () => (await wordOf('moved')) === 'plugin');
    expect(await wordOf('turned')).toBeNull();
    expect([former.received.length, present.received.length]).toEqual([tried, 1]);
  });

  it('is acknowledged by the endpoint that it had no more than by a connection', async () => {
    const [former] = receivers as [Receiver];
    await declareReceiver(lethe, 'shop', former.url);
    await declareReader(lethe, 'shop');
    const decide = async (decision: string): Promise<number> => {
      const body = decisionOn('eve', decision, lethe.clock.now());
      return (await accepted(lethe.post('/v1/consents', body, { as: 'system' }))).position;
    };
    const position = await decide('withdrawn');
    await until('it was sent', async () => {
      const { items } = (await lethe.post('/v1/webhook-deliveries/search', { state: 'delivered' })).body;
      return items.some((one: { position: number }) => one.position === position);
    });
    // Its report waits until everything before it is seen, a word among it.
    await accepted(lethe.get(`/v1/propagations/${await decide('given')}`));
    const { systems } = await accepted(lethe.get(`/v1/propagations/${position}`));
    expect(systems.find((one: { systemId: string }) => one.systemId === 'shop')).toMatchObject({ how: null });
  });
});
