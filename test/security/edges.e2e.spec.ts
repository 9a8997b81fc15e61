/** The edges of the service: limits per class, 401 before the body, limits of size, credentials at rest, a stop that loses nothing. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const PER_MINUTE = 12;

describe('at the edge', () => {
  let lethe: TestServer;
  let limited: RunningServer;
  let again: () => Promise<RunningServer>;

  beforeAll(async () => {
    lethe = await startTestServer();
    const config = { ...lethe.server.parts.config, LETHE_ROLES: ['api' as const], PORT: 0 };
    again = () => startServer(config, { clock: lethe.clock, callsPerMinute: PER_MINUTE });
    limited = await again();
    await lethe.put('/v1/purposes/news', { name: 'n', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
    await lethe.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 't', purposes: ['news'] });
  });
  afterAll(async () => {
    await limited.close();
    await lethe.close();
  });

  interface Said {
    status: number;
    headers: Headers;
    code: string | undefined;
  }
  let calls = 0;
  const post = async (path: string, body: object, key: string, base = limited.baseUrl): Promise<Said> => {
    calls += 1;
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': `edge-${calls}`,
    };
    const response = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return {
      status: response.status,
      headers: response.headers,
      code: ((await response.json()) as { code?: string }).code,
    };
  };
  const subject = { identifiers: [{ type: 'email', value: 'edge@example.test' }] };
  const decide = (decision: string): object => ({
    ...{ subject, decisions: [{ purpose: 'news', decision }], notice: { id: 'n', version: '1' }, method: 'm' },
    ...{ collectedAt: lethe.clock.now().toISOString(), evidence: {} },
  });
  const check = { subject, purpose: 'news' };

  it('a key gets so many calls a class and minute, is told how many are left, and withdrawals have their own', async () => {
    const key = lethe.tenant.keys.system;
    const first = await post('/v1/consents', decide('given'), key);
    expect(first.headers.get('ratelimit-policy')).toBe(`"records";q=${PER_MINUTE};w=60`);
    expect(first.headers.get('ratelimit')).toMatch(new RegExp(`^"records";r=${PER_MINUTE - 1};t=(59|60)$`));
    const answers = await Promise.all(
      Array.from({ length: PER_MINUTE }, () => post('/v1/consents', decide('given'), key)),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect([refused.length, refused[0]?.code]).toEqual([1, 'rate-limited']);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(refused[0]?.headers.get('content-type')).toContain('application/problem+json');
    // Checks and withdrawals still get through; another key is not concerned.
    expect((await post('/v1/consents/check', check, key)).status).toBe(200);
    expect((await post('/v1/consents', decide('withdrawn'), key)).headers.get('ratelimit')).toContain('"withdrawals"');
    expect((await post('/v1/consents', decide('given'), lethe.tenant.keys.officer)).status).toBe(201);
    for (let call = 0; call < PER_MINUTE; call++) await post('/v1/consents/check', check, key);
    expect((await post('/v1/consents/check', check, key)).status).toBe(429);
    expect((await post('/v1/consents', decide('withdrawn'), key)).status).toBe(201);
  });

  it('guesses of credentials are limited by address, and a spelling of the path is no way around', async () => {
    const server = await again();
    try {
      const statuses: number[] = [];
      for (let call = 0; call < PER_MINUTE + 3; call++) {
        const path = call % 2 === 0 ? '/v1/whoami' : '/%76%31/whoami';
        const response = await fetch(server.baseUrl + path, { headers: { authorization: `Bearer guess-${call}` } });
        statuses.push(response.status);
      }
      expect(statuses).toEqual([...Array.from({ length: PER_MINUTE }, () => 401), 429, 429, 429]);
    } finally {
      await server.close();
    }
  });

  /** Opens a connection and writes; resolves to what came back once `until` matches or the connection ended. */
  const talk = (
    server: RunningServer,
    head: string,
    drip?: (socket: Socket) => void,
  ): Promise<{ text: string; ended: boolean; ms: number }> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(server.baseUrl);
      const socket = connect(Number(port), hostname);
      const began = performance.now();
      let text = '';
      const done = (ended: boolean): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve({ text, ended, ms: performance.now() - began });
      };
      const timer = setTimeout(() => done(false), 5000);
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('error', () => done(true));
      socket.on('close', () => done(true));
      socket.write(head);
      drip?.(socket);
    });

  const endless = (socket: Socket): void => {
    const timer = setInterval(
      () => (socket.destroyed ? clearInterval(timer) : socket.write('400\r\n' + 'x'.repeat(1024) + '\r\n')),
      5,
    );
  };
  const post1 = 'POST /v1/consents HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nidempotency-key: k\r\n';

  it('401 comes before the body is read, and a body without end is not listened to', async () => {
    const { text, ended, ms } = await talk(
      lethe.server,
      `${post1}authorization: Bearer none\r\ntransfer-encoding: chunked\r\n\r\n`,
      endless,
    );
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toContain('"code":"unauthenticated"');
    expect(ended).toBe(true);
    expect(ms).toBeLessThan(2000);
  });

  it('a body that is too large is 413 from its announced length, and from its bytes when none was announced', async () => {
    const key = `authorization: Bearer ${lethe.tenant.keys.system}\r\n`;
    const announced = await talk(lethe.server, `${post1}${key}content-length: 99999999\r\n\r\n{`);
    expect(announced.text).toMatch(/^HTTP\/1\.1 413 /);
    expect(announced.text).toContain('"code":"body-too-large"');
    const flowing = await talk(lethe.server, `${post1}${key}transfer-encoding: chunked\r\n\r\n`, (socket) => {
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
      for (let sent = 0; sent < 24; sent++) socket.write(chunk);
    });
    expect(flowing.text).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each([
    ['no HTTP', 'HELLO\r\n\r\n', 400],
    ['a method nobody knows', 'BREW / HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['headers without end', `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'h'.repeat(40_000)}\r\n\r\n`, 431],
    ['a path that is no URL', 'GET /v1/%zz HTTP/1.1\r\nhost: x\r\n\r\n', 400],
    ['two lengths', 'POST /v1/consents HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx', 400],
    [
      'a length and chunks',
      'POST /v1/consents HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s gets a problem document and the connection ends', async (_, head, status) => {
    const { text, ended } = await talk(lethe.server, head);
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text.toLowerCase()).toContain('content-type: application/problem+json');
    expect(text).toMatch(/"code":"[a-z-]+"/);
    expect(ended).toBe(true);
  });

  it('a stop lets a call in flight finish, keeps what it did, and takes no new one', async () => {
    const server = await again();
    const body = JSON.stringify(decide('refused'));
    const key = `authorization: Bearer ${lethe.tenant.keys.system}\r\n`;
    let stopped: Promise<void> | undefined;
    const { text, ms } = await talk(
      server,
      `${post1.replace(': k', ': in-flight')}${key}content-length: ${body.length}\r\n\r\n${body.slice(0, 20)}`,
      (socket) => {
        setTimeout(() => {
          stopped = server.close();
        }, 150);
        setTimeout(() => socket.write(body.slice(20)), 300);
      },
    );
    await stopped;
    expect(text).toMatch(/^HTTP\/1\.1 201 /);
    expect(ms).toBeLessThan(2000);
    const token = /"token":"([^"]+)"/.exec(text)?.[1];
    const { body: answer } = await lethe.post('/v1/consents/check', { ...check, atLeast: token }, { as: 'system' });
    expect(answer.state).toBe('refused');
    await expect(fetch(`${server.baseUrl}/healthz`)).rejects.toThrow();
  });
});

