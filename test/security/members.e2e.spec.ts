/** Who leaves the office, and whose roles change: no right outlives the person's place, and none grows in one pair of hands. */
import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '#ledger';
import { Caller } from '#platform';
import { Confirm } from '../../libs/tenancy/src/confirm.js';
import { MemberMarks } from '../../libs/tenancy/src/member-marks.js';
import { Principals } from '../../libs/tenancy/src/principals.js';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { startIssuer, type Issuer } from '../support/oidc-issuer.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { addMember, approvalsOf, codeOf, memberId, mint, planned } from './two-person.js';

const AUDIENCE = 'https://lethe.example.test/api';

let lethe: TestServer;
/** Another replica, that knows the identity provider. */
let served: RunningServer;
let issuer: Issuer;

beforeAll(async () => {
  for (const method of ['warn', 'info'] as const) jest.spyOn(console, method).mockImplementation(() => undefined);
  issuer = await startIssuer('olga', AUDIENCE);
  lethe = await startTestServer();
  const issuers = [
    { issuer: issuer.url, audience: AUDIENCE, tenant: lethe.tenant.tenant.id, jwksUri: `${issuer.url}/jwks` },
  ];
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

function token(sub: string): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(lethe.clock.now().getTime() / 1000);
  const claims = { iss: issuer.url, sub, aud: AUDIENCE, iat: now, exp: now + 300, auth_time: now };
  const text = `${encode({ alg: 'RS256', kid: 'one' })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), issuer.key).toString('base64url')}`;
}

/** A call to the other replica. */
async function there(path: string, key: string, body?: object): Promise<Pick<TestAnswer, 'status' | 'body'>> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `k-${Math.random()}` };
  const response = await fetch(served.baseUrl + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, ...(body ? headers : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: await response.json() };
}

const remove = (id: string, as: 'admin' | 'officer' = 'admin'): Promise<TestAnswer> =>
  lethe.post(`/v1/admin/members/${id}/remove`, {}, { as });
const setRoles = (id: string, roles: string[], call: object = { as: 'admin' }): Promise<TestAnswer> =>
  lethe.post(`/v1/admin/members/${id}/roles`, { roles }, call);
const linked = async (label: string, subject: string): Promise<string> => {
  const body = { label, roles: ['privacy-officer'], oidcSubject: { issuer: issuer.url, subject } };
  const { status, body: member } = await there('/v1/admin/members', lethe.tenant.keys.admin, body);
  expect(status).toBe(201);
  return member.id;
};
const confirm = async (id: string): Promise<void> =>
  expect((await lethe.post(`/v1/admin/members/${id}/confirm`, {}, { as: 'officer2' })).status).toBe(200);

const entrusted = async (label: string, role: string): Promise<{ id: string; key: string }> => {
  const { id } = (await addMember(lethe, label, { roles: [role] })).body;
  const token = await mint(lethe, id);
  expect((await lethe.post(`/v1/admin/api-keys/${token.id}/confirm`, {}, { as: 'officer2' })).status).toBe(200);
  return { id, key: token.key };
};
/** What may be approved, and with which body. */
async function plannedPath(email: string): Promise<[string, object]> {
  const { id, hash } = await planned(lethe, email);
  return [`/v1/requests/${id}`, { planHash: hash }];
}
async function proposedPath(): Promise<[string, object]> {
  const wanted = { name: 'two-person-erasure', value: 'off' };
  const { body } = await lethe.post('/v1/admin/settings/changes', wanted, { as: 'admin' });
  return [`/v1/admin/settings/changes/${body.id}`, {}];
}
const countOf = async (type: string): Promise<number | null> =>
  (await lethe.superuser.query('SELECT FROM event WHERE type = $1', [type])).rowCount;

