/** A bad plugin can't keep the service down: it boots beside it, and the operator handles plugins while the service is down. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { connectPlugin } from '../support/connect-plugin.js';
import { installLife, lifeOf, plantLife } from '../support/planted-life.js';
import { openMailing, type Mailing } from '../support/planted-plugins.js';
import { ServiceProcess } from '../support/service-process.js';

let service: ServiceProcess;
let mailing: Mailing;

/** Runs the command line with the settings of the service; `PORT` is where it is or was. */
async function cli(...words: string[]): Promise<{ status: number; out: string }> {
  const out: string[] = [];
  const port = new URL(service.baseUrl).port;
  const environment = { ...service.environment, PORT: port, LETHE_API_KEY: service.keys.admin };
  const status = await runVerb(['plugin', ...words], {
    say: (line) => out.push(line),
    complain: (line) => out.push(line),
    environment,
  });
  return { status, out: out.join('\n') };
}

async function actorsOf(type: string): Promise<string[]> {
  const [ledger] = service.databases;
  const text = `SELECT bytes::jsonb ->> 'actorRef' AS actor FROM event WHERE type = $1 ORDER BY position`;
  const { rows } = await ledger!.superuser.query<{ actor: string }>(text, [type]);
  return rows.map(({ actor }) => actor);
}

beforeAll(async () => {
  service = await ServiceProcess.prepare();
  await service.start();
  mailing = await openMailing();
  await installLife(service, '2.0.0');
  const config = { url: mailing.url };
  const secrets = { token: mailing.token };
  const plugin = plantLife(service, '1.0.0');
  mailing.connectionId = await connectPlugin(service, { plugin, name: 'mailing', config, secrets });
  expect((await lifeOf(service, mailing.connectionId).upgrade({ version: '2.0.0' })).status).toBe(200);
}, 60_000);
afterAll(async () => {
  await service.close();
  await mailing.close();
});

describe('a service with a plugin whose files would end or stop it', () => {
  it.each([
    ['end', 'process.exit(1)'],
    ['hold', 'for (;;);'],
    ['refuse to be read by', 'this is no JavaScript'],
  ])(
    'starts all the same: it would %s the service',
    async (_what, code) => {
      await service.end('SIGKILL');
      const home = join(service.dataDir, 'plugins', 'life');
      const version = readdirSync(home).find((name) => name.startsWith('2.0.0'))!;
      writeFileSync(join(home, version, 'index.mjs'), code);
      await service.start();
      expect((await service.get('/readyz')).status).toBe(200);
      const checked = await lifeOf(service, mailing.connectionId).check();
      expect(checked.body).toMatchObject({ ok: false, error: { code: 'plugin-tampered' } });
    },
    30_000,
  );
});

describe('the operator', () => {
  it('works over the API while the service is up', async () => {
    const { status, out } = await cli('list');
    expect([status, out]).toEqual([0, expect.stringMatching(/enabled {2}mailing \(life 2\.0\.0, process/)]);
    expect(out).not.toMatch(/does not answer/);
  });

  it('lists, rolls back, sets aside, clears, switches off and removes while it is down, each a fact of the operator', async () => {
    await service.end('SIGKILL');
    expect((await cli('list')).out).toMatch(/does not answer: working on its database[^]*enabled {2}mailing \(life 2/);
    expect((await cli('rollback', 'mailing')).out).toMatch(/mailing: enabled, 1\.0\.0$/);
    expect(await cli('quarantine', 'mailing')).toMatchObject({ status: 2, out: expect.stringMatching(/--reason/) });
    expect((await cli('quarantine', 'mailing', '--reason', 'Odd.')).out).toMatch(/quarantined$/);
    expect((await cli('list')).out).toMatch(/plugin-quarantined: life@1\.0\.0: by-operator/);
    expect((await cli('clear', 'mailing', '--reason', 'Looked at.')).out).toMatch(/mailing: enabled$/);
    expect((await cli('disable', 'mailing')).out).toMatch(/mailing: disabled$/);
    expect((await cli('remove-version', 'life', '2.0.0', '--reason', 'Broken.')).out).toMatch(
      /removed with its files$/,
    );
    expect(readdirSync(join(service.dataDir, 'plugins', 'life'))).toEqual([expect.stringMatching(/^1\.0\.0-/)]);
    for (const type of ['ConnectionRolledBack.v1', 'PluginQuarantined.v1', 'ConnectionDisabled.v1', 'PluginRemoved.v1'])
      expect([type, (await actorsOf(type)).at(-1)]).toEqual([type, 'system:operator']);
  }, 60_000);

  it('leaves a service that starts and knows what was done', async () => {
    await service.start();
    const life = lifeOf(service, mailing.connectionId);
    expect(await life.shown()).toMatchObject({ status: 'disabled', plugin: { version: '1.0.0' }, blocked: null });
    expect((await cli('enable', 'mailing')).out).toBe('mailing: enabled');
    expect((await life.check()).body.ok).toBe(true);
  }, 30_000);
});
