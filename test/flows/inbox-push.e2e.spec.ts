/** A system that is called: the same task, signed, pushed to its endpoint; believed after a second look like any other. */
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createLetheClient, receiveTask, verifyWebhook } from '@lethe/client';
import { byEmail, hasStatus, outcomesOf, requestWhen } from '../support/connected-systems.js';
import { declaredDatasets, taskKey } from '../support/inbox-system.js';
import { inboxTasks, ticking } from '../support/inbox-tasks.js';
import { connectRemote, type RemoteSystem } from '../support/remote-system.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

describe('a system that is called', () => {
  let lethe: TestServer;
  let club: RemoteSystem;
  let stopTicking: () => void;
  const { approved, targetOf } = inboxTasks(() => ({ lethe, club }));

  beforeAll(async () => {
    lethe = await startTestServer();
    club = await connectRemote(lethe);
    stopTicking = ticking(lethe);
  }, 90_000);
  afterEach(() => {
    for (const name of Object.keys(club.manner)) delete club.manner[name as keyof RemoteSystem['manner']];
    club.arrived.length = 0;
  });
  afterAll(async () => {
    stopTicking();
    await club.close();
    await lethe.close();
  });

  const person = async (email: string, id: number): Promise<void> => {
    await club.query('INSERT INTO members VALUES ($1, $2, $2)', [id, email]);
  };

  it('is told to erase, then to look again, each under a signature of its own', async () => {
    const before = await club.snapshot();
    const id = await approved('ines@example.test');
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toEqual([
      ...['bookings erased 2', 'members erased 1', 'notes not-found 0'],
    ]);
    const kept = (rows: unknown[]): unknown[] =>
      rows.filter((row) => (row as { email: string }).email !== 'ines@example.test');
    expect(await club.snapshot()).toEqual(
      Object.fromEntries(Object.entries(before).map(([name, rows]) => [name, kept(rows)])),
    );
    expect(club.arrived.map((one) => one.kind)).toEqual(['apply', 'verify']);
    expect(new Set(club.arrived.map((one) => one.id)).size).toBe(2);
    const { rows } = await lethe.superuser.query(`SELECT count(*) FROM access_entry WHERE purpose = 'task.push'`);
    expect(Number(rows[0].count)).toBe(2);
  }, 90_000);

  it('takes work on with 202, is asked by its handle, and settles nothing before', async () => {
    await person('ana@example.test', 30);
    club.manner.takesOn = true;
    const id = await approved('ana@example.test');
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toContain('members erased 1');
    expect(club.arrived.map((one) => [one.kind, one.handle !== undefined])).toEqual([
      ['apply', false],
      ['apply', true],
      ['verify', false],
    ]);
    expect(club.arrived[1]?.handle).toEqual({ job: club.arrived[1]?.taskId });
  }, 90_000);

  it('keeps the work that it has taken on when a hold comes: what becomes of it is told as it is', async () => {
    await person('gus@example.test', 60);
    Object.assign(club.manner, { takesOn: true, busy: true });
    const id = await approved('gus@example.test');
    await requestWhen(lethe, id, (one) => targetOf(one)?.outcomes?.[0]?.note === 'claimed');
    const placed = await lethe.post('/v1/holds', {
      ...{ ground: 'gdpr-17-3-e', reason: 'A claim is announced.', owner: 'legal', reviewOn: '2099-03-01' },
      scope: { subject: { identifiers: [byEmail('gus@example.test')] } },
    });
    expect(placed.status).toBe(201);
    await lethe.superuser.query('UPDATE inbox_task SET lease_until = clock_timestamp() WHERE request = $1', [id]);
    const asked = club.arrived.length;
    await until('it is asked again', () => club.arrived.length > asked + 1, 30_000);
    club.manner.busy = false;
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toContain('members erased 1');
  }, 90_000);

  it('takes work on and calls back with its key and the fence it was given', async () => {
    await person('bo@example.test', 31);
    club.manner.callsBack = true;
    const id = await approved('bo@example.test');
    await requestWhen(lethe, id, () => club.arrived.length > 0);
    const { taskId, fence } = club.arrived[0]!;
    await requestWhen(lethe, id, (one) => targetOf(one)?.outcomes?.[0]?.note === 'claimed');
    await club.query(`DELETE FROM members WHERE email = 'bo@example.test'`);
    const client = createLetheClient({ baseUrl: lethe.server.baseUrl, key: club.key });
    const outcomes = declaredDatasets.map(({ name }) => ({
      dataset: name,
      kind: 'erased' as const,
      count: name === 'members' ? 1 : 0,
    }));
    const { data } = await client.POST('/v1/tasks/{id}/complete', {
      params: { path: { id: taskId } },
      body: { fence, outcomes },
    });
    expect(data).toMatchObject({ state: 'done', missing: [] });
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toContain('members erased 1');
  }, 90_000);

  it('calls back before its own reply has arrived: what it said under its key stands', async () => {
    await person('bob@example.test', 36);
    const client = createLetheClient({ baseUrl: lethe.server.baseUrl, key: club.key });
    const states: (string | undefined)[] = [];
    club.manner.callsBack = true;
    club.manner.first = async ({ kind, id, fence, datasets }) => {
      if (kind !== 'apply') return;
      await club.query(`DELETE FROM members WHERE email = 'bob@example.test'`);
      const outcomes = datasets.map(({ name }) => ({
        ...{ dataset: name, kind: 'erased' as const, count: name === 'members' ? 1 : 0 },
      }));
      const body = { fence, outcomes };
      states.push((await client.POST('/v1/tasks/{id}/complete', { params: { path: { id } }, body })).data?.state);
    };
    const id = await approved('bob@example.test');
    const request = await requestWhen(lethe, id, (one) => ['closed', 'incomplete'].includes(one.status));
    expect([states, request.status, targetOf(request).failure ?? null]).toEqual([['done'], 'closed', null]);
    expect(outcomesOf(request, club.connectionId)).toContain('members erased 1');
  }, 90_000);

  it('answers with all its records though a part of an earlier answer is here', async () => {
    await person('eli@example.test', 37);
    const client = createLetheClient({ baseUrl: lethe.server.baseUrl, key: club.key });
    club.manner.first = async ({ kind, id, fence }) => {
      if (kind !== 'read') return;
      const content = `${JSON.stringify({ dataset: 'notes', ref: 'old', fields: {} })}\n`;
      const sha256 = createHash('sha256').update(content).digest('hex');
      const body = { fence, part: 0, sha256, content, restart: false };
      await client.POST('/v1/tasks/{id}/records', { params: { path: { id } }, body });
    };
    const id = await approved('eli@example.test', 'access');
    const request = await requestWhen(lethe, id, (one) => ['closed', 'incomplete'].includes(one.status));
    expect([request.status, outcomesOf(request, club.connectionId)]).toEqual([
      'closed',
      ['bookings not-found 0', 'members provided 1', 'notes not-found 0'],
    ]);
  }, 90_000);

  it('lies: what a second look finds is not erased', async () => {
    await person('cy@example.test', 32);
    club.manner.lies = true;
    const id = await approved('cy@example.test');
    const request = await requestWhen(lethe, id, hasStatus('incomplete'));
    expect(targetOf(request).failure.code).toBe('residue');
    expect(outcomesOf(request, club.connectionId).join()).not.toContain('members erased');
  }, 90_000);

  it('fails, and cuts the line after its work: the same effect is asked again under the same key', async () => {
    await person('di@example.test', 33);
    club.manner.fails = { status: 500, times: 1 };
    club.manner.cutsOnce = true;
    const id = await approved('di@example.test');
    const request = await requestWhen(lethe, id, hasStatus('closed'), 30_000);
    const told = club.arrived.filter((one) => one.kind === 'apply');
    expect(told).toHaveLength(3);
    expect(new Set(told.map((one) => one.idempotencyKey)).size).toBe(1);
    // A second look is another call than the deed: never answered from what a system remembers under the deed's key.
    const looks = club.arrived.filter((one) => one.kind === 'verify').map((one) => one.idempotencyKey);
    expect(looks).not.toContain(told[0]?.idempotencyKey);
    expect(new Set(told.map((one) => one.id)).size).toBe(3);
    expect((await club.query(`SELECT * FROM members WHERE email = 'di@example.test'`)).rows).toEqual([]);
    expect(targetOf(request).status).toBe('done');
  }, 90_000);

  it('sends the records of an access request in its answer, and the package counts them', async () => {
    await person('ed@example.test', 34);
    const id = await approved('ed@example.test', 'access');
    const request = await requestWhen(lethe, id, hasStatus('closed'));
    expect(outcomesOf(request, club.connectionId)).toEqual([
      ...['bookings not-found 0', 'members provided 1', 'notes not-found 0'],
    ]);
  }, 90_000);

  it('is not followed elsewhere: a redirect waits for an admin', async () => {
    club.manner.redirectTo = 'http://127.0.0.1:1/';
    const id = await approved('flo@example.test');
    const request = await requestWhen(lethe, id, hasStatus('incomplete'));
    expect(targetOf(request).failure.code).toBe('redirect-refused');
  }, 90_000);

  it('may be inward only by name: other addresses, schemes and credentials in the URL are refused', async () => {
    const body = {
      ...{ name: 'inward', legalEntity: 'Club e.V.', country: 'DE', datasets: declaredDatasets },
      signingSecret: `whsec_${randomBytes(32).toString('base64')}`,
    };
    const declare = async (more: unknown): Promise<unknown[]> => {
      const answer = await lethe.post('/v1/admin/remotes', { ...body, ...(more as object) }, { as: 'admin' });
      return [answer.status, answer.body.errors?.[0]?.code];
    };
    expect(await declare({ endpoint: 'https://10.0.0.7/hook' })).toEqual([422, 'address-refused']);
    expect(await declare({ endpoint: 'https://[::1]/hook' })).toEqual([422, 'address-refused']);
    expect(await declare({ endpoint: 'http://example.test/hook' })).toEqual([422, 'scheme-refused']);
    expect(await declare({ endpoint: 'https://u:p@example.test/hook' })).toEqual([422, 'url-invalid']);
    const own = new URL(lethe.server.parts.config.DATABASE_URL ?? '');
    // Its own store is never a connected system, however this machine is written.
    for (const host of [own.hostname, '127.0.0.1', 'localhost', 'LOCALHOST.', '127.1', '2130706433', '0', '[::1]'])
      for (const spelling of [host, host === '127.1' ? '[::ffff:127.0.0.1]' : 'db.localhost']) {
        const database = { endpoint: `http://${spelling}:${own.port || 5432}/`, allowInward: true };
        expect([spelling, await declare(database)]).toEqual([spelling, [422, 'address-refused']]);
      }
    // Control: another port of this machine may be one.
    expect(await declare({ endpoint: 'http://localhost:8199/hook', allowInward: true })).toEqual([201, undefined]);
  });

  it('verifies what it is sent: wrong secret, changed body, old and foreign calls are refused', async () => {
    const call = (headers: Record<string, string>, body: string): Promise<number> =>
      fetch(`http://127.0.0.1:${club.port}/lethe`, { method: 'POST', headers, body }).then(({ status }) => status);
    const now = Math.floor(lethe.clock.now().getTime() / 1000);
    const forged = { 'webhook-id': 'a', 'webhook-timestamp': String(now), 'webhook-signature': 'v1,AAAA' };
    expect(await call(forged, '{}')).toBe(401);
    expect(await call({}, '{}')).toBe(401);
    expect(await call({ ...forged, 'webhook-timestamp': String(now - 3600) }, '{}')).toBe(401);
    expect(club.refused.slice(-3)).toEqual(['signature-invalid', 'header-missing', 'timestamp-outside-tolerance']);
    // The vector of the Standard Webhooks specification.
    const vector = {
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: '{"test": 2432232314}',
    };
    const options = { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', now: 1614265330_000 };
    expect((await verifyWebhook(vector, options)).payload).toEqual({ test: 2432232314 });
    const changed = { ...vector, body: '{"test": 2432232315}' };
    await expect(receiveTask(changed, options)).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  it('gets another secret and another key: both secrets sign for a day, the old key works no more', async () => {
    const path = `/v1/admin/connections/${club.connectionId}/rebind`;
    const { id: keyId, key } = await taskKey(lethe, 'next worker');
    const signingSecret = `whsec_${randomBytes(32).toString('base64')}`;
    const rebound = await lethe.post(path, { keyId, signingSecret }, { as: 'admin' });
    expect([rebound.status, rebound.body]).toEqual([200, { id: club.connectionId, status: 'enabled' }]);
    const list = (as: string): Promise<TestAnswer> =>
      lethe.get(`/v1/tasks?connectionId=${club.connectionId}`, { key: as });
    expect([(await list(club.key)).status, (await list(key)).status]).toEqual([404, 200]);
    const check = async (): Promise<unknown> =>
      (await lethe.post(`/v1/admin/connections/${club.connectionId}/check`, {}, { as: 'admin' })).body.error?.code;
    // The endpoint still has the old secret only.
    expect(await check()).toBeUndefined();
    lethe.clock.advance(86_400_000 + 1_000);
    expect(await check()).toBe('remote-unauthorised');
    expect((await lethe.post(path, {}, { as: 'admin' })).body.code).toBe('nothing-to-rebind');
    expect((await lethe.post(path, { keyId: '0'.repeat(16) }, { as: 'admin' })).body.code).toBe('key-unusable');
  });
});
