/** What a hostile plugin can reach: each probe runs in a real plugin process and reports what it got. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#kernel';
import type { PluginManifest } from '@lethe/plugin-sdk';
import { PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { PluginHost } from '../call/plugin-host.js';
import { inspectPlugin, installPlugin } from '../package/plugin-package.js';
import type { RunningConnection } from './process-pool.js';

let workshop: PluginWorkshop;
let host: PluginHost;
let confined: RunningConnection;
let native: RunningConnection;
const asRoot = process.getuid?.() === 0;

/** Runs the code of `config` and tells its result, or the code of the error. */
const PROBE = `{ async check(x) {
  try { return { ok: true, account: String(await new Function('tools', 'return (async () => {' + x.config.code + '})()')(tools)) } }
  catch (error) { return { ok: true, account: 'refused ' + (error.code ?? error.name) } }
} }`;
const HEAD = `
import fs from 'node:fs'; import { spawnSync } from 'node:child_process'; import { Worker } from 'node:worker_threads';
import inspector from 'node:inspector'; import process from 'node:process'; import { createRequire } from 'node:module';
const tools = { fs, spawnSync, Worker, inspector, process, require: createRequire(import.meta.url) };`;

beforeAll(async () => {
  workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
  host = new PluginHost({ clock: systemClock, runner: workshop.runner });
  const probe = (manifest: Partial<PluginManifest>) =>
    workshop.connection(PROBE, manifest, { head: HEAD, secrets: { password: 'correct horse' } });
  confined = await probe({});
  native = await probe({ native: true, id: 'native-sample' });
  writeFileSync(join(workshop.folder, 'host-secret'), 'the host its secret');
});
afterAll(async () => {
  await host.close(0);
  workshop.clean();
});

/** Each code starts a process with its own configuration; they are stopped with the host. */
async function probe(connection: RunningConnection, code: string): Promise<string> {
  const check = await host.check({ ...connection, config: { code } });
  return check.ok ? check.account : check.message;
}
const refused = expect.stringMatching(/^refused (ERR_ACCESS_DENIED|EACCES|EPERM)/);

describe('a confined plugin', () => {
  const secretFile = () => JSON.stringify(join(workshop.folder, 'host-secret'));

  it('works at all: its own folder can be read', async () => {
    expect(await probe(confined, `return tools.fs.readdirSync(tools.process.argv[2]).length`)).toBe('2');
  });

  it('has an empty environment and no secret in its arguments', async () => {
    expect(await probe(confined, `return JSON.stringify(tools.process.env)`)).toBe('{}');
    // Searched there, because an answer has room for less than the paths of some machines.
    const seen = `const words = [...tools.process.argv, ...tools.process.execArgv].join(' ');
      return [words.includes('runner'), words.includes('horse')].join(' ')`;
    expect(await probe(confined, seen)).toBe('true false');
  });

  it.each([
    ['a file of the host', () => `return tools.fs.readFileSync(${secretFile()}, 'utf8')`],
    ['a file it can name by descriptor path', () => `return tools.fs.readFileSync('/proc/self/environ', 'utf8')`],
    ['the folder above its own', () => `return tools.fs.readdirSync(tools.process.argv[2] + '/..')`],
    ['the environment of the host', () => `return tools.fs.readFileSync('/proc/${process.pid}/environ', 'utf8')`],
  ])('cannot read %s', async (_what, code) => {
    expect(await probe(confined, code())).toEqual(refused);
  });

  it('reads the same file of the host when nothing confines it (control)', async () => {
    expect(await probe(native, `return tools.fs.readFileSync(${secretFile()}, 'utf8')`)).toBe('the host its secret');
  });

  it.each([
    ['write in its own folder', `tools.fs.writeFileSync(tools.process.argv[2] + '/index.mjs', '')`],
    ['write in its working directory', `tools.fs.writeFileSync('x', '')`],
    ['make a link to a file it may not read', `tools.fs.symlinkSync('/etc/passwd', tools.process.argv[2] + '/link')`],
    [
      'start a program',
      `return tools.spawnSync('/bin/id').stdout ?? (() => { throw Object.assign(new Error(), { code: 'EACCES' }) })()`,
    ],
    ['start a worker', `new tools.Worker('0', { eval: true }); return 'started'`],
    [
      'open the inspector',
      `tools.inspector.open(0); return tools.inspector.url() ?? (() => { throw Object.assign(new Error(), { code: 'EACCES' }) })()`,
    ],
  ])('cannot %s', async (_what, code) => {
    expect(await probe(confined, code)).toEqual(refused);
  });

  it('cannot load native code', async () => {
    expect(await probe(confined, `return tools.process.dlopen({ exports: {} }, '/x.node')`)).toMatch(
      /^refused ERR_(DLOPEN_DISABLED|DLOPEN_FAILED|ACCESS_DENIED)/,
    );
  });
});

