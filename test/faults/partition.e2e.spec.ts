/** Acceptance 10: the way to PostgreSQL is cut without a word, or becomes slow. Bounded refusals, nothing half-done, healed alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isSkipped } from '../support/may-skip.js';
import { NetworkCluster, noNetworkNamespace } from '../support/network-cluster.js';
import {
  attempt,
  check,
  declare,
  knownRefusal,
  record,
  spread,
  told,
  untilWell,
  type Attempt,
} from '../support/outage.js';
import { clusterUrl } from '../support/test-database.js';
import { SlowProxy } from '../support/slow-proxy.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const ROUNDS = LONG ? 2 : 1;
const BOUND_MS = 15_000;
const silent = { LETHE_LOG_LEVEL: 'silent' };
const onRoot = isSkipped('partitions', noNetworkNamespace()) ? describe.skip : describe;

/** Every attempt, repeated under its key until it is acknowledged, then once more: replayed. */
async function expectOnce(lethe: TestServer, attempts: Attempt[]): Promise<void> {
  for (const one of attempts) await untilWell(() => record(lethe, one));
  for (const one of attempts) {
    const { status, headers } = await record(lethe, one);
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  }
}

onRoot('the network to PostgreSQL is cut', () => {
  let cluster: NetworkCluster;
  let lethe: TestServer;

  beforeAll(async () => {
    cluster = await NetworkCluster.start();
    lethe = await startTestServer({ clusters: { ledger: cluster.url }, environment: silent });
    await declare(lethe);
  }, 240_000);
  afterAll(async () => {
    await lethe?.close();
    await cluster?.close();
  });

  it(
    'calls are refused in bounded time, and it heals without a restart',
    async () => {
      const detected: number[] = [];
      const healed: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const before = attempt();
        expect((await record(lethe, before)).status).toBe(201);
        const under = Array.from({ length: 16 }, attempt);
        const flying = under.map((one) => told(() => record(lethe, one)));
        cluster.cut();
        const cut = performance.now();
        const unlucky = attempt();
        expect(await told(() => record(lethe, unlucky))).toMatchObject({ status: 503, retryAfter: '1' });
        detected.push(performance.now() - cut);
        for (const one of await Promise.all(flying)) expect([201, 503]).toContain(one.status);
        const known = await knownRefusal(() => check(lethe, before));
        expect(known.status).toBe(503);
        expect(known.tookMs).toBeLessThan(1_000);
        cluster.mend();
        const mended = performance.now();
        await untilWell(() => record(lethe, unlucky));
        healed.push(performance.now() - mended);
        await expectOnce(lethe, [before, unlucky, ...under]);
      }
      expect(Math.max(...detected)).toBeLessThan(BOUND_MS);
      process.stdout.write(`network cut: refused after ${spread(detected)}, healed after ${spread(healed)}\n`);
    },
    ROUNDS * 240_000,
  );
});

(LONG ? describe : describe.skip)('the way to PostgreSQL is slow', () => {
  let proxy: SlowProxy;
  let lethe: TestServer;

  beforeAll(async () => {
    const slow = await SlowProxy.before(clusterUrl());
    ({ proxy } = slow);
    lethe = await startTestServer({ clusters: { ledger: slow.url }, environment: silent });
    await declare(lethe);
  });
  afterAll(async () => {
    proxy.delayMs = 0;
    await lethe?.close();
    await proxy?.close();
  });

  it('late by 100 ms: all calls succeed, only later', async () => {
    proxy.delayMs = 100;
    const answers = await Promise.all(Array.from({ length: 32 }, () => told(() => record(lethe, attempt()))));
    proxy.delayMs = 0;
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  }, 240_000);

  it('late by half a minute is as good as gone, and heals when it is fast again', async () => {
    const unlucky = attempt();
    proxy.delayMs = 30_000;
    const begun = performance.now();
    expect(await told(() => record(lethe, unlucky))).toMatchObject({ status: 503, retryAfter: '1' });
    const detectedMs = performance.now() - begun;
    expect(detectedMs).toBeLessThan(BOUND_MS);
    proxy.delayMs = 0;
    const mended = performance.now();
    await untilWell(() => record(lethe, unlucky));
    await sleep(100);
    await expectOnce(lethe, [unlucky]);
    process.stdout.write(
      `slow: refused after ${Math.round(detectedMs)} ms, healed after ${Math.round(performance.now() - mended)} ms\n`,
    );
  }, 240_000);
});
