/** P9: no plugin outlives its host, whatever it is doing; and one that ends is started again, a hundred times. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PluginHost, inspectPlugin, installPlugin } from '#connectors';
import { TestClock } from '#kernel';
import { connectPlugin } from '../support/connect-plugin.js';
import { approvedErasure, byEmail, requestWhen } from '../support/connected-systems.js';
import { isSkipped } from '../support/may-skip.js';
import { passLeases } from '../support/pass-leases.js';
import { DEAF, plantLife } from '../support/planted-life.js';
import { openMailing, type Mailing } from '../support/planted-plugins.js';
import { codeOf, all, PluginWorkshop } from '../support/plugin-fixtures.js';
import { childrenOf, isRunning } from '../support/process-tree.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const KILLS = LONG ? 6 : 2;
const RESTARTS = LONG ? 100 : 5;
const GONE_MS = 2_000;

interface Left {
  id: string;
  honest: number[];
  deaf: number[];
  spawners: number[];
}

/** Processes whose command line names the folder of this run's plugins. */
function running(hashes: readonly string[]): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return hashes.some((hash) => words.includes(hash)) && words.includes('runner');
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Those that are still there after the time a plugin has to be gone in. */
async function leftOf(look: () => number[]): Promise<number[]> {
  for (let waited = 0; look().length > 0 && waited < GONE_MS; waited += 50) await sleep(50);
  return look();
}

/** Becomes the service in a mount namespace of its own, where nothing can ask the kernel to end a child with its parent. */
const WITHOUT_SETPRIV = [
  ...['unshare', '--mount', 'sh', '-c'],
  'for way in /usr/bin/setpriv /bin/setpriv; do [ ! -e $way ] || mount --bind /bin/false $way || exit 1; done; exec "$0" "$@"',
];

function noMounts(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting needs root on Linux';
  const [program = '', ...words] = WITHOUT_SETPRIV;
  return spawnSync(program, [...words, 'true']).status === 0 ? undefined : 'this machine refuses mount namespaces';
}

const itMounts = isSkipped('the control of orphans', noMounts()) ? it.skip : it;

describe(`plugins of a service that is killed ${KILLS} times`, () => {
  let service: ServiceProcess;
  let kills = 0;
  /** `deaf` does not listen for the end of its host. */
  const systems: Partial<Record<'honest' | 'deaf', { mailing: Mailing; hash: string }>> = {};

  async function connect(name: 'honest' | 'deaf', head = ''): Promise<void> {
    const mailing = await openMailing();
    // An id of its own: its processes are told from those of other runs by the content hash.
    const id = `${name}-${process.pid}`;
    const plugin = plantLife(service, '1.0.0', id, head);
    const wanted = { plugin, name, config: { url: mailing.url }, secrets: { token: mailing.token } };
    mailing.connectionId = await connectPlugin(service, wanted);
    const { body } = await service.get('/v1/admin/plugins', { as: 'admin' });
    const hash = body.items.find((one: { id: string }) => one.id === id).contentHash;
    systems[name] = { mailing, hash };
  }

  beforeAll(async () => {
    service = await ServiceProcess.prepare();
    await service.start();
    await connect('honest');
    await connect('deaf', DEAF);
  });
  afterAll(async () => {
    await service.end('SIGKILL');
    await service.close();
    for (const system of Object.values(systems)) await system.mailing.close();
  });

  /** Kills the service while both plugins work; resolves with the request and the processes that outlive it. */
  async function killed(person: string, kill: () => Promise<void>): Promise<Left> {
    const email = `${person}@example.test`;
    const { honest, deaf } = systems as Required<typeof systems>;
    const atWork = [honest, deaf].map(({ mailing, hash }) => {
      mailing.slowMs = 600_000;
      mailing.rows.set(person, email);
      const asked = (): number => mailing.calls.filter((call) => call === '1.0.0 /fault').length;
      const before = asked();
      return () => asked() > before && running([hash]).length > 0;
    });
    const id = await approvedErasure(service, [byEmail(email)]);
    await until('both plugins at work', () => atWork.every((look) => look()));
    const spawners = childrenOf(service.pid);
    expect(spawners).toHaveLength(1);
    await kill();
    const left = {
      honest: await leftOf(() => running([honest.hash])),
      deaf: await leftOf(() => running([deaf.hash])),
      spawners: await leftOf(() => spawners.filter(isRunning)),
    };
    for (const { mailing } of [honest, deaf]) mailing.slowMs = 0;
    return { id, ...left };
  }

  const alone = (): Promise<void> => service.end('SIGKILL');
  /** The spawner ends with the service and has no moment to end the plugins: only the kernel can. */
  const withSpawner = async (): Promise<void> => {
    const [spawner = 0] = childrenOf(service.pid);
    process.kill(spawner, 'SIGSTOP');
    await service.end('SIGKILL');
    process.kill(spawner, 'SIGKILL');
  };

  it.each(
    Array.from({ length: KILLS }, (_, n) =>
      n % 2 === 0 ? { who: 'service', kill: alone } : { who: 'service with its spawner', kill: withSpawner },
    ),
  )('are gone within 2 s, also those that do not listen for it (kill of the $who)', async ({ kill }) => {
    const { id, honest, deaf, spawners } = await killed(`k${++kills}`, kill);
    expect([honest, deaf, spawners]).toEqual([[], [], []]);
    if (!LONG) await passLeases(service);
    await service.start();
    await requestWhen(service, id, (one) => one.status === 'closed');
  });

  itMounts(
    '(control) where the kernel is not asked, the honest end by themselves and the deaf are orphans, but for the spawner',
    async () => {
      await service.end('SIGTERM');
      await service.start({}, WITHOUT_SETPRIV);
      expect(await killed('ended', alone)).toMatchObject({ honest: [], deaf: [], spawners: [] });
      if (!LONG) await passLeases(service);
      await service.start({}, WITHOUT_SETPRIV);
      const { honest, deaf } = await killed('orphan', withSpawner);
      for (const pid of deaf) process.kill(pid, 'SIGKILL');
      expect(honest).toEqual([]);
      expect(deaf.length).toBeGreaterThan(0);
      expect(await leftOf(() => running([systems.deaf!.hash]))).toEqual([]);
    },
  );
});

describe('a plugin that ends in every call', () => {
  it(`is started again ${RESTARTS} times, when it stays within its budget`, async () => {
    const workshop = new PluginWorkshop({ inspectPlugin, installPlugin });
    const clock = new TestClock(new Date());
    const host = new PluginHost({ clock, runner: workshop.runner });
    const connection = await workshop.connection(`{ async *locate() { process.exit(1) } }`);
    for (let n = 0; n < RESTARTS; n++) {
      expect(await host.check(connection)).toMatchObject({ ok: true });
      expect(await codeOf(all(host.locate(connection, [])))).toBe('plugin-exited');
      clock.advance(11 * 60_000);
    }
    expect(host.blocked(connection)).toBeUndefined();
    await host.close(0);
    expect(running([connection.plugin.contentHash])).toEqual([]);
    workshop.clean();
  }, 300_000);
});
