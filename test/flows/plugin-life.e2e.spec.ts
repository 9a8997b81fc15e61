/** A plugin's life while it serves: upgraded beside the old version, rolled back, given new secrets, taken away. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  byEmail,
  closed,
  approvedErasure,
  openProven,
  planOf,
  approve,
  requestWhen,
} from '../support/connected-systems.js';
import { connectPlugin } from '../support/connect-plugin.js';
import { installLife, lifeOf, plantLife } from '../support/planted-life.js';
import { openMailing, type Mailing } from '../support/planted-plugins.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';

let lethe: TestServer;
let mailing: Mailing;
let life: ReturnType<typeof lifeOf>;
let count = 0;
const admin = { as: 'admin' } as const;

/** Events of one type, newest last. */
async function facts(type: string): Promise<TestAnswer['body'][]> {
  const text = 'SELECT bytes FROM event WHERE type = $1 ORDER BY position';
  const { rows } = await lethe.superuser.query<{ bytes: string }>(text, [type]);
  return rows.map(({ bytes }) => JSON.parse(bytes));
}

beforeAll(async () => {
  lethe = await startTestServer();
  for (const version of ['1.0.0', '2.0.0', '3.0.0', '4.0.0', '5.0.0'] as const) await installLife(lethe, version);
}, 60_000);
afterAll(() => lethe.close());

/** A connection of version 1.0.0 of its own, enabled, to a mailing system of its own. */
beforeEach(async () => {
  mailing = await openMailing();
  mailing.connectionId = await connectPlugin(lethe, {
    plugin: plantLife(lethe, '1.0.0'),
    name: `mailing ${++count}`,
    config: { url: mailing.url },
    secrets: { token: mailing.token },
  });
  life = lifeOf(lethe, mailing.connectionId);
});

async function done(): Promise<void> {
  await life.remove({ reason: 'End of the test.', takeover: { owner: 'nobody', dueOn: '2099-01-01' } });
  await life.remove({ reason: 'End of the test.' });
  await mailing.close();
}

describe('an upgrade', () => {
  it('migrates the configuration, checks, and switches without a stop; a rollback restores the pair', async () => {
    const upgraded = await life.upgrade({ version: '2.0.0' });
    expect([upgraded.status, upgraded.body]).toEqual([
      200,
      { id: mailing.connectionId, status: 'enabled', version: '2.0.0', configVersion: 2, datasets: ['subscribers'] },
    ]);
    const [fact] = (await facts('ConnectionUpgraded.v1')).slice(-1);
    expect(fact.data).toMatchObject({
      before: { plugin: { version: '1.0.0' }, config: { url: mailing.url }, configVersion: 1 },
      after: { plugin: { version: '2.0.0' }, config: { endpoint: { url: mailing.url } }, configVersion: 2 },
    });
    expect(await life.shown()).toMatchObject({ previous: { version: '1.0.0', configVersion: 1 }, status: 'enabled' });
    expect((await life.rollback()).body).toMatchObject({ version: '1.0.0', configVersion: 1, status: 'enabled' });
    expect((await life.check()).body.ok).toBe(true);
    expect((await life.rollback()).body.code).toBe('nothing-to-roll-back');
    // The numbers go on where they were: no plan can take this revision for the first one.
    expect((await life.upgrade({ version: '2.0.0' })).body).toMatchObject({ version: '2.0.0', configVersion: 3 });
    await done();
  });

  it.each([
    ['3.0.0', 'migrate', 'plugin-threw'],
    ['4.0.0', 'check', 'scope-missing'],
    ['5.0.0', 'check', 'plugin-exited'],
  ])(
    'to %s fails at %s (%s); the old version goes on serving, and the refusal is a fact',
    async (version, step, cause) => {
      const refused = await life.upgrade({ version });
      expect([refused.status, refused.body.code, refused.body.step, refused.body.cause]).toEqual([
        409,
        'upgrade-refused',
        step,
        cause,
      ]);
      expect(await life.shown()).toMatchObject({ status: 'enabled', plugin: { version: '1.0.0' }, configVersion: 1 });
      const [fact] = (await facts('ConnectionChangeRefused.v1')).slice(-1);
      expect(fact.data).toMatchObject({
        what: 'upgrade',
        to: version,
        step,
        code: cause,
        serving: { version: '1.0.0' },
      });
      expect((await life.check()).body.ok).toBe(true);
      await done();
    },
  );

  it('to an older format, the same version or one that is not installed is refused', async () => {
    await life.upgrade({ version: '2.0.0' });
    expect((await life.upgrade({ version: '1.0.0' })).body).toMatchObject({
      code: 'upgrade-refused',
      cause: 'format-older',
    });
    expect((await life.upgrade({ version: '2.0.0' })).body.code).toBe('version-unchanged');
    expect((await life.upgrade({ version: '9.9.9' })).body.code).toBe('plugin-not-installed');
    await done();
  });

  it('lets work that is under way end on the old version, and voids an approval that has not begun', async () => {
    mailing.rows.set('x1', 'under-way@example.test');
    mailing.slowMs = 1500;
    const id = await approvedErasure(lethe, [byEmail('under-way@example.test')]);
    await requestWhen(lethe, id, (one) => one.status === 'acting');
    expect((await life.upgrade({ version: '2.0.0' })).status).toBe(200);
    const ended = await closed(lethe, id);
    expect(ended.resolution).toBe('fulfilled-with-retention');
    // The switch was tried by the new version's check alone; everything for the request came from the old one.
    expect(new Set(mailing.calls.filter((call) => call.startsWith('2.0.0')))).toEqual(new Set(['2.0.0 /fault']));
    expect(mailing.rows.has('x1')).toBe(false);
    mailing.slowMs = 0;
    mailing.rows.set('x2', 'planned@example.test');
    const planned = await openProven(lethe, 'erasure', [byEmail('planned@example.test')]);
    const { hash } = await planOf(lethe, planned);
    expect((await life.rollback()).status).toBe(200);
    const late = await approve(lethe, planned, hash);
    expect([late.status, late.body.code]).toEqual([409, 'plan-changed']);
    expect(late.body.changes).toContainEqual({ code: 'plugin-changed', connectionId: mailing.connectionId });
    await lethe.post(`/v1/requests/${planned}/withdraw`, { reason: 'End of the test.' });
    await done();
  });
});

