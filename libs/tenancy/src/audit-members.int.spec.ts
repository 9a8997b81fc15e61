/** A right that somebody gave in the database, and not by the service, is named: of members and of keys. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import { startTestServer, type TestServer } from '../../../test/support/test-server.js';
import { auditMembers } from './audit-members.js';

const TABLES = ['member', 'credential'];

let lethe: TestServer;
let tenant: TenantId;
/** By what became of them. */
let members: Record<'changed' | 'granted' | 'removed', string>;
let keys: Record<'system' | 'minted' | 'revoked', string>;

async function call(path: string, body: object = {}, as: 'admin' | 'officer' = 'admin'): Promise<string> {
  const answer = await lethe.post(`/v1/${path}`, body, { as });
  expect([path, Math.floor(answer.status / 100)]).toEqual([path, 2]);
  return answer.body.id;
}
const add = (...roles: string[]): Promise<string> => call('admin/members', { label: 'x', roles });
const issue = (body: object): Promise<string> => call('admin/api-keys', { label: 'x', ...body });

beforeAll(async () => {
  lethe = await startTestServer({ environment: { LETHE_ROLES: 'api' } });
  tenant = lethe.tenant.tenant.id;
  const [changed, granted, removed] = [await add('privacy-officer'), await add('auditor'), await add('admin')];
  await call(`admin/members/${changed}/roles`, { roles: ['auditor'] });
  for (const id of [changed, granted]) await call(`admin/members/${id}/confirm`, {}, 'officer');
  await call(`admin/members/${granted}/roles`, { roles: ['auditor', 'privacy-officer'] });
  await call(`admin/members/${removed}/remove`);
  const system = await issue({ kind: 'system', scopes: ['consents:read'] });
  const minted = await issue({ kind: 'personal', memberId: granted });
  const confirmed = await issue({ kind: 'personal', memberId: changed });
  await call(`admin/api-keys/${confirmed}/confirm`, {}, 'officer');
  const revoked = await issue({ kind: 'system', scopes: ['consents:read'] });
  await call(`admin/api-keys/${revoked}/revoke`);
  members = { changed, granted, removed };
  keys = { system, minted, revoked };
  for (const table of TABLES) await lethe.superuser.query(`CREATE TABLE good_${table} AS SELECT * FROM ${table}`);
}, 60_000);
afterAll(() => lethe.close());
afterEach(async () => {
  for (const table of TABLES)
    await lethe.superuser.query(`DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM good_${table}`);
});

const found = async (): Promise<string[]> =>
  (await auditMembers(lethe.server.parts.database, tenant)).map(({ where, what }) => `${where} ${what}`);
const change = (table: string, set: string, id: string): Promise<unknown> =>
  lethe.superuser.query(`UPDATE ${table} SET ${set} WHERE id = $1`, [id]);

describe('the audit of members and keys', () => {
  it('finds nothing where everything was done by the service', async () => {
    expect(await found()).toEqual([]);
  });

  it.each<[string, keyof typeof members]>([
    [`roles = '{auditor,admin}'`, 'changed'],
    [`roles = '{privacy-officer}'`, 'changed'],
    [`vouched_by = 'migration', added_by = NULL`, 'granted'],
    ['removed_at = NULL', 'removed'],
  ])('names a member: %s of the %s one', async (set, which) => {
    await change('member', set, members[which]);
    expect(await found()).toEqual([`member ${members[which]} is not what its leaves say`]);
  });

  it.each<[string, keyof typeof keys]>([
    [`scopes = '{consents:read,consents:write}'`, 'system'],
    [`kind = 'personal', member = (SELECT min(id::text)::uuid FROM member)`, 'system'],
    [`expires_at = 'infinity'`, 'system'],
    [`member = (SELECT min(id::text)::uuid FROM member)`, 'minted'],
    [`vouched_by = 'installer'`, 'minted'],
    ['revoked_at = NULL', 'revoked'],
  ])('names a key: %s of the %s one', async (set, which) => {
    await change('credential', set, keys[which]);
    expect(await found()).toEqual([`credential ${keys[which]} is not what its leaves say`]);
  });

  it.each([
    ['member', 'gen_random_uuid()', () => members.changed],
    ['credential', `'0123456789abcdef'`, () => keys.system],
  ])('names a %s that was added', async (table, id, of) => {
    await change(table, `id = ${id}`, of());
    expect(await found()).toEqual([expect.stringMatching(`^${table} .* has no leaf$`)]);
  });

  it('names a member whose planted role the service has passed on since: nobody has confirmed it', async () => {
    const { changed } = members;
    await change('member', `roles = '{auditor,privacy-officer}'`, changed);
    await call(`admin/members/${changed}/roles`, { roles: ['privacy-officer'] });
    expect(await found()).toEqual([`member ${changed} is not what its leaves say`]);
  });
});
