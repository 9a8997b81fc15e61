/** P9: no plugin outlives its host, whatever it is doing; and one that ends is started again, a hundred times. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PluginHost, inspectPlugin, installPlugin } from '#connectors';
import { TestClock } from '#kernel';
import { connectPlugin } from '../support/connect-plugin.js';
import { approvedErasure, byEmail, requestWhen } from '../support/connected-systems.js';
import { plantLife } from '../support/planted-life.js';
import { openMailing, type Mailing } from '../support/planted-plugins.js';
import { codeOf, all, PluginWorkshop } from '../support/plugin-fixtures.js';
import { ServiceProcess } from '../support/service-process.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const KILLS = LONG ? 10 : 2;
const RESTARTS = LONG ? 100 : 15;
const GONE_MS = 2_000;

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

describe(`plugins of a service that is killed ${KILLS} times`, () => {
  let service: ServiceProcess;
  let mailing: Mailing;
  let hash: string;

  beforeAll(async () => {
    service = await ServiceProcess.prepare();
    await service.start();
    mailing = await openMailing();
    // An id of its own: its processes are told from those of other runs by the content hash.
    const plugin = plantLife(service, '1.0.0', `life-${process.pid}`);
    const config = { url: mailing.url };
    mailing.connectionId = await connectPlugin(service, {
      ...{ plugin, name: 'mailing', config },
      secrets: { token: mailing.token },
    });
    const { body } = await service.get('/v1/admin/plugins', { as: 'admin' });
    hash = body.items[0].contentHash;
  }, 60_000);
  afterAll(async () => {
    await service.close();
    await mailing.close();
  });

  it.each(Array.from({ length: KILLS }, (_, n) => n + 1))(
    'are gone within 2 s (kill %i)',
    async (kill) => {
      mailing.slowMs = 30_000;
      mailing.rows.set(`k${kill}`, `k${kill}@example.test`);
      const id = await approvedErasure(service, [byEmail(`k${kill}@example.test`)]);
      await requestWhen(service, id, (one) => one.status === 'acting');
      for (let waited = 0; mailing.calls.at(-1) !== '1.0.0 /fault' && waited < 5000; waited += 20) await sleep(20);
      expect(running([hash]).length).toBeGreaterThan(0);
      await service.end('SIGKILL');
      for (let waited = 0; running([hash]).length > 0 && waited < GONE_MS; waited += 50) await sleep(50);
      expect(running([hash])).toEqual([]);
      mailing.slowMs = 0;
      await service.start();
      await requestWhen(service, id, (one) => one.status === 'closed', 30_000);
    },
    60_000,
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
  }, 90_000);
});
