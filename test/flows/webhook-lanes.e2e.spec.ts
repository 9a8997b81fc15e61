/** One message of a person at a time: whatever a human does with an endpoint while a message is under way. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { JobWorker } from '#jobs';
import { PlanDeliveries } from '../../libs/propagation/src/webhook/plan-deliveries.process.js';
import { PruneDeliveries } from '../../libs/propagation/src/webhook/prune-deliveries.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

/** A message that was received and is answered when the test says so. */
interface Held {
  position: number;
  answer(status: number): void;
}

describe('messages of one person', () => {
  let lethe: TestServer;
  let server: Server;
  let url: string;
  let holds = false;
  /** Under way now, and the most at any time. */
  let open = 0;
  let most = 0;
  const held: Held[] = [];
  const seen: number[] = [];
  let people = 0;

  const settle = (response: ServerResponse, status: number): void => {
    open -= 1;
    response.writeHead(status).end();
  };
  const receive = (text: string, response: ServerResponse): void => {
    const position = Number((JSON.parse(text) as { sequence: string }).sequence);
    seen.push(position);
    open += 1;
    most = Math.max(most, open);
    if (holds) held.push({ position, answer: (status) => settle(response, status) });
    else settle(response, 200);
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => receive(Buffer.concat(chunks).toString(), response));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    url = `http://${host}/hook`;
    lethe = await startTestServer({ environment: { LETHE_OUTBOUND_ALLOW: host } });
    await lethe.put('/v1/purposes/news', { name: 'n', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
    await lethe.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'x', purposes: ['news'] });
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await lethe.close();
  });

  const decide = async (name: string, decision: string): Promise<number> => {
    const answer = await lethe.post(
      '/v1/consents',
      {
        ...{
          subject: { identifiers: [{ type: 'email', value: `${name}@example.test` }] },
          method: 'form',
          evidence: {},
        },
        ...{ decisions: [{ purpose: 'news', decision }], notice: { id: 'n', version: '1' } },
        collectedAt: lethe.clock.now().toISOString(),
      },
      { as: 'system' },
    );
    expect(answer.status).toBe(201);
    return answer.body.position;
  };
  const endpoint = async (): Promise<string> => {
    const made = await lethe.post('/v1/webhook-endpoints', { url }, { as: 'admin' });
    expect(made.status).toBe(201);
    [most, open, holds] = [0, 0, false];
    held.length = seen.length = 0;
    return made.body.id;
  };
  const operate = async (id: string, verb: string): Promise<void> =>
    expect(await lethe.post(`/v1/webhook-endpoints/${id}/${verb}`, {}, { as: 'admin' })).toMatchObject({ status: 200 });
  const deliveries = async (endpointId: string): Promise<TestAnswer['body'][]> =>
    (await lethe.post('/v1/webhook-deliveries/search', { endpointId })).body.items;
  const allDelivered = (id: string, count: number): Promise<unknown> =>
    until('all delivered', async () => {
      const all = await deliveries(id);
      return all.length === count && all.every(({ state }) => state === 'delivered');
    });
  const somebody = (): string => `lane${(people += 1)}`;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 600));

  it('do not cross when an endpoint is disabled and enabled again in the middle', async () => {
    const id = await endpoint();
    const name = somebody();
    // Proven: an endpoint that has answered may be called for several lanes at once.
    await decide(name, 'given');
    await until('the first', () => seen.length === 1, 15_000);
    holds = true;
    const [second, third] = [await decide(name, 'withdrawn'), await decide(name, 'given')];
    const [message] = await until('the second', () => held.length > 0 && [...held]);
    await operate(id, 'disable');
    await operate(id, 'enable');
    await pause();
    expect([most, message!.position]).toEqual([1, second]);
    holds = false;
    message!.answer(200);
    await allDelivered(id, 3);
    expect([most, seen.slice(1)]).toEqual([1, [second, third]]);
    await operate(id, 'remove');
  });

  it('are sent again at once though the one under way fails and must wait', async () => {
    const id = await endpoint();
    const name = somebody();
    const first = await decide(name, 'given');
    await until('the first', () => seen.length === 1, 15_000);
    const [delivered] = await deliveries(id);
    holds = true;
    const second = await decide(name, 'withdrawn');
    const [message] = await until('the second', () => held.length > 0 && [...held]);
    expect((await lethe.post(`/v1/webhook-deliveries/${delivered.id}/redeliver`, {}, { as: 'admin' })).status).toBe(
      202,
    );
    await pause();
    // It waits for its turn.
    expect([most, seen]).toEqual([1, [first, second]]);
    holds = false;
    message!.answer(500);
    await until('the first again', () => seen.length === 3);
    expect([most, seen]).toEqual([1, [first, second, first]]);
    lethe.clock.advance(60_000);
    await allDelivered(id, 2);
    expect(seen).toEqual([first, second, first, second]);
    await operate(id, 'remove');
  });

  it('stay owed by a lane whose job was replaced while it looked at a disabled endpoint', async () => {
    const id = await endpoint();
    const name = somebody();
    await decide(name, 'given');
    await allDelivered(id, 1);
    // What comes while it is disabled starts a job that leaves; enabling meanwhile must not lose the lane.
    for (let round = 0; round < 12; round += 1) {
      await operate(id, 'disable');
      await decide(name, round % 2 === 0 ? 'withdrawn' : 'given');
      await operate(id, 'enable');
    }
    await allDelivered(id, 13);
    expect([most, seen]).toEqual([1, [...seen].sort((one, other) => one - other)]);
    await operate(id, 'remove');
  });

  it('leave though planned while their endpoint is enabled, which holds up no write of their tenant', async () => {
    const { app } = lethe.server;
    const client = lethe.superuser;
    const id = await endpoint();
    await operate(id, 'disable');
    const ended = async (): Promise<number> =>
      (await client.query(`SELECT FROM job WHERE concurrency_key = $1 AND state = 'done'`, [id])).rowCount!;
    const first = await decide(somebody(), 'given');
    await until('the first lies', async () => (await ended()) === 1);
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const plan = app.get(PlanDeliveries);
    const handle = plan.handle.bind(plan);
    const late = jest.spyOn(plan, 'handle').mockImplementation(async (...step) => {
      await gate;
      return handle(...step);
    });
    const second = await decide(somebody(), 'given');
    // A backlog takes its time: here it waits for one row, and whoever enables the endpoint does not.
    await client.query('BEGIN');
    await client.query('SELECT FROM webhook_delivery WHERE endpoint = $1 FOR UPDATE', [id]);
    await operate(id, 'enable');
    await pause();
    go();
    await until('the job of the second has ended', async () => (await ended()) === 2);
    const third = await decide(somebody(), 'given');
    await client.query('COMMIT');
    late.mockRestore();
    await allDelivered(id, 3);
    expect(new Set(seen)).toEqual(new Set([first, second, third]));
    await operate(id, 'remove');
  });

  it('leave though who enabled their endpoint died before he had started them', async () => {
    const id = await endpoint();
    await operate(id, 'disable');
    await decide(somebody(), 'given');
    const lies = `SELECT FROM webhook_lane WHERE endpoint = $1 AND job IS NULL`;
    await until('it lies', async () => (await lethe.superuser.query(lies, [id])).rowCount === 1);
    await lethe.superuser.query(`UPDATE webhook_endpoint SET status = 'enabled' WHERE id = $1`, [id]);
    await pause();
    expect(seen).toEqual([]);
    lethe.clock.advance(60_000);
    await allDelivered(id, 1);
    await operate(id, 'remove');
  });

  it('leave by another job when the one of their lane is written as nobody here reads it', async () => {
    const { app, parts } = lethe.server;
    const id = await endpoint();
    const name = somebody();
    await decide(name, 'given');
    await allDelivered(id, 1);
    holds = true;
    await decide(name, 'withdrawn');
    const [message] = await until('the second', () => held.length > 0 && [...held]);
    holds = false;
    message!.answer(500);
    const job = async (): Promise<string> => {
      const text = `SELECT j.state FROM webhook_lane l JOIN job j ON j.id = l.job WHERE l.endpoint = $1`;
      return (await lethe.superuser.query<{ state: string }>(text, [id])).rows[0]?.state ?? 'none';
    };
    await until('it waits', async () => (await job()) === 'ready');
    // Of a build that says more in it.
    const more = `UPDATE job SET payload = '{"since":"later"}' WHERE concurrency_key = $1 AND state = 'ready'`;
    await lethe.superuser.query(more, [id]);
    lethe.clock.advance(60_000);
    await until('nobody reads it', async () => (await job()) === 'dead');
    await decide(name, 'given');
    await pause();
    expect([await job(), seen.length]).toEqual(['dead', 2]);
    for (let look = 0; look < 2; look += 1)
      await app.get(JobWorker).dead.settle(parts.database, lethe.tenant.tenant.id, lethe.clock.now());
    await allDelivered(id, 3);
    const { rows } = await lethe.superuser.query(`SELECT FROM job WHERE concurrency_key = $1 AND state = 'dead'`, [id]);
    expect([most, seen.at(-1), rows.length]).toEqual([1, Math.max(...seen), 0]);
    await operate(id, 'remove');
  });

  it('are waited for before a job is entered, so that nobody who enters one waits for them', async () => {
    const client = lethe.superuser;
    const [one, other] = [await endpoint(), await endpoint()];
    const name = somebody();
    await decide(name, 'given');
    for (const id of [one, other]) await allDelivered(id, 1);
    const [delivery] = await deliveries(one);
    const plans = (): Promise<unknown> => decide(name, 'withdrawn');
    const again = (): Promise<unknown> => lethe.post(`/v1/webhook-deliveries/${delivery.id}/redeliver`, {});
    const waits = 'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))';
    for (const [rows, act] of [
      [`webhook_lane WHERE endpoint = '${one}'`, plans],
      [`webhook_lane WHERE endpoint = '${other}'`, plans],
      [`webhook_delivery WHERE id = '${delivery.id}'`, again],
    ] as const) {
      await client.query(`BEGIN; SET LOCAL lock_timeout = '500ms'`);
      await client.query(`SELECT FROM ${rows} FOR UPDATE`);
      const acted = act();
      await until('it waits', async () => (await client.query(waits)).rowCount !== 0);
      expect(await client.query('SELECT FROM job_due FOR UPDATE')).toMatchObject({ rowCount: 1 });
      await client.query('COMMIT');
      await acted;
    }
    for (const id of [one, other]) await allDelivered(id, 3);
    for (const id of [one, other]) await operate(id, 'remove');
  });

  it('are forgotten with an endpoint that is removed in the middle of a step, by the lane or by the chore', async () => {
    const { app, parts } = lethe.server;
    const { id: tenant } = lethe.tenant.tenant;
    const [id, stays] = [await endpoint(), await endpoint()];
    const step = await parts.store.read(tenant, await decide(somebody(), 'given'), 1);
    await allDelivered(id, 1);
    const plan = app.get(PlanDeliveries);
    await plan.handle(step[0]!, step);
    await operate(id, 'remove');
    // The step has listed the endpoints before and goes on.
    const left = async (): Promise<number[]> => {
      const text = `SELECT count(*)::int AS n FROM webhook_delivery WHERE endpoint = $1
                    UNION ALL SELECT count(*)::int FROM webhook_lane WHERE endpoint = $1`;
      return (await lethe.superuser.query<{ n: number }>(text, [id])).rows.map(({ n }) => n);
    };
    await plan.handle(step[0]!, step);
    const jobs = await lethe.superuser.query('SELECT FROM job WHERE concurrency_key = $1', [id]);
    expect(jobs.rowCount).toBe(2);
    await until('nothing is left', async () => String(await left()) === '0,0', 10_000);

    await operate(stays, 'disable');
    await decide(somebody(), 'given');
    await until('one waits', async () => (await deliveries(stays)).some(({ state }) => state === 'pending'));
    // As the lanes of an earlier release left them lying.
    await lethe.superuser.query(
      `WITH lane AS (INSERT INTO webhook_lane (tenant, endpoint, lane) SELECT tenant, $2, lane FROM webhook_lane WHERE endpoint = $1)
       INSERT INTO webhook_delivery (tenant, id, endpoint, lane, position, type, state, created_at)
       SELECT tenant, gen_random_uuid(), $2, lane, position, type, state, created_at FROM webhook_delivery WHERE endpoint = $1`,
      [stays, id],
    );
    await app.get(PruneDeliveries).run(lethe.clock.now());
    expect([await left(), (await deliveries(stays)).some(({ state }) => state === 'pending')]).toEqual([[0, 0], true]);
    await operate(stays, 'remove');
  });
});