describe('a new secret', () => {
  it('is used once the system accepts it; a wrong one changes nothing', async () => {
    const wrong = await life['rotate-secret']({ secrets: { token: 'second-token' } });
    expect([wrong.status, wrong.body.code, wrong.body.cause]).toEqual([409, 'rotate-secret-refused', 'token-refused']);
    expect((await life.check()).body.ok).toBe(true);
    mailing.token = 'second-token';
    expect((await life['rotate-secret']({ secrets: { token: 'second-token' } })).status).toBe(200);
    expect((await life.check()).body.ok).toBe(true);
    const leaves = JSON.stringify(await facts('ConnectionSecretsRotated.v1'));
    expect(leaves).toContain('"secretNames":["token"]');
    expect(leaves).not.toContain('second-token');
    await done();
  });
});

describe('a connection and a plugin version', () => {
  it('stay while a request needs them; with a takeover the open step is a manual task and the secrets are gone', async () => {
    mailing.rows.set('y1', 'open@example.test');
    mailing.slowMs = 60_000;
    const id = await approvedErasure(lethe, [byEmail('open@example.test')]);
    await requestWhen(lethe, id, (one) => one.status === 'acting');
    const refused = await life.remove({ reason: 'Contract ended.' });
    expect([refused.status, refused.body.code, refused.body.requestIds]).toEqual([409, 'connection-in-use', [id]]);
    expect((await life.shown()).status).toBe('enabled');
    const inUse = await lethe.post('/v1/admin/plugins/life/remove', { version: '1.0.0', reason: 'Old.' }, admin);
    expect([inUse.status, inUse.body.code]).toEqual([409, 'plugin-in-use']);
    const takeover = { owner: 'mail team', dueOn: '2099-02-01' };
    const removed = await life.remove({ reason: 'Contract ended.', takeover });
    expect([removed.status, removed.body]).toEqual([200, { id: mailing.connectionId, status: 'manual', tasks: 1 }]);
    const { body: tasks } = await lethe.get(`/v1/requests/${id}/tasks`);
    expect(tasks.items).toMatchObject([{ ...takeover, why: 'connector-removed', status: 'open' }]);
    expect(await life.shown()).toMatchObject({ status: 'manual', owner: 'mail team', plugin: null });
    const { rows } = await lethe.superuser.query('SELECT secrets FROM connection WHERE id = $1', [
      mailing.connectionId,
    ]);
    expect(rows).toEqual([{ secrets: null }]);
    await mailing.close();
  });

  it('are gone without a trace on disk when nothing needs them; a repeat is unknown', async () => {
    await installLife(lethe, '1.0.0', 'gone');
    const { body } = await lethe.get('/v1/admin/plugins', admin);
    expect(body.items.some((one: { id: string }) => one.id === 'gone')).toBe(true);
    const remove = { version: '1.0.0', reason: 'Not used.' };
    const removed = await lethe.post('/v1/admin/plugins/gone/remove', remove, admin);
    expect([removed.status, removed.body.filesRemoved]).toEqual([200, true]);
    expect(readdirSync(join(lethe.dataDir, 'plugins'))).not.toContain('gone');
    expect((await lethe.post('/v1/admin/plugins/gone/remove', remove, admin)).status).toBe(404);
    expect((await life.remove({ reason: 'Gone.' })).body).toMatchObject({ status: 'removed', tasks: 0 });
    expect(await life.shown()).toBeUndefined();
    await mailing.close();
  });
});

