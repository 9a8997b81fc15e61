/** Plugins that run wild: each is ended for itself, named, and nothing else suffers. Real processes throughout. */
import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestClock, systemClock } from '#kernel';
import { all, bundle, codeOf, PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { childrenOf, isRunning } from '../../../../test/support/process-tree.js';
import type { PluginLogLine } from './captured-log.js';
import { PluginHost } from '../call/plugin-host.js';
import { inspectPlugin, installPlugin } from '../package/plugin-package.js';
import type { RunningConnection } from './process-pool.js';

let workshop: PluginWorkshop;
let host: PluginHost;
let lines: PluginLogLine[];
beforeAll(() => {
  workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
});
beforeEach(() => {
  lines = [];
  const log = (line: PluginLogLine) => lines.push(line);
  host = new PluginHost({ clock: systemClock, runner: workshop.runner, times: { grace: 300 }, log });
});
afterEach(() => host.close(0));
afterAll(() => workshop.clean());

const soon = (ms: number) => ({ deadline: new Date(Date.now() + ms) });
const logged = () => lines.map(({ text }) => text).join('\n');
/** Lets a plugin write frames of its own making. */
const FRAMED = `import { writeSync } from 'node:fs';
      const raw = (t) => { const b = Buffer.from(t); const h = Buffer.alloc(4); h.writeUInt32BE(b.length); return Buffer.concat([h, b]) };
      const framed = (o) => raw(JSON.stringify(o));`;
/** A host in a process of its own, to be killed: calls an idle and a looping plugin and prints their process ids. */
const HOST = `import { PluginHost } from './plugin-host.mjs';
  const [runner, connections] = process.argv.slice(2);
  const [idle, loop] = JSON.parse(connections);
  const host = new PluginHost({ clock: { now: () => new Date() }, runner });
  const { account } = await host.check(idle);
  const looping = host.locate(loop, [{ itemKey: 'i', generation: 1, ids: [] }]);
  const first = await looping.next();
  process.stdout.write(JSON.stringify([Number(account), Number(first.value.ref)]));
  await looping.next();`;
const pidPlugin = `{ async check() { return { ok: true, account: String(process.pid) } } }`;

async function pidOf(connection: RunningConnection): Promise<number> {
  const check = await host.check(connection);
  return Number(check.ok ? check.account : NaN);
}

describe('a plugin that runs wild', () => {
  it('in an endless loop is killed at its deadline while another connection answers', async () => {
    const loop = await workshop.connection(`{ async *locate() { for (;;); } }`);
    const other = await workshop.connection(pidPlugin);
    await host.check(loop);
    const looping = codeOf(all(host.locate(loop, [], soon(300))));
    const started = Date.now();
    await host.check(other);
    expect(Date.now() - started).toBeLessThan(1000);
    expect(await looping).toBe('deadline-exceeded');
    expect(Date.now() - started).toBeLessThan(2500);
    expect(await host.check(loop)).toMatchObject({ ok: true });
  });

  it('and ignores the abort of its caller is ended by force', async () => {
    const deaf = await workshop.connection(
      `{ async *locate() { await new Promise(() => setInterval(() => 0, 1000)) } }`,
    );
    const signal = AbortSignal.timeout(200);
    expect(await codeOf(all(host.locate(deaf, [], { signal })))).toBe('aborted');
  });

  it.each([
    ['buffers', `const kept = []; for (;;) { kept.push(Buffer.alloc(4 << 20, 1)); await new Promise(setImmediate); }`],
    [
      'the heap',
      `const kept = []; for (let n = 0; ; n++) { kept.push({ n, text: 'x' + n }); if (n % 20000 === 0) await new Promise(setImmediate); }`,
    ],
  ])('and fills %s is killed without growth of the host', async (_what, code) => {
    const bomb = await workshop.connection(`{ async *locate() { ${code} } }`);
    const before = process.memoryUsage().rss;
    expect(['memory-limit', 'plugin-exited']).toContain(await codeOf(all(host.locate(bomb, [], soon(8000)))));
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  });

  it('and exits in a call has failed for now; what it had answered before is kept', async () => {
    const connection = await workshop.connection(
      `{ async *locate() { yield { itemKey: 'i', dataset: 'people', ref: '1', count: 1 }; setTimeout(() => process.exit(3), 50); await new Promise(() => 0); } }`,
    );
    const seen: unknown[] = [];
    const item = { itemKey: 'i', generation: 1, ids: [] };
    const reading = (async () => {
      for await (const located of host.locate(connection, [item])) seen.push(located);
    })();
    await expect(reading).rejects.toMatchObject({
      fail: { class: 'transient', code: 'plugin-exited' },
      message: expect.stringContaining('sample@1.0.0'),
    });
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['garbage', `Buffer.concat([Buffer.from([0, 0, 0, 5]), Buffer.from('hello')])`],
    ['an 800 MiB header', `Buffer.from([0x32, 0, 0, 0])`],
    ['a header of all ones', `Buffer.from([255, 255, 255, 255])`],
    [
      'an endless message',
      `Buffer.concat(Array(20).fill(Buffer.concat([Buffer.from([0x80, 0x10, 0, 0]), Buffer.alloc(1 << 20)])))`,
    ],
    ['an unknown frame', `framed({ t: 'grant-me-all' })`],
    ['an answer to no call', `framed({ t: 'end', id: 77 })`],
    [
      'a log line that is nested too deep to be written',
      `raw('{"t":"log","id":1,"level":"info","message":"x","fields":{"a":' + '['.repeat(2e5) + ']'.repeat(2e5) + '}}')`,
    ],
  ])('and writes %s is killed at once', async (_what, bytes) => {
    const head = `${FRAMED}
      const push = (b) => { for (let at = 0; at < b.length; ) try { at += writeSync(4, b, at) } catch (e) { if (e.code !== 'EAGAIN') throw e } };`;
    const connection = await workshop.connection(
      `{ async *locate(x) { push(${bytes}); await new Promise(() => setInterval(() => 0, 1000)); } }`,
      {},
      { head },
    );
    expect(await codeOf(all(host.locate(connection, [], soon(4000))))).toBe('protocol-violation');
  });

  it('and answers without credit is killed, after what it had credit for', async () => {
    const connection = await workshop.connection(
      `{ async *locate() { writeSync(4, Buffer.concat(Array(70).fill(framed({ t: 'item', id: 1, value: { itemKey: 'i', dataset: 'people', ref: '1', count: 1 } })))); await new Promise(() => setInterval(() => 0, 1000)); } }`,
      {},
      { head: FRAMED },
    );
    let seen = 0;
    const reading = (async () => {
      for await (const located of host.call(connection, 'locate', { items: [] })) seen += located.count;
    })();
    expect(await codeOf(reading)).toBe('protocol-violation');
    expect(seen).toBe(64);
  });

  it('and cannot be loaded says so', async () => {
    const connection = await workshop.connection('{}', {}, { head: `throw new Error('row of Grace');` });
    expect(await codeOf(host.check(connection))).toBe('plugin-broken');
    expect(logged()).not.toContain('Grace');
    expect(logged()).toContain('index.mjs');
  });

  it('and never says hello is killed', async () => {
    const impatient = new PluginHost({ clock: systemClock, runner: workshop.runner, times: { hello: 400 } });
    const connection = await workshop.connection(
      '{}',
      {},
      { head: `await new Promise(() => setInterval(() => 0, 1000));` },
    );
    expect(await codeOf(impatient.check(connection))).toBe('plugin-start-failed');
    await impatient.close(0);
  });

  it('five times in ten minutes is quarantined until a person clears it', async () => {
    const clock = new TestClock(new Date());
    const budget = new PluginHost({ clock, runner: workshop.runner });
    const crash = await workshop.connection(`{ async *locate() { process.exit(1) } }`);
    for (let n = 0; n < 4; n++) expect(await codeOf(all(budget.locate(crash, [])))).toBe('plugin-exited');
    clock.advance(11 * 60_000);
    for (let n = 0; n < 5; n++) expect(await codeOf(all(budget.locate(crash, [])))).toBe('plugin-exited');
    await expect(budget.check(crash)).rejects.toMatchObject({
      fail: { code: 'plugin-quarantined' },
      plugin: 'sample@1.0.0',
    });
    expect(budget.blocked(crash)).toBe('plugin-quarantined');
    expect(await budget.check({ ...crash, tenant: 'tenant-b' })).toMatchObject({ ok: true });
    budget.clearQuarantine(crash);
    expect(await budget.check(crash)).toMatchObject({ ok: true });
    await budget.close(0);
  });
});

describe('what a plugin writes', () => {
  it('is captured without secrets and identifiers, in any encoding', async () => {
    const secret = 'p4ss/w0rd+"long"';
    const connection = await workshop.connection(
      `{ async *locate(x, items) {
        const s = x.secrets.password, email = items[0].ids[0].value;
        console.log('plain', s, email.toUpperCase()); console.error('uri', encodeURIComponent(s), encodeURIComponent(email));
        console.log('basic', Buffer.from('user:' + s).toString('base64'), Buffer.from('ab:' + s + ':x').toString('base64'), Buffer.from(s).toString('hex'));
        process.stdout.write(s.slice(0, 5)); await new Promise((r) => setTimeout(r, 50)); console.log(s.slice(5));
        x.log.warn('token ' + s, { s, email });
      } }`,
      {},
      { secrets: { password: secret } },
    );
    const ids = [{ type: 'email', value: 'ada@example.test', strength: 'verified' as const }];
    await all(host.locate(connection, [{ itemKey: 'i', generation: 1, ids }]));
    await sleep(50);
    const text = logged();
    expect(text).toContain('plain [redacted] [redacted]');
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
      expect(text).not.toContain(form);
    for (const form of ['hex', 'base64'] as const)
      expect(text).not.toContain(Buffer.from(secret).toString(form).slice(3, -3));
    for (const shift of ['user:', 'ab:']) {
      expect(text).not.toContain(
        Buffer.from(shift + secret)
          .toString('base64')
          .slice(8, -4),
      );
    }
    expect(text.toLowerCase()).not.toMatch(/ada(@|%40)example/);
    expect(lines.every(({ connectionId }) => connectionId === connection.id)).toBe(true);
  });

  it('is kept to 64 KiB a second, and a flood does not stop the call', async () => {
    const connection = await workshop.connection(
      `{ async check() { for (let n = 0; n < 3000; n++) console.log('x'.repeat(1000)); return { ok: true, account: 'a' } } }`,
    );
    await host.check(connection);
    expect(logged().length).toBeGreaterThan(10_000);
    expect(logged().length).toBeLessThan(3 * 64 * 1024);
  });
});

describe('the life of a process', () => {
  it('ends when it is idle, and starts again on demand', async () => {
    const lazy = new PluginHost({ clock: systemClock, runner: workshop.runner, idleMs: 100 });
    const connection = await workshop.connection(pidPlugin);
    const pid = async () => lazy.check(connection).then((check) => Number(check.ok ? check.account : NaN));
    const first = await pid();
    expect(await pid()).toBe(first);
    await sleep(600);
    expect(isRunning(first)).toBe(false);
    expect(await pid()).not.toBe(first);
    await lazy.close();
  });

  it('lets running calls finish when the host closes, and refuses new ones', async () => {
    const slow = await workshop.connection(
      `{ async check() { await new Promise((r) => setTimeout(r, 400)); return { ok: true, account: String(process.pid) } } }`,
    );
    const running = pidOf(slow);
    await sleep(250);
    const closing = host.close(5000);
    expect(await codeOf(host.check(slow))).toBe('host-closed');
    const pid = await running;
    await closing;
    expect(isRunning(pid)).toBe(false);
  });

  it('is disabled and enabled while the host runs', async () => {
    const connection = await workshop.connection(pidPlugin);
    const pid = await pidOf(connection);
    await host.disable(connection);
    expect(isRunning(pid)).toBe(false);
    expect(await codeOf(host.check(connection))).toBe('connection-disabled');
    host.enable(connection);
    expect(await pidOf(connection)).not.toBe(pid);
  });

  it('does not start when a file differs from the installed hash', async () => {
    const connection = await workshop.connection(pidPlugin);
    await host.check(connection);
    await host.disable(connection);
    host.enable(connection);
    appendFileSync(join(connection.plugin.dir, 'index.mjs'), '// one byte more');
    expect(await codeOf(host.check(connection))).toBe('plugin-tampered');
    expect(host.blocked(connection)).toBeUndefined();
  });

  it('ends within two seconds of a host that is killed, even in an endless loop; so does the spawner', async () => {
    const idle = await workshop.connection(pidPlugin);
    const loop = await workshop.connection(
      `{ async *locate(x) { yield { itemKey: 'i', dataset: 'people', ref: String(process.pid), count: 1 }; for (;;); } }`,
    );
    bundle('libs/connectors/src/call/plugin-host.ts', join(workshop.folder, 'plugin-host.mjs'));
    const script = join(workshop.folder, 'host.mjs');
    writeFileSync(script, HOST);
    const child = spawn(process.execPath, [script, workshop.runner, JSON.stringify([idle, loop])], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { TMPDIR: workshop.folder },
    });
    const pids = await new Promise<number[]>((resolve) =>
      child.stdout.once('data', (text: Buffer) => resolve(JSON.parse(String(text)) as number[])),
    );
    pids.push(...childrenOf(child.pid ?? 0));
    expect(pids.map(isRunning)).toEqual([true, true, true]);
    child.kill('SIGKILL');
    for (let waited = 0; waited < 2000 && pids.some(isRunning); waited += 50) await sleep(50);
    expect(pids.map(isRunning)).toEqual([false, false, false]);
  });
});

describe('the places of the machine', () => {
  it('are shared by all connections', async () => {
    const narrow = new PluginHost({ clock: systemClock, runner: workshop.runner, concurrency: 1 });
    const slow = `{ async check() { const from = Date.now(); await new Promise((r) => setTimeout(r, 150)); return { ok: true, account: from + '-' + Date.now() } } }`;
    const connections = await Promise.all([workshop.connection(slow), workshop.connection(slow)]);
    const spans = (await Promise.all(connections.map((connection) => narrow.check(connection))))
      .map((check) => (check.ok ? check.account : '').split('-').map(Number))
      .sort(([a = 0], [b = 0]) => a - b);
    expect(spans[1]?.[0]).toBeGreaterThanOrEqual(spans[0]?.[1] ?? Infinity);
    expect(await codeOf(narrow.check(connections[0]!, { signal: AbortSignal.abort() }))).toBe('aborted');
    await narrow.close();
  });
});
