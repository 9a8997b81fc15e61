/** The process that starts the plugins: what is left when it or its host is killed, and who is blamed. Real processes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'node:net';
import { systemClock } from '#kernel';
import { all, codeOf, PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { childrenOf, isRunning, portsOf } from '../../../../test/support/process-tree.js';
import { until } from '../../../../test/support/until.js';
import { PluginHost } from '../call/plugin-host.js';
import { inspectPlugin, installPlugin } from '../package/plugin-package.js';
import { Introductions, type Expected } from './introductions.js';
import { planLaunch, type Launch } from './isolation.js';
import type { RunningConnection } from './process-pool.js';
import { BUDGET_FAILURES } from './restart-budget.js';
import type { StartPoint } from './runtime-folder.js';
import { SpawnerProcess } from './spawner-process.js';
import { Spawner } from './spawner.js';

let workshop: PluginWorkshop;
let host: PluginHost;
let blamed: string[];
let lost: string[];
let connection: RunningConnection;
/** Arguments of a start without a host. */
let native: [StartPoint, Launch];
/** Tells its process id, then listens to nothing. */
const DEAF = `{ async check() { return { ok: true, account: String(process.pid) } },
  async *locate() { yield { itemKey: 'i', dataset: 'people', ref: String(process.pid), count: 1 }; for (;;); } }`;
const ITEM = { itemKey: 'i', generation: 1, ids: [] };

beforeAll(async () => {
  workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
  connection = await workshop.connection(DEAF);
  const { dir, manifest } = connection.plugin;
  const point = { runner: workshop.runner, plugin: dir, cwd: '/', release: async () => undefined };
  native = [point, await planLaunch({ ...manifest, native: true }, 0, [])];
});
beforeEach(() => {
  [blamed, lost] = [[], []];
  host = new PluginHost({
    clock: systemClock,
    runner: workshop.runner,
    onFailure: (_, { fail }) => blamed.push(fail.code),
    onSpawnerLost: (how) => lost.push(how),
  });
});
afterEach(() => host.close(0));
afterAll(() => workshop.clean());

const pidOf = async (): Promise<number> => {
  const check = await host.check(connection);
  return Number(check.ok ? check.account : NaN);
};

const spawners = (): number[] => childrenOf(process.pid).filter((pid) => commandOf(pid).includes(workshop.spawner));

