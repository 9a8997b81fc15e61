/** Two accounts of one human, and a human who is not there any more: what tokens of an identity provider may approve. */
import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startIssuer, type Issuer } from '../support/oidc-issuer.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { addMember, approvalsOf, expectRefused, mint, planned } from './two-person.js';

const AUDIENCE = 'https://lethe.example.test/api';
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

let lethe: TestServer;
let served: RunningServer;
let issuer: Issuer;

beforeAll(async () => {
  // The provider warns of what a test does not need, such as a lasting store.
  for (const method of ['warn', 'info'] as const) jest.spyOn(console, method).mockImplementation(() => undefined);
  issuer = await startIssuer('olga', AUDIENCE);
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
  const { id } = lethe.tenant.tenant;
  const issuers = [{ issuer: issuer.url, audience: AUDIENCE, tenant: id, jwksUri: `${issuer.url}/jwks` }];
  const roles = { LETHE_ROLES: ['api' as const], PORT: 0 };
  const config = { ...lethe.server.parts.config, LETHE_OIDC_ISSUERS: JSON.stringify(issuers), ...roles };
  served = await startServer(config, { clock: lethe.clock });
});
afterAll(async () => {
  await served.close();
  await lethe.close();
  issuer.server.closeAllConnections();
  await new Promise((resolve) => issuer.server.close(resolve));
});

/** A token as the provider would sign it; `authAgo`: seconds since the human proved to be there. */
function token(
  sub: string,
  { authAgo, email }: { authAgo?: number; email?: { address: string; verified: boolean } },
): string {
  const now = Math.floor(lethe.clock.now().getTime() / 1000);
  const claims = {
    ...{ iss: issuer.url, sub, aud: AUDIENCE, iat: now, exp: now + 300 },
    ...(authAgo === undefined ? {} : { auth_time: now - authAgo }),
    ...(email ? { email: email.address, email_verified: email.verified } : {}),
  };
  const text = `${encode({ alg: 'RS256', kid: 'one', typ: 'at+jwt' })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), issuer.key).toString('base64url')}`;
}

const approveBy = async (id: string, planHash: string, key: string): Promise<TestAnswer> => {
  const response = await fetch(`${served.baseUrl}/v1/requests/${id}/approve`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'idempotency-key': `k-${Math.random()}`,
    },
    body: JSON.stringify({ planHash }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
};

const linked = async (label: string, subject: string, confirmedBy?: 'officer' | 'officer2'): Promise<string> => {
  const body = { label, roles: ['privacy-officer'], oidcSubject: { issuer: issuer.url, subject } };
  const response = await fetch(`${served.baseUrl}/v1/admin/members`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${lethe.tenant.keys.admin}`,
      'content-type': 'application/json',
      'idempotency-key': `k-${label}`,
    },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  const { id } = (await response.json()) as { id: string };
  if (confirmedBy)
    expect((await lethe.post(`/v1/admin/members/${id}/confirm`, {}, { as: confirmedBy })).status).toBe(200);
  return id;
};

describe('a token of an identity provider', () => {
  it('of a member whom only the admin has made approves nothing', async () => {
    const id = await linked('Alt', 'alt');
    const plan = await planned(lethe, 'alt-1@example.test');
    const answer = await approveBy(plan.id, plan.hash, token('alt', { authAgo: 10 }));
    await expectRefused(lethe, answer, [403, 'credential-unconfirmed'], plan.id);
    const confirm = `/v1/admin/members/${id}/confirm`;
    await expectRefused(lethe, await lethe.post(confirm, {}, { as: 'admin' }), [403, 'forbidden'], id);
    expect((await lethe.post(confirm, {})).status).toBe(200);
    expect((await approveBy(plan.id, plan.hash, token('alt', { authAgo: 10 }))).body).toMatchObject({ approvals: 1 });
  });

  it.each<[string, number | undefined]>([
    ['does not say when the human signed in', undefined],
    ['is of a sign-in six minutes ago', 360],
    ['is of a sign-in in the future', -3600],
  ])('that %s asks for another sign-in', async (_, authAgo) => {
    const plan = await planned(lethe, `step-up-${authAgo ?? 'none'}@example.test`);
    const stale = token('alt', authAgo === undefined ? {} : { authAgo });
    await expectRefused(lethe, await approveBy(plan.id, plan.hash, stale), [403, 'step-up-required'], plan.id);
    expect(await approvalsOf(lethe, plan.id)).toBe(0);
    expect((await approveBy(plan.id, plan.hash, token('alt', { authAgo: 299 }))).status).toBe(200);
  });
});

describe('two accounts of one human', () => {
  const email = { address: 'Rita@Example.test', verified: true };

  it('with one verified e-mail address approve once', async () => {
    await linked('Rita', 'rita', 'officer');
    await linked('Rita two', 'rita-two', 'officer2');
    const { id, hash } = await planned(lethe, 'rita-1@example.test');
    expect((await approveBy(id, hash, token('rita', { authAgo: 1, email }))).body).toMatchObject({ approvals: 1 });
    const two = token('rita-two', { authAgo: 1, email: { ...email, address: 'rita@example.test' } });
    await expectRefused(lethe, await approveBy(id, hash, two), [409, 'approver-repeated'], id);
    expect(await approvalsOf(lethe, id)).toBe(1);
  });

  it('with a token and an account approve once, and what was approved before the address was known counts', async () => {
    const added = await addMember(lethe, 'Sam');
    const minted = await mint(lethe, added.body.id);
    expect((await lethe.post(`/v1/admin/api-keys/${minted.id}/confirm`, {})).status).toBe(200);
    await linked('Sam elsewhere', 'sam', 'officer');
    const { id, hash } = await planned(lethe, 'sam-1@example.test');
    const address = { address: 'sam@example.test', verified: true };
    expect((await approveBy(id, hash, token('sam', { authAgo: 1 }))).body).toMatchObject({ approvals: 1 });
    // The first account's address becomes known only afterwards, by a link through the second.
    const marks = [{ type: 'email', value: 'sam@example.test' }];
    const third = await addMember(lethe, 'Sam again', { identifiers: marks });
    const own = await mint(lethe, third.body.id);
    expect((await lethe.post(`/v1/admin/api-keys/${own.id}/confirm`, {})).status).toBe(200);
    await fetch(`${served.baseUrl}/v1/whoami`, {
      headers: { authorization: `Bearer ${token('sam', { email: address })}` },
    });
    const again = await lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { key: own.key });
    await expectRefused(lethe, again, [409, 'approver-repeated'], id);
    // Control: an address that nobody has verified joins nobody.
    const other = token('rita', { authAgo: 1, email: { address: 'sam@example.test', verified: false } });
    expect((await approveBy(id, hash, other)).body).toMatchObject({ approvals: 2 });
  });

  it('leaves no address anywhere', async () => {
    for (const table of ['event', 'member_mark', 'member'])
      expect((await lethe.superuser.query(`SELECT 1 FROM ${table} t WHERE t::text ~* 'rita@|sam@'`)).rows).toEqual([]);
  });
});