describe('a role that one admin grants', () => {
  it('approves nothing before an officer who is neither of them has confirmed it', async () => {
    // An admin who is trusted as admin makes themselves officer, with the token they have.
    const admin = await memberId(lethe, 'admin');
    const { body } = await setRoles(admin, ['admin', 'privacy-officer']);
    expect(body).toEqual({ id: admin, roles: ['admin', 'privacy-officer'], confirmed: false });
    const { id, hash } = await planned(lethe, 'granted@example.test');
    const approve = (): Promise<TestAnswer> =>
      lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { as: 'admin' });
    expect(codeOf(await approve())).toEqual([403, 'credential-unconfirmed']);
    const vouch = (as: 'admin' | 'officer'): Promise<TestAnswer> =>
      lethe.post(`/v1/admin/members/${admin}/confirm`, {}, { as });
    expect((await vouch('admin')).status).toBe(403);
    expect((await vouch('officer')).status).toBe(200);
    expect((await approve()).status).toBe(200);
    // Taking a role away needs nobody's trust, and is in force at once.
    expect((await setRoles(admin, ['admin'])).body).toEqual({ id: admin, roles: ['admin'], confirmed: true });
    expect(codeOf(await approve())).toEqual([403, 'forbidden']);
  });

  it('between the look and the word of whoever confirms is not confirmed with it', async () => {
    const id = (await addMember(lethe, 'Raced', { roles: ['auditor'] })).body.id;
    const { app, parts } = lethe.server;
    const principal = await app.get(Principals).authenticate(lethe.tenant.keys.officer);
    let granted = false;
    const fetch: Database['fetch'] = async (tenant, statement) => {
      const seen = await parts.database.fetch(tenant, statement);
      if (!granted && / FROM member /.test(statement.text)) {
        granted = true;
        expect((await setRoles(id, ['auditor', 'privacy-officer'])).status).toBe(200);
      }
      return seen as never;
    };
    const database = Object.create(parts.database, { fetch: { value: fetch } }) as Database;
    const confirming = new Confirm(database, parts.store, app.get(MemberMarks), app.get(Principals), lethe.clock);
    await expect(confirming.member(new Caller(principal!), id)).rejects.toMatchObject({ name: 'VersionConflict' });
    const { items } = (await lethe.get('/v1/admin/members', { as: 'admin' })).body;
    expect(items.find((one: { id: string }) => one.id === id).confirmed).toBe(false);
  });

  it('is a fact with what was before', async () => {
    const id = (await addMember(lethe, 'Changing')).body.id;
    await setRoles(id, ['auditor']);
    expect(await setRoles(id, ['auditor'])).toMatchObject({ status: 200, body: { roles: ['auditor'] } });
    const { store } = lethe.server.parts;
    const facts = await store.load(lethe.tenant.tenant.id, `member/${id}`);
    expect(facts.map(({ type, data }) => [type, data['before'], data['after']])).toEqual([
      ['MemberAdded.v1', undefined, undefined],
      ['MemberChanged.v1', { roles: ['privacy-officer'] }, { roles: ['auditor'] }],
    ]);
  });
});

describe('a change of a setting that waits for its day', () => {
  const setting = async (): Promise<TestAnswer['body']> =>
    (await lethe.get('/v1/admin/settings', { as: 'auditor' })).body.items[0];

  it.each([
    ['its proposer is removed', 'proposer', 'remove', {}],
    ['its approver may approve no more', 'approver', 'roles', { roles: ['auditor'] }],
  ] as const)('ends when %s, and not with the place of another', async (_, who, how, body) => {
    const [proposer, approver] = [await entrusted('First', 'admin'), await entrusted('Second', 'privacy-officer')];
    const wanted = { name: 'two-person-erasure', value: 'off' };
    const change = (await lethe.post('/v1/admin/settings/changes', wanted, { key: proposer.key })).body;
    const approved = await lethe.post(`/v1/admin/settings/changes/${change.id}/approve`, {}, { key: approver.key });
    expect(approved.body.status).toBe('approved');
    expect((await remove((await entrusted('Third', 'privacy-officer')).id)).status).toBe(200);
    expect((await setting()).open.status).toBe('approved');
    const { id } = { proposer, approver }[who];
    expect((await lethe.post(`/v1/admin/members/${id}/${how}`, body, { as: 'admin' })).status).toBe(200);
    expect(await setting()).toMatchObject({ value: 'on', open: null });
    lethe.clock.advance(25 * 3_600_000);
    expect((await setting()).value).toBe('on');
    for (const one of [proposer, approver]) await remove(one.id);
  });
});

