/** Acceptance 10: PostgreSQL is stopped and frozen under load. 503 in bounded time, nothing half-done, and it heals alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
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
  type Told,
} from '../support/outage.js';
import { OwnCluster } from '../support/own-cluster.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const ROUNDS = LONG ? 2 : 1;
const WRITERS = 8;
/** Silence, a probe and a margin for a busy machine. */
const BOUND_MS = 15_000;

let ledger: OwnCluster;
let keystore: OwnCluster;
let lethe: TestServer;

beforeAll(async () => {
  [ledger, keystore] = await Promise.all([OwnCluster.start(), OwnCluster.start()]);
  const clusters = { ledger: ledger.url, keystore: keystore.url };
  lethe = await startTestServer({ clusters, environment: { LETHE_LOG_LEVEL: 'silent' } });
  await declare(lethe);
}, 240_000);
afterAll(async () => {
  abandoned = true;
  for (const stop of running) await stop();
  await lethe?.close();
  await Promise.all([ledger?.close(), keystore?.close()]);
}, 240_000);

let abandoned = false;
/** Writers that go on over the outage, each repeating with the same key what was not acknowledged. */
const running: (() => Promise<unknown>)[] = [];
function load(): { written: () => number; stop: () => Promise<{ attempts: Attempt[]; tolds: Told[] }> } {
  let over = false;
  const attempts: Attempt[] = [];
  const tolds: Told[] = [];
  const write = async (): Promise<void> => {
    while (!over) {
      const one = attempt();
      attempts.push(one);
      for (;;) {
        const answer = await told(() => record(lethe, one));
        tolds.push(answer);
        // Also when a test has failed in the middle and nobody mends anything any more.
        if (answer.status === 201 || abandoned) break;
        await sleep(100);
      }
    }
  };
  const writers = Array.from({ length: WRITERS }, write);
  const stop = async (): Promise<{ attempts: Attempt[]; tolds: Told[] }> => {
    over = true;
    await Promise.all(writers);
    return { attempts, tolds };
  };
  running.push(stop);
  return { written: () => tolds.length, stop };
}

/** A client as one gets it when nobody thinks of silence. */
async function withoutClocks(cluster: OwnCluster): Promise<{ ask: () => Promise<string>; close: () => Promise<void> }> {
  const client = new Client({ connectionString: cluster.url });
  client.on('error', () => undefined);
  await client.connect();
  const ask = (): Promise<string> =>
    client.query('SELECT 1').then(
      () => 'answered',
      () => 'refused',
    );
  return { ask, close: () => client.end().catch(() => undefined) };
}

interface Outage {
  what: string;
  inShort?: true;
  breaks: () => Promise<void>;
  mends: () => Promise<void>;
}

const outages: Outage[] = [
  { what: 'ledger stopped', breaks: () => ledger.stop(), mends: () => ledger.again() },
  {
    what: 'ledger crashed',
    inShort: true,
    breaks: () => ledger.stop('immediate'),
    mends: () => ledger.again(),
  },
  { what: 'ledger frozen', inShort: true, breaks: () => ledger.freeze(), mends: () => ledger.thaw() },
  { what: 'key store stopped', breaks: () => keystore.stop(), mends: () => keystore.again() },
  { what: 'key store frozen', breaks: () => keystore.freeze(), mends: () => keystore.thaw() },
];

/** Each attempt is in the log once: positions are dense, and the same key gives the same answer again. */
async function expectOnce(attempts: Attempt[]): Promise<void> {
  const url = new URL(ledger.url);
  url.pathname = new URL(lethe.server.parts.config.DATABASE_URL ?? '').pathname;
  const superuser = new Client({ connectionString: url.toString() });
  await superuser.connect();
  const { rows } = await superuser.query<{ records: number; gaps: number }>(
    `SELECT count(*) FILTER (WHERE type = 'ConsentRecorded.v1')::int AS records, (max(position) + 1 - count(*))::int AS gaps FROM event`,
  );
  await superuser.end();
  expect(rows[0]?.gaps).toBe(0);
  recorded += attempts.length;
  expect(rows[0]?.records).toBe(recorded);
  for (const one of attempts.slice(0, 3)) {
    const again = await record(lethe, one);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  }
}
let recorded = 0;

describe('a PostgreSQL that is gone or silent', () => {
  it.each(LONG ? outages : outages.filter(({ inShort }) => inShort))(
    '$what: refused in bounded time, healed without a restart',
    async ({ what, breaks, mends }) => {
      const detected: number[] = [];
      const healed: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const writing = load();
        const unlucky = attempt();
        // Each of them has written before it breaks.
        await until('the writers', () => writing.written() >= WRITERS);
        const broken = performance.now();
        const plain = await withoutClocks(what.startsWith('ledger') ? ledger : keystore);
        await breaks();
        const waiting = plain.ask();
        const first = await told(() => record(lethe, unlucky));
        detected.push(performance.now() - broken);
        expect(first).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[1-9]/) });
        // Once it is known, nobody waits for it any more.
        await sleep(200);
        const known = await knownRefusal(() => record(lethe, unlucky));
        expect(known.status).toBe(503);
        expect(known.tookMs).toBeLessThan(1_000);
        await until('not ready', async () => (await told(() => lethe.get('/readyz'))).status === 503);
        expect((await told(() => lethe.get('/healthz'))).status).toBe(200);
        // Control: without clocks of its own a client waits for a frozen server as long as it is frozen.
        if (what.endsWith('frozen')) expect(await Promise.race([waiting, sleep(100)])).toBeUndefined();
        const mended = performance.now();
        await mends();
        await untilWell(() => record(lethe, unlucky));
        healed.push(performance.now() - mended);
        await untilWell(() => lethe.get('/readyz'));
        await plain.close();
        const { attempts, tolds } = await writing.stop();
        const refused = tolds.filter(({ status }) => status !== 201);
        expect(refused.length).toBeGreaterThan(0);
        expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
        expect(Math.max(...tolds.map(({ tookMs }) => tookMs))).toBeLessThan(BOUND_MS);
        await expectOnce([unlucky, ...attempts]);
      }
      expect(Math.max(...detected)).toBeLessThan(BOUND_MS);
      process.stdout.write(`${what}: refused after ${spread(detected)}, healed after ${spread(healed)}\n`);
    },
    ROUNDS * 300_000,
  );

  it('subscriptions, jobs and the signer go on by themselves', async () => {
    const one = attempt();
    expect((await record(lethe, one)).status).toBe(201);
    expect((await check(lethe, one)).body.decision).toBe('permit');
    const { id } = lethe.tenant.tenant;
    const { size } = await lethe.server.parts.store.head(id);
    await until('tiles', () => lethe.server.parts.subscriptions.caughtUp(id, 'tiles', size - 1));
    const signed = async (): Promise<number> => (await lethe.server.parts.reader.latestCheckpoint(id))?.size ?? 0;
    await until('signed', async () => (await signed()) >= size);
  });
});