describe('quarantine', () => {
  it('is a fact after five crashes, named everywhere, outlives a restart, and a person clears it', async () => {
    mailing.rows.set('z1', 'crash@example.test');
    const crashing = lifeOf(lethe, mailing.connectionId);
    for (let n = 0; n < 5; n++) await crashing.upgrade({ version: '5.0.0' });
    expect((await crashing.upgrade({ version: '5.0.0' })).body.cause).toBe('plugin-quarantined');
    const [fact] = (await facts('PluginQuarantined.v1')).slice(-1);
    expect(fact.data).toMatchObject({
      connection: mailing.connectionId,
      plugin: { id: 'life', version: '5.0.0' },
      why: 'plugin-exited',
      failures: 5,
    });
    // The guilty version only: the one that serves goes on.
    expect((await crashing.check()).body.ok).toBe(true);
    const { body } = await lethe.get('/v1/admin/plugins', admin);
    const guilty = body.items.filter((one: { quarantinedFor: string[] }) => one.quarantinedFor.length > 0);
    expect(guilty).toMatchObject([{ id: 'life', version: '5.0.0', quarantinedFor: [mailing.connectionId] }]);
    expect((await lethe.get('/readyz')).status).toBe(200);
    const metric = await lethe.server.parts.metrics.registry.getSingleMetricAsString('lethe_plugins_quarantined');
    expect(metric).toMatch(/^lethe_plugins_quarantined 1$/m);
    await done();
  });

  it('by a person stops the serving version until it is cleared with a reason', async () => {
    expect((await life.quarantine({ reason: 'Odd traffic.' })).body.status).toBe('quarantined');
    expect((await life.shown()).blocked).toMatchObject({ code: 'plugin-quarantined', why: 'life@1.0.0: by-operator' });
    expect((await life.check()).body.error).toMatchObject({ code: 'plugin-quarantined' });
    expect((await life['quarantine/clear']({ reason: 'Looked at its log.' })).body.status).toBe('enabled');
    expect((await life.check()).body.ok).toBe(true);
    expect((await life['quarantine/clear']({ reason: 'Again.' })).body.code).toBe('not-quarantined');
    const cleared = JSON.stringify((await facts('PluginQuarantineCleared.v1')).at(-1).data);
    expect([cleared.includes('Looked'), cleared.includes('"sealed":1')]).toEqual([false, true]);
    await done();
  });
});

describe('LETHE_MIN_ISOLATION=sandbox', () => {
  it('starts no plugin that reaches less, and says why; at the level it reaches it is checked (control)', async () => {
    const strict = await startTestServer({ environment: { LETHE_MIN_ISOLATION: 'sandbox' } });
    try {
      const plugin = await installLife(strict, '1.0.0');
      const { calls } = mailing;
      const before = calls.length;
      const identity = { name: 'mailing', legalEntity: 'Test shop GmbH', country: 'DE' };
      const wanted = { ...identity, plugin, config: { url: mailing.url }, secrets: { token: mailing.token } };
      const { body } = await strict.post('/v1/admin/connections', wanted, admin);
      const refused = lifeOf(strict, body.id);
      expect((await refused.check()).body).toMatchObject({ ok: false, error: { code: 'isolation-too-weak' } });
      expect((await refused.enable()).body.code).toBe('connection-not-checked');
      expect((await refused.shown()).blocked).toMatchObject({
        code: 'isolation-too-weak',
        why: expect.stringMatching(/^process instead of sandbox\. The network is not restricted/),
      });
      expect(calls.length).toBe(before);
    } finally {
      await strict.close();
    }
    expect((await life.check()).body.ok).toBe(true);
    await done();
  });
});