/** Empty when it has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('the spawner', () => {
  it('opens no inspector, nor does a plugin, whoever of the same user asks for one', async () => {
    const pid = await pidOf();
    const bare = spawn(process.execPath, ['--inspect-port=0', '-e', 'setInterval(() => 0, 1000); console.log(1)']);
    await new Promise((resolve) => bare.stdout.once('data', resolve));
    const all = [spawners()[0]!, pid, bare.pid!];
    for (const one of all) process.kill(one, 'SIGUSR1');
    // The last is the control: a process that does not refuse.
    await until('an inspector', () => portsOf(bare.pid!).length > 0);
    expect(all.map((one) => portsOf(one).length)).toEqual([0, 0, 1]);
    bare.kill('SIGKILL');
  });

  it('that hangs holds up neither a call nor the end of the service', async () => {
    await pidOf();
    const [spawner] = spawners();
    const signal = AbortSignal.timeout(200);
    const call = codeOf(all(host.locate(connection, [ITEM], { signal })));
    process.kill(spawner!, 'SIGSTOP');
    // The caller's own end of it, then the spawner's, which is ended once it has not reported the plugin's.
    expect(await call).toBe('aborted');
    await host.close(0);
    expect(isRunning(spawner!)).toBe(false);
  }, 30_000);

  it('is the only process that a host starts, and the parent of all plugins', async () => {
    const before = childrenOf(process.pid);
    const pid = await pidOf();
    const started = childrenOf(process.pid).filter((child) => !before.includes(child));
    expect(started).toEqual(spawners());
    expect(started.flatMap(childrenOf)).toEqual([pid]);
    await host.close(0);
    expect(childrenOf(process.pid)).toEqual(before);
  });

  it('gives a plugin four sockets and none of its own or of the host', async () => {
    const pid = await pidOf();
    const open = readdirSync(`/proc/${pid}/fd`).filter((fd) => /^socket/.test(readlinkSync(`/proc/${pid}/fd/${fd}`)));
    expect(open.map(Number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  });

  it('ends with a plugin what the plugin has started', async () => {
    const code = `{ async check() { return { ok: true, account: String(spawn('sleep', ['600']).pid) } } }`;
    const head = `import { spawn } from 'node:child_process';`;
    const parent = await workshop.connection(code, { native: true, id: 'native-sample' }, { head });
    const check = await host.check(parent);
    const child = Number(check.ok ? check.account : NaN);
    expect(isRunning(child)).toBe(true);
    await host.disable(parent);
    await until('the child is gone', () => !isRunning(child), 5_000);
  });

  it('leaves it to the host when plugins end', async () => {
    const pid = await pidOf();
    const [spawner = 0] = spawners();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.kill(spawner, signal);
    expect(await pidOf()).toBe(pid);
    expect(spawners()).toEqual([spawner]);
  });
});

describe('a spawner that is killed', () => {
  it(`takes its plugins with it and is replaced; no plugin is blamed for it, also ${BUDGET_FAILURES + 1} times`, async () => {
    for (let n = 0; n <= BUDGET_FAILURES; n++) {
      const looping = host.locate(connection, [ITEM]);
      const pid = Number((await looping.next()).value?.ref);
      const [spawner = 0] = spawners();
      expect(childrenOf(spawner)).toEqual([pid]);
      process.kill(spawner, 'SIGKILL');
      await expect(all(looping)).rejects.toMatchObject({ fail: { class: 'transient', code: 'spawner-ended' } });
      await until('the plugin is gone', () => !isRunning(pid));
      expect(await pidOf()).not.toBe(pid);
    }
    expect(lost).toEqual(Array.from({ length: BUDGET_FAILURES + 1 }, () => 'SIGKILL'));
    expect(blamed).toEqual([]);
    expect(host.blocked(connection)).toBeUndefined();
  });

  it('(control) a plugin that is killed is blamed', async () => {
    const looping = host.locate(connection, [ITEM]);
    process.kill(Number((await looping.next()).value?.ref), 'SIGKILL');
    expect(await codeOf(all(looping))).toBe('plugin-exited');
    expect([blamed, lost]).toEqual([['plugin-exited'], []]);
  });

  it('while it starts one, fails that start and not the next; so does one that hangs', async () => {
    const own = new Spawner(
      () => workshop.spawner,
      (how) => lost.push(how),
    );
    const first = await own.start(...native);
    const [hanging = 0] = spawners();
    process.kill(hanging, 'SIGSTOP');
    await expect(own.start(...native, 50)).rejects.toMatchObject({ detail: 'too late' });
    expect(await first.ended).toEqual({ how: 'SIGKILL', lost: true });
    const second = await own.start(...native);
    const [killed = 0] = spawners();
    process.kill(killed, 'SIGSTOP');
    const third = own.start(...native);
    setImmediate(() => process.kill(killed, 'SIGKILL'));
    await expect(third).rejects.toMatchObject({ detail: 'SIGKILL' });
    expect(await second.ended).toEqual({ how: 'SIGKILL', lost: true });
    expect(lost).toEqual(['SIGKILL', 'SIGKILL']);
    await own.close();
  });
});

describe('a start that the spawner cannot make', () => {
  it('is no fault of the plugin, and is named', async () => {
    const runner = join(workshop.folder, 'broken', 'runner.mjs');
    cpSync(workshop.runner, runner);
    writeFileSync(join(dirname(runner), 'spawner.mjs'), 'process.exit(1)');
    const without = new PluginHost({ clock: systemClock, runner });
    for (let n = 0; n <= BUDGET_FAILURES; n++)
      await expect(without.check(connection)).rejects.toMatchObject({
        fail: { class: 'transient', code: 'spawner-failed' },
        message: expect.stringContaining('exit code 1'),
      });
    await without.close(0);
  });

  it('says what the system said', async () => {
    const own = new Spawner(() => workshop.spawner);
    const [point, launch] = native;
    await expect(own.start({ ...point, cwd: '/nowhere' }, launch)).rejects.toMatchObject({ detail: 'ENOENT' });
    await own.close();
  });

  it('is made over another socket when a cleaner of temporary files took the first', async () => {
    const own = new Spawner(() => workshop.spawner);
    const first = await own.start(...native);
    const path = async (): Promise<string> => (await own['place'])!.path;
    const socket = await path();
    rmSync(dirname(socket), { recursive: true });
    const second = await own.start(...native);
    expect(second.pid).not.toBe(first.pid);
    expect(await path()).not.toBe(socket);
    await own.close();
  });
});

describe('a start that loses a connection', () => {
  /** A door that knows only three of the four who are sent to it. */
  const forgetful = (place: Introductions): Introductions =>
    Object.assign(Object.create(place) as Introductions, {
      expect: (count: number): Expected => {
        const { keys, ...expected } = place.expect(count);
        return { ...expected, keys: [...keys.slice(1), '0'.repeat(32)] };
      },
    });

  it('ends what was started, and not the spawner, which serves others', async () => {
    const own = new SpawnerProcess(workshop.spawner, (how) => lost.push(how));
    const place = await Introductions.open();
    const idle = { command: process.execPath, args: ['-e', 'setInterval(() => 0, 1000)'], cwd: '/' };
    const other = await own.start(place, idle, 30_000);
    const late = own.start(forgetful(place), idle, 2_000).catch((error: unknown) => error);
    const [spawner = 0] = spawners();
    const pid = await until('it runs', () => childrenOf(spawner).find((child) => child !== other.pid));
    expect(await late).toMatchObject({ detail: 'too late' });
    await until('it is gone', () => !isRunning(pid));
    expect([own.usable, isRunning(other.pid), lost]).toEqual([true, true, []]);
    await own.start(place, idle, 30_000);
    await own.close();
    await place.close();
  });
});

describe('the socket for descriptors', () => {
  it('lets in who knows a key, once, and loses nothing of what follows it', async () => {
    const place = await Introductions.open();
    const { keys, all: come } = place.expect(1);
    const ends = (said: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(place.path).on('close', () => resolve('cut off'));
        socket.resume().write(said);
        void come.then(() => setTimeout(() => resolve('let in'), 100));
      });
    expect(await ends('0'.repeat(32))).toBe('cut off');
    const known = ends(`${keys[0]}hello`);
    const [socket] = await come;
    const [first] = await Promise.all([new Promise((resolve) => socket?.once('data', resolve)), known]);
    expect(String(first)).toBe('hello');
    expect(await known).toBe('let in');
    expect(await ends(`${keys[0]}`)).toBe('cut off');
    socket?.destroy();
    await place.close();
  });
});

describe('the runner', () => {
  it('does not begin when it has lost its parent already', () => {
    const begin = (parent: number) => spawnSync(process.execPath, [workshop.runner, '/nowhere', String(parent)]).status;
    expect(begin(1)).toBe(0);
    // (control) It looks for the plugin, and there is none.
    expect(begin(process.pid)).toBe(70);
  });
});
