/** Tokens that bring their own key, name another tenant or come by another way: nobody. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startIssuer, type Issuer } from '../support/oidc-issuer.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const AUDIENCE = 'https://lethe.example.test/api';
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

let lethe: TestServer;
let other: BootstrappedTenant;
let served: RunningServer;
let issuers: [Issuer, Issuer];
let attacker: { key: KeyObject; jwk: object; server: Server; url: string; asked: number };

beforeAll(async () => {
  // The provider warns of what a test does not need, such as a lasting store.
  for (const method of ['warn', 'info'] as const) jest.spyOn(console, method).mockImplementation(() => undefined);
  issuers = [await startIssuer('olga', AUDIENCE), await startIssuer('olga', AUDIENCE)];
  attacker = await startAttacker();
  lethe = await startTestServer();
  other = await bootstrapTenant(lethe.server.app, { name: 'Other', mode: 'test' });
  const tenants = [lethe.tenant.tenant.id, other.tenant.id];
  const known = issuers.map(({ url }, at) => ({
    issuer: url,
    audience: AUDIENCE,
    tenant: tenants[at],
    jwksUri: `${url}/jwks`,
  }));
  const roles = { LETHE_ROLES: ['api' as const], PORT: 0 };
  const config = { ...lethe.server.parts.config, LETHE_OIDC_ISSUERS: JSON.stringify(known), ...roles };
  served = await startServer(config, { clock: lethe.clock });
  // The same subject is a member of both tenants, by the issuer of each.
  for (const [at, keys] of [lethe.tenant.keys, other.keys].entries()) {
    const oidcSubject = { issuer: issuers[at]!.url, subject: 'olga' };
    const added = await ask('/v1/admin/members', keys.admin, { label: `Olga ${at}`, roles: ['auditor'], oidcSubject });
    expect(added.status).toBe(201);
  }
});
afterAll(async () => {
  await served.close();
  await lethe.close();
  for (const server of [...issuers.map((one) => one.server), attacker.server]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A key of one's own, and a place where it can be had. */
async function startAttacker(): Promise<typeof attacker> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' };
  const server = createServer((_, response) => {
    attacker.asked += 1;
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return { key: privateKey, jwk, server, url, asked: 0 };
}

async function ask(path: string, key: string, body?: object): Promise<{ status: number; body: never }> {
  const response = await fetch(served.baseUrl + path, {
    method: body ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${key}`,
      ...(body ? { 'content-type': 'application/json', 'idempotency-key': `k-${Math.random()}` } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as never };
}

function token(header: object, more: object, key: KeyObject): string {
  const now = Math.floor(lethe.clock.now().getTime() / 1000);
  const claims = { iss: issuers[0].url, sub: 'olga', aud: AUDIENCE, iat: now, exp: now + 300, ...more };
  const text = `${encode({ alg: 'RS256', kid: 'one', ...header })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

describe('a token', () => {
  it('(control) of the issuer is its member, in the tenant the issuer speaks for', async () => {
    for (const [at, id] of [lethe.tenant.tenant.id, other.tenant.id].entries()) {
      const mine = token({}, { iss: issuers[at]!.url }, issuers[at]!.key);
      const { status, body } = await ask('/v1/whoami', mine);
      expect([status, (body as { tenant: { id: string } }).tenant.id]).toEqual([200, id]);
    }
  });

  it.each<[string, () => string]>([
    ['brings its own key (jwk)', () => token({ jwk: attacker.jwk }, {}, attacker.key)],
    ['says where its key is (jku)', () => token({ jku: attacker.url }, {}, attacker.key)],
    ['says where its certificate is (x5u)', () => token({ x5u: attacker.url }, {}, attacker.key)],
    ['names a file as its key', () => token({ kid: '../../../../dev/null' }, {}, attacker.key)],
    ['asks for an extension nobody knows (crit)', () => token({ crit: ['exp2'], exp2: 1 }, {}, issuers[0].key)],
    ['is signed by the other tenant’s issuer', () => token({}, {}, issuers[1].key)],
    ['names the other issuer and is signed by the first', () => token({}, { iss: issuers[1].url }, issuers[0].key)],
    [
      'has a tenant of its own wish',
      () => token({}, { iss: 'https://evil.example.test', tenant: 'x' }, issuers[0].key),
    ],
    ['has a list of issuers', () => token({}, { iss: [issuers[0].url] }, issuers[0].key)],
  ])('that %s is nobody', async (_, made) => {
    const { status, body } = await ask('/v1/whoami', made());
    expect([status, (body as { code: string }).code]).toEqual([401, 'unauthenticated']);
  });

  it('made nobody ask the attacker for a key', () => {
    expect(attacker.asked).toBe(0);
  });

  it('with roles, scopes or a tenant in its claims has those of its member all the same', async () => {
    const wished = { roles: ['admin'], scope: 'admin', tenant: other.tenant.id, mode: 'live' };
    const { body } = await ask('/v1/whoami', token({}, wished, issuers[0].key));
    const { principal, tenant } = body as { principal: { roles: string[]; scopes: string[] }; tenant: { id: string } };
    expect([principal.roles, principal.scopes, tenant.id]).toEqual([['auditor'], [], lethe.tenant.tenant.id]);
  });
});
