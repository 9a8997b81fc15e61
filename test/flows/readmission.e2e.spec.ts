/** Promise: nobody is locked out of an installation for ever, and the operator makes himself nobody of the office. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Members, Readmission } from '#tenancy';
import { startTestServer, type TestServer } from '../support/test-server.js';

const DAY_MS = 86_400_000;
const admin = { as: 'admin' } as const;

let lethe: TestServer;
beforeEach(async () => {
  lethe = await startTestServer();
});
afterEach(() => lethe.close());

const idOf = async (label: string): Promise<string> => {
  const { rows } = await lethe.superuser.query<{ id: string }>('SELECT id FROM member WHERE label = $1', [label]);
  return rows[0]!.id;
};
const readmit = async (label: string): Promise<string> =>
  (await lethe.server.app.get(Readmission).of(lethe.tenant.tenant, await idOf(label))).key;
const refused = (label: string): Promise<string> =>
  readmit(label).then(
    () => 'let in',
    ({ code }: { code: string }) => code,
  );
const keyFor = async (label: string, key: string): Promise<{ id: string; key: string }> => {
  const wanted = { kind: 'personal', label, memberId: await idOf(label) };
  return (await lethe.post('/v1/admin/api-keys', wanted, { key })).body;
};

describe('when every token has ended', () => {
  it('an admin and an officer are let in once, and the office does the rest itself', async () => {
    lethe.clock.advance(366 * DAY_MS);
    expect((await lethe.get('/v1/admin/members', admin)).status).toBe(401);
    const [first, officer] = [await readmit('admin'), await readmit('officer')];
    expect([await refused('admin'), await refused('officer2')]).toEqual(['somebody-can-enter', 'somebody-can-enter']);
    const second = await keyFor('officer2', first);
    expect((await lethe.post(`/v1/admin/api-keys/${second.id}/confirm`, {}, { key: officer })).status).toBe(200);
    expect((await lethe.get('/v1/admin/settings', { key: second.key })).status).toBe(200);
    lethe.clock.advance(8 * DAY_MS);
    expect((await lethe.get('/v1/admin/settings', { key: officer })).status).toBe(401);
    const facts = await lethe.superuser.query(
      `SELECT 1 FROM event WHERE type = 'CredentialIssued.v1' AND bytes LIKE '%system:operator%'`,
    );
    expect(facts.rows).toHaveLength(2);
  });

  it('a token that nobody confirmed holds nobody out, and lets nobody in by itself', async () => {
    lethe.clock.advance(360 * DAY_MS);
    await keyFor('officer2', lethe.tenant.keys.admin);
    lethe.clock.advance(6 * DAY_MS);
    expect(await refused('officer')).toBe('let in');
  });
});

describe('the operator', () => {
  it('lets nobody in while somebody of the role can come in, be it one who is not the one', async () => {
    expect([await refused('admin'), await refused('officer')]).toEqual(['somebody-can-enter', 'somebody-can-enter']);
    const { body } = await lethe.get('/v1/admin/api-keys', admin);
    const ended = body.items.find((one: { label: string }) => one.label === 'officer');
    await lethe.post(`/v1/admin/api-keys/${ended.id}/revoke`, {}, admin);
    expect(await refused('officer')).toBe('somebody-can-enter');
  });

  it('lets in no auditor, no stranger and nobody who was never confirmed', async () => {
    lethe.clock.advance(360 * DAY_MS);
    await lethe.post('/v1/admin/members', { label: 'planted', roles: ['privacy-officer'] }, admin);
    lethe.clock.advance(6 * DAY_MS);
    expect([await refused('auditor'), await refused('planted')]).toEqual(['not-found', 'never-confirmed']);
    const of = lethe.server.app.get(Readmission).of(lethe.tenant.tenant, '01890000-0000-7000-8000-000000000000');
    await expect(of).rejects.toMatchObject({ code: 'not-found' });
  });

  it('lets nobody in beside those who come by an identity provider', async () => {
    const oidcSubject = { issuer: 'https://id.example.test', subject: 'one' };
    const wanted = { label: 'by provider', roles: ['privacy-officer' as const], oidcSubject };
    await lethe.server.app.get(Members).add(lethe.tenant.tenant.id, { actorRef: 'system' }, wanted);
    lethe.clock.advance(366 * DAY_MS);
    expect([await refused('officer'), await refused('admin')]).toEqual(['somebody-can-enter', 'let in']);
  });
});