if (!asRoot)
  process.stdout.write('isolation: skipped what needs root, which alone can give plugins users of their own\n');

(asRoot ? describe : describe.skip)('a confined plugin, when the service is root', () => {
  it('runs as a user of its own, another one for each connection', async () => {
    const users = await Promise.all(
      ['a', 'b'].map((id) =>
        probe(
          { ...confined, id },
          `return tools.process.getuid() + ' ' + tools.process.getgid() + ' ' + tools.process.getgroups()`,
        ),
      ),
    );
    expect(new Set(users).size).toBe(2);
    for (const user of users) expect(user).toMatch(/^(615\d\d) \1 (\1)?$/);
  });

  it.each([
    ['the host', () => process.pid],
    ['process 1', () => 1],
  ])('cannot signal %s', async (_what, pid) => {
    expect(await probe(confined, `return tools.process.kill(${pid()}, 0)`)).toEqual(refused);
  });

  it('cannot signal the plugin of another connection', async () => {
    const other = await probe({ ...confined, id: 'other' }, `return tools.process.pid`);
    expect(await probe(confined, `return tools.process.kill(${other}, 0)`)).toEqual(refused);
  });

  it('cannot become root again', async () => {
    expect(await probe(confined, `tools.process.setuid(0)`)).toEqual(refused);
  });

  it('is reported as what it is', async () => {
    expect(await host.isolation(confined)).toMatchObject({
      level: 'process',
      separateUser: true,
      permissionFlags: true,
      native: false,
    });
    expect((await host.isolation(confined)).notes.join(' ')).toContain('network is not restricted');
  });
});

describe('a plugin that reaches less than the operator demands', () => {
  it('is not started, and says what it reaches; at the level it reaches it runs (control)', async () => {
    const strict = new PluginHost({ clock: systemClock, runner: workshop.runner, minIsolation: 'sandbox' });
    const marked = join(workshop.folder, 'was-started');
    const code = `tools.fs.writeFileSync(${JSON.stringify(marked)}, ''); return 'ran'`;
    await expect(strict.check({ ...native, config: { code } })).rejects.toMatchObject({
      fail: { class: 'config', code: 'isolation-too-weak' },
      message: expect.stringContaining('process instead of sandbox'),
    });
    expect(existsSync(marked)).toBe(false);
    await strict.close(0);
    expect(await probe(native, code)).toBe('ran');
    expect(existsSync(marked)).toBe(true);
  });
});

describe('a native plugin', () => {
  it('works on the files of the service, as its user', async () => {
    const file = join(workshop.folder, 'warehouse');
    expect(await probe(native, `tools.fs.writeFileSync(${JSON.stringify(file)}, 'rows'); return 'written'`)).toBe(
      'written',
    );
    expect(readFileSync(file, 'utf8')).toBe('rows');
    expect(statSync(file).uid).toBe(process.getuid?.());
  });

  it('is reported as what it is', async () => {
    const { separateUser, permissionFlags, uid, notes } = await host.isolation(native);
    expect({ separateUser, permissionFlags, uid }).toEqual({
      separateUser: false,
      permissionFlags: false,
      uid: process.getuid?.(),
    });
    expect(notes.join(' ')).toContain('as the user of the service');
  });
});

(asRoot ? describe : describe.skip)('a native plugin, when the service is root', () => {
  it('has no capability, and so cannot read the environment of a host that is root', async () => {
    expect(
      await probe(native, `return /CapPrm:\\s+(\\w+)/.exec(tools.fs.readFileSync('/proc/self/status', 'utf8'))[1]`),
    ).toMatch(/^0+$/);
    expect(await probe(native, `return tools.fs.readFileSync('/proc/${process.pid}/environ', 'utf8').length`)).toEqual(
      refused,
    );
  });
});
