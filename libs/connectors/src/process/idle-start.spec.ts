/** A plugin's first seconds are idle work, and only they. Real processes, real scheduler. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '#kernel';
import { PluginWorkshop } from '../../../../test/support/plugin-fixtures.js';
import { childrenOf } from '../../../../test/support/process-tree.js';
import { until } from '../../../../test/support/until.js';
import { PluginHost } from '../call/plugin-host.js';
import { inspectPlugin, installPlugin } from '../package/plugin-package.js';

/** SCHED_OTHER and SCHED_IDLE of sched.h. */
const [OTHER, IDLE] = [0, 5];
const NICE = 10;

/** Policy and nice value of every thread (proc(5), fields 41 and 19 of `stat`). */
function threadsOf(pid: number): { policy: number; nice: number }[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { policy: Number(fields[41 - 3]), nice: Number(fields[19 - 3]) };
  });
}

/** Asked of the kernel, not of what is written about it; programs are looked for where the spawner does, without a PATH. */
async function mayEnd(): Promise<boolean> {
  const idle = spawn('nice', ['-n', String(NICE), 'chrt', '-i', '0', 'sleep', '60'], { env: {} });
  const begun = await once(idle, 'spawn').catch(() => undefined);
  if (!begun) return false;
  try {
    await until('idle', () => idle.exitCode !== null || threadsOf(idle.pid!)[0]?.policy === IDLE);
    return spawnSync('chrt', ['-a', '-o', '-p', '0', String(idle.pid)], { env: {} }).status === 0;
  } finally {
    idle.kill('SIGKILL');
  }
}

describe('the process of a plugin', () => {
  let workshop: PluginWorkshop;
  let host: PluginHost;
  beforeAll(() => {
    workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
    host = new PluginHost({ clock: systemClock, runner: workshop.runner });
  });
  afterAll(async () => {
    await host.close(0);
    workshop.clean();
  });

  it('begins as idle work where that can be ended, is ordinary soon after, and always yields to the service', async () => {
    const policy = (await mayEnd()) ? IDLE : OTHER;
    const before = childrenOf(process.pid);
    const checked = host.check(await workshop.connection(`{ async check() { return { ok: true, account: 'a' } } }`));
    const plugins = (): number[] =>
      childrenOf(process.pid).flatMap((child) => (before.includes(child) ? [] : childrenOf(child)));
    await until('a plugin that has begun so', () => plugins().some((pid) => threadsOf(pid)[0]?.policy === policy));
    expect(await checked).toMatchObject({ ok: true });
    const [pid = 0] = plugins();
    expect(threadsOf(pid).length).toBeGreaterThan(1);
    await until('ordinary', () => threadsOf(pid).every((one) => one.policy === OTHER), 20_000);
    expect(threadsOf(pid).every(({ nice }) => nice === NICE)).toBe(true);
  }, 60_000);
});
