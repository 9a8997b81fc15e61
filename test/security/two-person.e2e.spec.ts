/** Every way around the second human that we know: each is refused, and each attempt is a fact that an auditor finds. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { newId } from '#kernel';
import { scopeGrants } from '#platform';
import { approve, closed, openProven, planOf } from '../support/connected-systems.js';
import { quietPort } from '../support/quiet-port.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import {
  addMember,
  approvalsOf,
  codeOf,
  expectRefused,
  memberId,
  mint,
  planned,
  refusals,
  typesIn,
} from './two-person.js';

type Answer = TestAnswer['body'];
const HOUR = 3_600_000;

let lethe: TestServer;

beforeAll(async () => {
  lethe = await startTestServer({ now: new Date('2026-11-02T09:00:00Z') });
}, 60_000);
afterAll(() => lethe.close());

const approveWith = (id: string, hash: string, key: string): Promise<TestAnswer> =>
  lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { key });

describe('a minted key', () => {
  it('of an existing officer approves nothing before another officer has vouched for it', async () => {
    const { id, hash } = await planned(lethe, 'minted-1@example.test');
    const minted = await mint(lethe, await memberId(lethe, 'officer'));
    await expectRefused(lethe, await approveWith(id, hash, minted.key), [403, 'credential-unconfirmed'], id);
    const no = { exception: 'gdpr-17-3-b', resolution: 'refused', reason: 'A duty.' };
    const refused = await lethe.post(`/v1/requests/${id}/refuse`, no, { key: minted.key });
    await expectRefused(lethe, refused, [403, 'credential-unconfirmed'], id);
    expect(await approvalsOf(lethe, id)).toBe(0);
    // Neither the one who minted it, nor itself, nor the human it is made for vouches for it.
    const confirm = `/v1/admin/api-keys/${minted.id}/confirm`;
    await expectRefused(lethe, await lethe.post(confirm, {}, { as: 'admin' }), [403, 'forbidden'], minted.id);
    await expectRefused(
      lethe,
      await lethe.post(confirm, {}, { key: minted.key }),
      [403, 'credential-unconfirmed'],
      minted.id,
    );
    await expectRefused(lethe, await lethe.post(confirm, {}), [403, 'self-vouched'], minted.id);
    // Control: vouched for, it is the officer; once, because both keys are one human.
    expect((await lethe.post(confirm, {}, { as: 'officer2' })).status).toBe(200);
    expect((await approveWith(id, hash, minted.key)).body).toMatchObject({ approvals: 1 });
    await expectRefused(lethe, await approve(lethe, id, hash), [409, 'approver-repeated'], id);
    expect(codeOf(await lethe.post(confirm, {}, { as: 'officer2' }))).toEqual([409, 'already-confirmed']);
  });

  it('of a new officer neither, nor does the new officer vouch for anybody', async () => {
    const { id, hash } = await planned(lethe, 'minted-2@example.test');
    const added = await addMember(lethe, 'Nobody');
    expect(added.body.confirmed).toBe(false);
    const [one, two] = [await mint(lethe, added.body.id), await mint(lethe, await memberId(lethe, 'officer2'))];
    for (const { key } of [one, two])
      await expectRefused(lethe, await approveWith(id, hash, key), [403, 'credential-unconfirmed'], id);
    const cross = await lethe.post(`/v1/admin/api-keys/${two.id}/confirm`, {}, { key: one.key });
    await expectRefused(lethe, cross, [403, 'credential-unconfirmed'], two.id);
    expect(await approvalsOf(lethe, id)).toBe(0);
  });

  it('of an admin who is an officer too is one human with all they make', async () => {
    const { id, hash } = await planned(lethe, 'minted-3@example.test');
    const both = await addMember(lethe, 'Both', { roles: ['admin', 'privacy-officer'] });
    const first = await mint(lethe, both.body.id);
    expect((await lethe.post(`/v1/admin/api-keys/${first.id}/confirm`, {})).status).toBe(200);
    // What they mint for another is theirs; what they mint for themselves is themselves.
    const other = await mint(lethe, await memberId(lethe, 'officer2'), { key: first.key });
    const vouch = await lethe.post(`/v1/admin/api-keys/${other.id}/confirm`, {}, { key: first.key });
    await expectRefused(lethe, vouch, [403, 'self-vouched'], other.id);
    const second = await mint(lethe, both.body.id, { key: first.key });
    expect((await approveWith(id, hash, first.key)).body).toMatchObject({ approvals: 1 });
    await expectRefused(lethe, await approveWith(id, hash, second.key), [409, 'approver-repeated'], id);
    await expectRefused(lethe, await approveWith(id, hash, other.key), [403, 'credential-unconfirmed'], id);
    expect(await approvalsOf(lethe, id)).toBe(1);
  });

  it('is no first of two either: whoever mints it would propose under its name, and approve under their own', async () => {
    const both = await mint(lethe, await memberId(lethe, 'Both'));
    expect((await lethe.post(`/v1/admin/api-keys/${both.id}/confirm`, {})).status).toBe(200);
    const planning = await mint(lethe, await memberId(lethe, 'officer2'), { key: both.key });
    const proposing = await mint(lethe, await memberId(lethe, 'admin'), { key: both.key });
    const plan = (): Promise<TestAnswer> => lethe.post('/v1/retention/plans', { all: true }, { key: planning.key });
    const change = { name: 'two-person-erasure', value: 'off' };
    const proposal = await lethe.post('/v1/admin/settings/changes', change, { key: proposing.key });
    const [removal, reason] = [`/v1/admin/connections/${newId()}/remove`, { reason: 'Contract ended.' }];
    const taken = (): Promise<TestAnswer> => lethe.post(removal, reason, { key: proposing.key });
    expect([await plan(), proposal, await taken()].map(codeOf)).toEqual(Array(3).fill([403, 'credential-unconfirmed']));
    // Control: vouched for, it is heard.
    for (const { id } of [planning, proposing])
      expect((await lethe.post(`/v1/admin/api-keys/${id}/confirm`, {})).status).toBe(200);
    expect(codeOf(await plan())).toEqual([422, 'policy-missing']);
    expect(codeOf(await taken())).toEqual([404, 'not-found']);
  });

  it('of a system never approves, with every scope there is', async () => {
    const { id, hash } = await planned(lethe, 'minted-4@example.test');
    const body = { kind: 'system', label: 'all', scopes: Object.keys(scopeGrants) };
    const { key } = (await lethe.post('/v1/admin/api-keys', body, { as: 'admin' })).body;
    await expectRefused(lethe, await approveWith(id, hash, key), [403, 'forbidden'], id);
    await expectRefused(
      lethe,
      await lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { as: 'admin' }),
      [403, 'forbidden'],
      id,
    );
    const found = await refusals(lethe, 'forbidden', id, { atLeast: 2 });
    expect(found.map((one) => [one.route, one.human === null])).toEqual(
      expect.arrayContaining([
        ['approveRequest', true],
        ['approveRequest', false],
      ]),
    );
  });
});

describe('a case about the one who decides', () => {
  it('is decided by somebody else', async () => {
    const identifiers = [{ type: 'email', value: 'Olga.Officer@Example.test' }];
    const added = await addMember(lethe, 'Olga Ordentlich', { identifiers });
    const minted = await mint(lethe, added.body.id);
    expect((await lethe.post(`/v1/admin/api-keys/${minted.id}/confirm`, {})).status).toBe(200);
    const own = await planned(lethe, 'olga.officer@example.test');
    await expectRefused(lethe, await approveWith(own.id, own.hash, minted.key), [403, 'own-case'], own.id);
    const other = await planned(lethe, 'somebody.else@example.test');
    expect((await approveWith(other.id, other.hash, minted.key)).status).toBe(200);
    // With what no ciphertext holds by chance: base64 has neither dot nor space.
    const { rows } = await lethe.superuser.query(`SELECT 1 FROM event WHERE bytes ~* 'olga[. ]o'`);
    expect(rows).toEqual([]);
  });

  it('is theirs by any identifier that a person may have here, such as a customer id', async () => {
    const identifiers = [{ type: 'customerId', value: 'C-17' }];
    const added = await addMember(lethe, 'Carla Customer', { identifiers });
    expect(added.status).toBe(201);
    const minted = await mint(lethe, added.body.id);
    expect((await lethe.post(`/v1/admin/api-keys/${minted.id}/confirm`, {})).status).toBe(200);
    const id = await openProven(lethe, 'erasure', identifiers);
    const { hash } = await planOf(lethe, id);
    await expectRefused(lethe, await approveWith(id, hash, minted.key), [403, 'own-case'], id);
  });

  it.each([
    ['phone', '+49 30-1234567', '0049301234567'],
    ['phone', '+49 (0)30.7654321', '+49307654321'],
    ['email', 'Ida@B\u00fccher.example.test', 'ida@xn--bcher-kva.example.test'],
  ])('is theirs in any spelling of their %s: %s', async (type, mine, given) => {
    const added = await addMember(lethe, `Ida ${mine}`, { identifiers: [{ type, value: mine }] });
    const minted = await mint(lethe, added.body.id);
    expect((await lethe.post(`/v1/admin/api-keys/${minted.id}/confirm`, {})).status).toBe(200);
    const id = await openProven(lethe, 'erasure', [{ type, value: given }]);
    const { hash } = await planOf(lethe, id);
    await expectRefused(lethe, await approveWith(id, hash, minted.key), [403, 'own-case'], id);
  });

  it('whose human is a member already is not made a second member', async () => {
    const again = await addMember(lethe, 'Olga again', {
      identifiers: [{ type: 'email', value: 'olga.officer@example.test' }],
    });
    expect(codeOf(again)).toEqual([409, 'member-exists']);
  });
});

describe('the rule itself', () => {
  const propose = (value: 'on' | 'off', call: object = { as: 'admin' }): Promise<TestAnswer> =>
    lethe.post('/v1/admin/settings/changes', { name: 'two-person-erasure', value }, call);
  const settings = async (): Promise<Answer> =>
    (await lethe.get('/v1/admin/settings', { as: 'auditor' })).body.items[0];

  it('is changed by two people, a day later, and not for what was planned before', async () => {
    const before = await planned(lethe, 'toggled-1@example.test');
    const change = await propose('off');
    expect([change.status, change.body.status]).toEqual([201, 'proposed']);
    expect(codeOf(await propose('off'))).toEqual([409, 'setting-change-pending']);
    const path = `/v1/admin/settings/changes/${change.body.id}/approve`;
    await expectRefused(lethe, await lethe.post(path, {}, { as: 'admin' }), [403, 'forbidden'], change.body.id);
    const minted = await mint(lethe, await memberId(lethe, 'officer'));
    await expectRefused(
      lethe,
      await lethe.post(path, {}, { key: minted.key }),
      [403, 'credential-unconfirmed'],
      change.body.id,
    );
    const approved = await lethe.post(path, {});
    expect(approved.body).toMatchObject({ status: 'approved', effectiveAt: '2026-11-03T09:00:00.000Z' });
    // Decided, not yet in force: an erasure still takes two.
    expect((await approve(lethe, before.id, before.hash)).body).toMatchObject({ needed: 2, status: 'deciding' });
    lethe.clock.advance(23 * HOUR);
    const during = await planned(lethe, 'toggled-2@example.test');
    expect((await approve(lethe, during.id, during.hash)).body).toMatchObject({ needed: 2, status: 'deciding' });
    const waiting = await planned(lethe, 'toggled-4@example.test');
    expect(await settings()).toMatchObject({ value: 'on', open: { to: 'off' } });
    lethe.clock.advance(2 * HOUR);
    expect(await settings()).toMatchObject({ value: 'off', open: null });
    // In force, but these were planned while two were asked for.
    expect((await approve(lethe, waiting.id, waiting.hash)).body).toMatchObject({ needed: 2, status: 'deciding' });
    await expectRefused(lethe, await approve(lethe, during.id, during.hash), [409, 'approver-repeated'], during.id);
    const after = await planned(lethe, 'toggled-3@example.test');
    expect((await approve(lethe, after.id, after.hash)).body).toMatchObject({ needed: 1, status: 'approved' });
    await closed(lethe, after.id);
  });

  it('is proposed and approved by two different humans, and anybody of the office can stop it', async () => {
    const both = await memberId(lethe, 'Both');
    const token = await mint(lethe, both);
    expect((await lethe.post(`/v1/admin/api-keys/${token.id}/confirm`, {})).status).toBe(200);
    const change = await propose('on', { key: token.key });
    const path = `/v1/admin/settings/changes/${change.body.id}`;
    await expectRefused(
      lethe,
      await lethe.post(`${path}/approve`, {}, { key: token.key }),
      [409, 'approver-repeated'],
      change.body.id,
    );
    expect((await lethe.post(`${path}/cancel`, {}, { as: 'officer2' })).body.status).toBe('cancelled');
    expect(codeOf(await lethe.post(`${path}/approve`, {}))).toEqual([409, 'setting-change-not-open']);
    expect(codeOf(await propose('off'))).toEqual([422, 'setting-unchanged']);
    const back = await propose('on');
    lethe.clock.advance(73 * HOUR);
    // Nobody approved it in three days: it is void.
    expect(codeOf(await lethe.post(`/v1/admin/settings/changes/${back.body.id}/approve`, {}))).toEqual([
      409,
      'setting-change-not-open',
    ]);
    const last = await propose('on');
    expect((await lethe.post(`/v1/admin/settings/changes/${last.body.id}/approve`, {})).status).toBe(200);
    lethe.clock.advance(25 * HOUR);
    expect((await settings()).value).toBe('on');
    // Who proposed it and is here no more is no first of two: anew, by somebody who is.
    const left = await propose('off', { key: token.key });
    expect((await lethe.post(`/v1/admin/members/${both}/remove`, {}, { as: 'admin' })).status).toBe(200);
    const leftPath = `/v1/admin/settings/changes/${left.body.id}`;
    await expectRefused(lethe, await lethe.post(`${leftPath}/approve`, {}), [409, 'proposer-gone'], left.body.id);
    expect(await settings()).toMatchObject({ value: 'on', open: { status: 'proposed' } });
    expect((await lethe.post(`${leftPath}/cancel`, {})).body.status).toBe('cancelled');
    const types = await typesIn(lethe, 'setting/two-person-erasure');
    expect(types).toEqual(
      expect.arrayContaining(['SettingChangeProposed.v1', 'SettingChangeApproved.v1', 'SettingChangeCancelled.v1']),
    );
  });
});

describe('the command line', () => {
  const run = async (words: string[], more: Record<string, string> = {}): Promise<{ status: number; out: string }> => {
    const { config } = lethe.server.parts;
    const out: string[] = [];
    const environment = {
      ...more,
      DATABASE_URL: config.DATABASE_URL,
      LETHE_KEYSTORE_URL: config.LETHE_KEYSTORE_URL,
      LETHE_DATA_DIR: config.dataDir,
      LETHE_KEY_DIR: config.keyDir,
    };
    const terminal = { say: (line: string) => out.push(line), complain: (line: string) => out.push(line), environment };
    return { status: await runVerb(words, terminal as never), out: out.join('\n') };
  };

  it('has no verb that approves, accepts, attests or releases', async () => {
    for (const verb of ['approve', 'accept', 'release', 'attest', 'complete', 'request', 'key', 'member', 'setting'])
      expect([verb, (await run([verb])).status]).toEqual([verb, 2]);
  });

  it('makes no second set of keys for a tenant, and another tenant’s keys approve nothing here', async () => {
    expect((await run(['bootstrap', '--name', 'Again', '--mode', 'test'])).status).toBe(2);
    const { id, hash } = await planned(lethe, 'by-cli@example.test');
    const made = await run(['bootstrap', '--name', 'Again', '--mode', 'test', '--again']);
    expect(made.status).toBe(0);
    const keys = [...made.out.matchAll(/officer\d? +(lethe_\S+)/g)].map(([, key]) => key!);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect((await approveWith(id, hash, key)).status).toBe(404);
    expect(await approvalsOf(lethe, id)).toBe(0);
    // Each of the two is told in the ledger of the tenant that they are of, and in no other.
    const auditor = { key: /auditor +(lethe_\S+)/.exec(made.out)![1]! };
    const told = await refusals(lethe, 'not-found', id, { atLeast: 2, auditor });
    expect(new Set(told.map(({ actor }) => actor)).size).toBe(2);
    expect(await refusals(lethe, 'not-found', id, { atLeast: 0 })).toEqual([]);
  });

  it('ends no connection alone, with a key or at the machine, and each attempt is told', async () => {
    const system = { name: 'Paper archive', legalEntity: 'Test shop', country: 'DE', owner: 'Ida', why: 'Paper.' };
    const { id } = (await lethe.post('/v1/admin/systems', system, { as: 'admin' })).body;
    const adam = await addMember(lethe, 'Adam', { roles: ['admin'] });
    const { key } = await mint(lethe, adam.body.id);
    const words = ['plugin', 'remove', 'Paper archive', '--reason', 'Alone.'];
    const refused = [
      await run([...words, '--url', lethe.server.baseUrl], { LETHE_API_KEY: key }),
      await run([...words, '--tenant', lethe.tenant.tenant.id], { PORT: String(await quietPort()) }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([1, 1]);
    expect(await refusals(lethe, 'credential-unconfirmed', id)).toMatchObject([{ route: 'removeConnection' }]);
    const [atMachine] = await refusals(lethe, 'human-needed', id);
    expect(atMachine).toMatchObject({ route: 'removeConnection', actor: 'system:operator', human: null });
    const { items } = (await lethe.get('/v1/admin/connections', { as: 'admin' })).body;
    expect(items.find((one: Answer) => one.id === id).status).toBe('manual');
  });
});

describe('the record of refused attempts', () => {
  it('is in the ledger under pseudonyms, paged, and closed to systems', async () => {
    const first = await lethe.post('/v1/admin/refusals/search', { limit: 2 }, { as: 'auditor' });
    expect(first.body.items).toHaveLength(2);
    const next = { limit: 500, cursor: first.body.next };
    const rest = (await lethe.post('/v1/admin/refusals/search', next, { as: 'auditor' })).body;
    const positions = [...first.body.items, ...rest.items].map((one: { position: number }) => one.position);
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    const events = await lethe.server.parts.store.load(lethe.tenant.tenant.id, 'refusals');
    expect(events.map((event) => event.position)).toEqual(positions);
    expect((await lethe.post('/v1/admin/refusals/search', next, { as: 'officer' })).body.code).toBe('cursor-invalid');
    // No place has this offset, and PostgreSQL knows none above 15:59; as an instant it is sound.
    const odd = { from: '2026-01-01T00:00:00+23:59', to: '2027-01-01T00:00:00-23:59' };
    expect((await lethe.post('/v1/admin/refusals/search', odd, { as: 'auditor' })).status).toBe(200);
    const early = { from: '0000-01-01T00:00:00Z' };
    expect((await lethe.post('/v1/admin/refusals/search', early, { as: 'auditor' })).body.code).toBe('body-invalid');
    expect((await lethe.post('/v1/admin/refusals/search', {}, { as: 'system' })).status).toBe(403);
  });

  it('does not grow with every repetition', async () => {
    const { id, hash } = await planned(lethe, 'often@example.test');
    for (let n = 0; n < 20; n++) await lethe.post(`/v1/requests/${id}/approve`, { planHash: hash }, { as: 'admin' });
    expect(await refusals(lethe, 'forbidden', id)).toHaveLength(1);
  });
});