describe('a credential', () => {
  let lethe: TestServer;
  beforeAll(async () => {
    lethe = await startTestServer();
  });
  afterAll(() => lethe.close());
  const issue = async (more: object = {}): Promise<{ id: string; key: string }> =>
    (
      await lethe.post(
        '/v1/admin/api-keys',
        { kind: 'system', label: 'shop', scopes: ['consents:check'], ...more },
        { as: 'admin' },
      )
    ).body;

  it('stands hashed: neither key nor secret is in any table, log entry or answer but the first', async () => {
    const { key } = await issue();
    const secret = key.split('_').at(-1)!;
    const { rows: tables } = await lethe.superuser.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
    );
    for (const { name } of tables) {
      const { rows } = await lethe.superuser.query<{ hits: number }>(
        `SELECT count(*)::int AS hits FROM "${name}" t WHERE strpos(t::text, $1) > 0`,
        [secret],
      );
      expect([name, rows[0]!.hits]).toEqual([name, 0]);
    }
    const list = await lethe.get('/v1/admin/api-keys', { as: 'admin' });
    expect(JSON.stringify(list.body)).not.toContain(secret);
    // Control: the search finds what is there.
    const { rows } = await lethe.superuser.query<{ hits: number }>(
      `SELECT count(*)::int AS hits FROM credential t WHERE strpos(t::text, 'shop') > 0`,
    );
    expect(rows[0]!.hits).toBeGreaterThan(0);
  });

  it('issued twice under one Idempotency-Key is one key, and the repeat is told so without it', async () => {
    const body = { kind: 'system', label: 'once', scopes: ['consents:check'] };
    const call = { as: 'admin', headers: { 'idempotency-key': 'issue-once' } } as const;
    const first = await lethe.post('/v1/admin/api-keys', body, call);
    const repeat = await lethe.post('/v1/admin/api-keys', body, call);
    expect([first.status, repeat.status, repeat.body.code, repeat.body.id]).toEqual([
      201,
      409,
      'key-shown-once',
      first.body.id,
    ]);
    const { items } = (await lethe.get('/v1/admin/api-keys', { as: 'admin' })).body;
    expect(items.filter((item: { label: string }) => item.label === 'once')).toHaveLength(1);
  });

  it('shows when it was used last, and stops by itself when its time is over', async () => {
    const { id, key } = await issue({ label: 'short', expiresInDays: 1 });
    const shown = async (): Promise<string | null> =>
      (await lethe.get('/v1/admin/api-keys', { as: 'admin' })).body.items.find((item: { id: string }) => item.id === id)
        .lastUsedAt;
    expect(await shown()).toBeNull();
    expect((await lethe.get('/v1/whoami', { key })).status).toBe(200);
    // Nobody waits for the note.
    await until('the use is noted', async () => (await shown()) === lethe.clock.now().toISOString(), 5_000);
    lethe.clock.advance(86_400_000);
    // Trust in a verified key is short, and counted in real time.
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await lethe.get('/v1/whoami', { key })).status).toBe(401);
  });

  it('that is wrong gets the same answer whatever is wrong with it', async () => {
    const { id, key } = await issue();
    const parts = key.split('_');
    const altered = [...parts.slice(0, 4), 'a'.repeat(64)].join('_');
    const unknown = [...parts.slice(0, 3), '0'.repeat(16), parts[4]].join('_');
    const stranger = [...parts.slice(0, 2), '0'.repeat(32), ...parts.slice(3)].join('_');
    const live = key.replace('lethe_test_', 'lethe_live_');
    await lethe.post(`/v1/admin/api-keys/${id}/revoke`, {}, { as: 'admin' });
    const answers = await Promise.all(
      [altered, unknown, stranger, live, key, 'x', 'a.b.c', ''].map(async (wrong) => {
        const { status, body } = await lethe.get('/v1/whoami', { key: wrong });
        const { instance: _, ...rest } = body as { instance: string };
        return JSON.stringify([status, rest]);
      }),
    );
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('unauthenticated');
  });

  it('of the same human is the same human: two tokens share the member and what they repeat', async () => {
    const { items } = (await lethe.get('/v1/admin/members', { as: 'admin' })).body;
    const admin = items.find((item: { roles: string[] }) => item.roles.includes('admin'));
    const tokens = [
      await issue({ kind: 'personal', label: 'a', memberId: admin.id, scopes: undefined }),
      await issue({ kind: 'personal', label: 'b', memberId: admin.id, scopes: undefined }),
    ];
    const ids = await Promise.all(
      tokens.map(async ({ key }) => (await lethe.get('/v1/whoami', { key })).body.principal.id),
    );
    expect(ids).toEqual([admin.id, admin.id]);
    const member = { label: 'New', roles: ['auditor'] };
    const made = await Promise.all(
      tokens.map(({ key }) =>
        lethe.post('/v1/admin/members', member, { key, headers: { 'idempotency-key': 'one-human' } }),
      ),
    );
    expect(made[0]!.body).toEqual(made[1]!.body);
  });
});
