/** Humans of a real identity provider: a token of a configured issuer is its member, and nothing else is anybody. */
import { createHmac, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startIssuer, type Issuer } from '../support/oidc-issuer.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

const AUDIENCE = 'https://lethe.example.test/api';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of one's own making. */
function forge(header: object, claims: object, key?: KeyObject): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${key ? sign('sha256', Buffer.from(text), key).toString('base64url') : ''}`;
}

/** RS256's public key used as the secret of HS256. */
function confused(claims: object, key: KeyObject): string {
  const text = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(claims)}`;
  const secret = createPublicKey(key).export({ format: 'pem', type: 'spki' });
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

describe('a token of an identity provider', () => {
  let lethe: TestServer;
  let served: RunningServer;
  let issuer: Issuer;
  let stranger: Issuer;

  beforeAll(async () => {
    // The provider warns of what a test does not need, such as a lasting store.
    for (const method of ['warn', 'info'] as const) jest.spyOn(console, method).mockImplementation(() => undefined);
    [issuer, stranger] = await Promise.all([startIssuer('olga@work', AUDIENCE), startIssuer('olga@work', AUDIENCE)]);
    lethe = await startTestServer();
    // The issuer speaks for a tenant that must exist first: a second process is configured with it.
    const issuers = [
      { issuer: issuer.url, audience: AUDIENCE, tenant: lethe.tenant.tenant.id, jwksUri: `${issuer.url}/jwks` },
    ];
    const config = {
      ...lethe.server.parts.config,
      LETHE_OIDC_ISSUERS: JSON.stringify(issuers),
      LETHE_ROLES: ['api' as const],
      PORT: 0,
    };
    served = await startServer(config, { clock: lethe.clock });
  });
  afterAll(async () => {
    await served.close();
    await lethe.close();
    for (const { server } of [issuer, stranger]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  const call = async (
    path: string,
    key: string,
    body?: object,
    idempotencyKey = `k-${Math.random()}`,
  ): Promise<Pick<TestAnswer, 'status' | 'body'>> => {
    const response = await fetch(served.baseUrl + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body ? { 'content-type': 'application/json', 'idempotency-key': idempotencyKey } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, body: await response.json() };
  };
  const add = (
    label: string,
    subject: string,
    url = issuer.url,
    key?: string,
  ): Promise<Pick<TestAnswer, 'status' | 'body'>> =>
    call(
      '/v1/admin/members',
      lethe.tenant.keys.admin,
      { label, roles: ['privacy-officer'], oidcSubject: { issuer: url, subject } },
      key,
    );
  const claims = (more: object = {}): object => {
    const now = Math.floor(lethe.clock.now().getTime() / 1000);
    return { iss: issuer.url, sub: 'olga@work', aud: AUDIENCE, iat: now, exp: now + 300, ...more };
  };
  const header = { alg: 'RS256', kid: 'one', typ: 'at+jwt' };

  it('is nobody before its human is a member', async () => {
    expect((await call('/v1/whoami', await issuer.token())).status).toBe(401);
  });

  it('is the member with that issuer and subject, with the member’s roles', async () => {
    const member = await add('Olga', 'olga@work');
    expect(member.status).toBe(201);
    const { status, body } = await call('/v1/whoami', await issuer.token());
    expect(status).toBe(200);
    expect(body.principal).toEqual({ kind: 'human', id: member.body.id, roles: ['privacy-officer'], scopes: [] });
    expect(body.tenant.id).toBe(lethe.tenant.tenant.id);
    expect((await call('/v1/admin/members', await issuer.token())).body.code).toBe('forbidden');
  });

  it('is the same human as a personal token of that member', async () => {
    const members = (await call('/v1/admin/members', lethe.tenant.keys.admin)).body.items as {
      id: string;
      label: string;
    }[];
    const olga = members.find(({ label }) => label === 'Olga')!;
    const issue = { kind: 'personal', label: 'laptop', memberId: olga.id };
    const [first, second] = await Promise.all(
      [1, 2].map(() => call('/v1/admin/api-keys', lethe.tenant.keys.admin, issue)),
    );
    const ids = await Promise.all(
      [await issuer.token(), first!.body.key, second!.body.key].map(
        async (key: string) => (await call('/v1/whoami', key)).body.principal.id,
      ),
    );
    expect(new Set(ids)).toEqual(new Set([olga.id]));
  });

  it('links a human once: a second member for the same one is refused, and a repeated call adds nobody', async () => {
    expect((await add('Olga again', 'olga@work')).body.code).toBe('member-exists');
    const once = await add('Pavel', 'pavel@work', issuer.url, 'pavel-1');
    expect((await add('Pavel', 'pavel@work', issuer.url, 'pavel-1')).body).toEqual(once.body);
    expect((await add('Pavel', 'pavel@work', stranger.url)).body.code).toBe('issuer-unknown');
  });

  it('stands nowhere in plain: the issuer’s id of a human is personal data', async () => {
    // With a sign that no ciphertext and no hash has.
    const { rows } = await lethe.superuser.query<{ hits: number }>(
      `SELECT count(*)::int AS hits FROM member WHERE oidc_subject ~ '(olga|pavel)@'`,
    );
    expect(rows[0]!.hits).toBe(0);
    const events = await lethe.superuser.query<{ hits: number }>(
      `SELECT count(*)::int AS hits FROM event WHERE bytes ~ '(olga|pavel)@|127[.]0[.]0[.]1'`,
    );
    expect(events.rows[0]!.hits).toBe(0);
  });

  it('made like the provider’s is taken, so that the refusals below have their own reason', async () => {
    expect((await call('/v1/whoami', forge(header, claims(), issuer.key))).status).toBe(200);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['for another audience', () => forge(header, claims({ aud: 'https://other.example.test' }), issuer.key)],
    ['without an audience', () => forge(header, claims({ aud: undefined }), issuer.key)],
    ['expired', () => forge(header, claims({ exp: Math.floor(Date.now() / 1000) - 3600 }), issuer.key)],
    ['without an expiry', () => forge(header, claims({ exp: undefined }), issuer.key)],
    ['not valid yet', () => forge(header, claims({ nbf: Math.floor(Date.now() / 1000) + 3600 }), issuer.key)],
    ['without a signature (alg none)', () => forge({ alg: 'none', typ: 'JWT' }, claims())],
    ['signed with the public key as a secret (HS256)', () => confused(claims(), issuer.key)],
    ['signed by another provider in this one’s name', () => forge(header, claims(), stranger.key)],
    ['of another provider', () => stranger.token()],
    ['of a human who is no member', () => forge(header, claims({ sub: 'quentin' }), issuer.key)],
    ['without a human', () => forge(header, claims({ sub: undefined }), issuer.key)],
    ['that is no token', () => 'a.b.c'],
    [
      'altered after it was signed',
      async () => (await issuer.token()).replace(/\.[^.]+\./, `.${encode(claims({ sub: 'pavel@work' }))}.`),
    ],
  ])('%s is 401', async (_, token) => {
    const { status, body } = await call('/v1/whoami', await token());
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
  });

  it('is 503, not 401, while the provider’s keys cannot be read for the first time', async () => {
    const dead = [
      {
        issuer: 'http://127.0.0.1:9',
        audience: AUDIENCE,
        tenant: lethe.tenant.tenant.id,
        jwksUri: 'http://127.0.0.1:9/jwks',
      },
    ];
    const config = {
      ...lethe.server.parts.config,
      LETHE_OIDC_ISSUERS: JSON.stringify(dead),
      LETHE_ROLES: ['api' as const],
      PORT: 0,
    };
    const server = await startServer(config, { clock: lethe.clock });
    try {
      const token = forge(header, claims({ iss: 'http://127.0.0.1:9' }), issuer.key);
      const response = await fetch(`${server.baseUrl}/v1/whoami`, { headers: { authorization: `Bearer ${token}` } });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        503,
        'identity-provider-unavailable',
      ]);
    } finally {
      await server.close();
    }
  });
});