describe('a member who is removed', () => {
  it('has no token and no sign-in any more, here at once and on the other replica after two seconds', async () => {
    const id = await linked('Leaver', 'leaver');
    const { id: tokenId, key } = await mint(lethe, id);
    expect([(await lethe.get('/v1/whoami', { key })).status, (await there('/v1/whoami', key)).status]).toEqual([
      200, 200,
    ]);
    expect((await there('/v1/whoami', token('leaver'))).status).toBe(200);
    expect((await remove(id)).body).toEqual({ id, removed: true });
    expect((await lethe.get('/v1/whoami', { key })).status).toBe(401);
    expect((await there('/v1/whoami', token('leaver'))).status).toBe(401);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await there('/v1/whoami', key)).status).toBe(401);
    const { items } = (await lethe.get('/v1/admin/api-keys', { as: 'admin' })).body;
    expect(items.find((one: { id: string }) => one.id === tokenId).revokedAt).toBe(lethe.clock.now().toISOString());
    expect((await remove(id)).status).toBe(404);
  });

  it.each([
    ['an erasure', 'RequestApproved.v1', 403, () => plannedPath('on-its-way@example.test')],
    ['a setting', 'SettingChangeApproved.v1', 409, () => proposedPath()],
  ] as const)('approves nothing that is on its way: %s', async (_, type, status, prepare) => {
    const [path, body] = await prepare();
    const { id, key } = await entrusted('Late', 'privacy-officer');
    const { store } = lethe.server.parts;
    const append = store.append.bind(store);
    const before = await countOf(type);
    store.append = async (input) => {
      if (!input.events.some((one) => one.type === type)) return append(input);
      store.append = append;
      expect((await remove(id)).status).toBe(200);
      return append(input);
    };
    expect((await lethe.post(`${path}/approve`, body, { key })).status).toBe(status);
    expect(await countOf(type)).toBe(before);
    if (type === 'SettingChangeApproved.v1') await lethe.post(`${path}/cancel`, {});
  });

  it('and added again is no second human: what they approved before is not approved twice', async () => {
    const first = await linked('Twice', 'twice');
    await confirm(first);
    const { id, hash } = await planned(lethe, 'twice@example.test');
    const approve = (): Promise<Pick<TestAnswer, 'status' | 'body'>> =>
      there(`/v1/requests/${id}/approve`, token('twice'), { planHash: hash });
    expect((await approve()).body).toMatchObject({ approvals: 1 });
    await remove(first);
    await confirm(await linked('Twice again', 'twice'));
    expect(await approve()).toMatchObject({ status: 409, body: { code: 'approver-repeated' } });
    expect(await approvalsOf(lethe, id)).toBe(1);
  });

  it('is removed by admins only, and never the last admin: of two who remove each other one stays', async () => {
    const admin = await memberId(lethe, 'admin');
    expect((await remove(admin, 'officer')).status).toBe(403);
    expect(codeOf(await remove(admin))).toEqual([409, 'last-admin']);
    expect(codeOf(await setRoles(admin, ['auditor']))).toEqual([409, 'last-admin']);
    const other = (await addMember(lethe, 'Second admin', { roles: ['admin'] })).body.id;
    const { key } = await mint(lethe, other);
    const answers = await Promise.all([remove(other), lethe.post(`/v1/admin/members/${admin}/remove`, {}, { key })]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { items } = (await lethe.get('/v1/admin/members', { as: 'auditor' })).body;
    expect(items.filter((one: { roles: string[] }) => one.roles.includes('admin'))).toHaveLength(1);
  });
});
