/** The entry of the service, started bare as a unit or an image does: no demonstration, and what cannot be is said at once. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '#platform';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { mayDemonstrate } from '../../apps/server/src/demo.js';
import { thisBuild } from '../support/build-process.js';
import { until } from '../support/until.js';

interface Started {
  /** What it has said until now. */
  said(): string;
  ended: Promise<number | null>;
  end(): Promise<number | null>;
}

let folder: string;
const all: Started[] = [];

function start(settings: Record<string, string>, ...words: string[]): Started {
  const env = { PATH: process.env['PATH'] ?? '', PORT: '0', LETHE_DATA_DIR: join(folder, 'data'), ...settings };
  const child = spawn(process.execPath, [thisBuild, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const end = (): typeof ended => {
    child.kill('SIGTERM');
    return ended;
  };
  const started = { said: () => said, ended, end };
  all.push(started);
  return started;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-start-'));
});
afterAll(async () => {
  for (const service of all) await service.end();
  await rm(folder, { recursive: true, force: true });
});

describe('a start without settings', () => {
  it('is an empty installation that says how it gets a tenant, and gets it while it runs', async () => {
    const service = start({ LETHE_ARCHIVE_URL: 'file:///dev/null/archive' });
    await until('a sentence on the tenant', () => /There is no tenant yet: lethe bootstrap/.test(service.said()));
    const said: string[] = [];
    const note = (line: string): number => said.push(line);
    const environment = { LETHE_DATA_DIR: join(folder, 'data') };
    expect(await runVerb(['bootstrap', '--name', 'A small shop'], { say: note, complain: note, environment })).toBe(0);
    const baseUrl = /ready at (\S+)/.exec(service.said())?.[1] ?? '';
    const key = /admin +(\S+)/.exec(said.join('\n'))?.[1] ?? '';
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${baseUrl}/v1/whoami`, { headers })).status).toBe(200);
    expect(await service.end()).toBe(0);
    expect(service.said()).toMatch(/ENOTDIR.*the archive folder cannot be written/);
    expect(['demo', 'demo.json'].filter((name) => existsSync(join(folder, 'data', name)))).toEqual([]);
  });

  it('tells the demonstration only where trying is harmless', () => {
    expect(mayDemonstrate(readConfig({}), {})).toBe(true);
    expect(mayDemonstrate(readConfig({}), { NODE_ENV: 'production' })).toBe(false);
    for (const production of [
      { LETHE_HOST: '0.0.0.0' },
      { LETHE_ROLES: 'api' },
      { DATABASE_URL: 'postgres://db/lethe' },
    ])
      expect(mayDemonstrate(readConfig(production), {})).toBe(false);
  });
});

describe('a start that cannot be', () => {
  it('says that the logs have another name, instead of taking their heads for forged', async () => {
    const service = start({ LETHE_LOG_NAME: 'another' });
    expect(await service.ended).toBe(1);
    expect(service.said()).toMatch(/^Lethe cannot start: .*LETHE_LOG_NAME=lethe/);
  });

  it.each(['LETHE_DATA_DIR', 'LETHE_CHECKPOINT_LOCK'])(
    'names a folder that cannot be one, before anything is begun: %s',
    async (name) => {
      const service = start({ DATABASE_URL: 'postgres://127.0.0.1:1/none', [name]: '/dev/null/no-folder' });
      expect(await service.ended).toBe(1);
      expect(service.said()).toMatch(new RegExp(`^Lethe cannot start: /dev/null/no-folder.* cannot be used.*${name}`));
    },
  );

  it('names a word it does not know', async () => {
    const service = start({}, '--dmeo');
    expect(await service.ended).toBe(1);
    expect(service.said()).toMatch(/^Lethe cannot start: .*--dmeo/);
  });
});
