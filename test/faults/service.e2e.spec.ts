/** Acceptance 2 over HTTP: service and PostgreSQL are killed under 8 writers, and every consent that was acknowledged is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { schemas } from '../../apps/server/src/schemas.js';
import { OwnCluster } from '../support/own-cluster.js';
import { ServiceProcess } from '../support/service-process.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const FULL = process.env['LETHE_TEST_FULL'] === '1';
const LONG = process.env['LETHE_TEST_LONG'] === '1';
/** Or fewer, when the time is over. */
const KILLS = FULL ? 30 : LONG ? 12 : 2;
const AT_MOST_MS = FULL ? 1_200_000 : LONG ? 45_000 : 20_000;
/** However slow the machine is. */
const AT_LEAST = FULL ? KILLS : 2;
const WRITERS = 8;
const UNDER_LOAD_MS = 700;
/** What is being killed, in turn. */
const victims = ['both', 'PostgreSQL', 'service'] as const;

let cluster: OwnCluster;
let databases: TestDatabase[];
let service: ServiceProcess;
const healedMs: Record<(typeof victims)[number], number[]> = { PostgreSQL: [], service: [], both: [] };

beforeAll(async () => {
  cluster = await OwnCluster.start({ shared_buffers: '64MB', fsync: 'on' });
  databases = [
    await createTestDatabase(schemas.ledger, cluster.url),
    await createTestDatabase(schemas.keystore, cluster.url),
  ];
  service = await ServiceProcess.prepare(() => ({
    DATABASE_URL: databases[0]!.urls.appUrl,
    LETHE_KEYSTORE_URL: databases[1]!.urls.appUrl,
    LETHE_LOG_LEVEL: 'silent',
  }));
  await service.start();
  await service.put('/v1/purposes/news', { name: 'News', legalBasis: 'consent', model: 'opt-in' });
  await service.post('/v1/notices', { id: 'n', version: '1', language: 'en', text: 'News.', purposes: ['news'] });
}, 240_000);
afterAll(async () => {
  for (const writers of Writers.started) await writers.stop();
  await service?.close();
  await cluster?.close();
}, 60_000);

/** Writers that record consents of new people one after another; a call without an answer is not acknowledged. */
class Writers {
  /** All of them, so that none goes on after a test that failed. */
  static readonly started: Writers[] = [];
  readonly acknowledged: string[] = [];
  /** Answers that tell the caller to come again. */
  refused = 0;
  private over = false;
  private readonly running: Promise<void>[];

  constructor(private readonly name: string) {
    this.running = Array.from({ length: WRITERS }, (_, writer) => this.write(writer));
    Writers.started.push(this);
  }

  private async write(writer: number): Promise<void> {
    for (let turn = 0; !this.over; turn++) {
      const identifiers = [{ type: 'email', value: `${this.name}${writer}-${turn}@example.test` }];
      const decisions = [{ purpose: 'news', decision: 'given' }];
      const notice = { id: 'n', version: '1' };
      const body = {
        subject: { identifiers },
        decisions,
        notice,
        method: 'form',
        collectedAt: new Date(),
        evidence: {},
      };
      const answer = await service.post('/v1/consents', body, { as: 'system' }).catch(() => undefined);
      if (answer?.status === 201) this.acknowledged.push(answer.body.records[0].id);
      else await sleep(20);
      if (answer?.status === 503) this.refused += 1;
    }
  }

  /** Waits until they write again; resolves with how long that took. */
  async grow(by: number, waitMs = 120_000): Promise<number> {
    const start = performance.now();
    for (const wanted = this.acknowledged.length + by; this.acknowledged.length < wanted; await sleep(10))
      if (performance.now() - start > waitMs) throw new Error('nothing is acknowledged any more');
    return performance.now() - start;
  }

  async stop(): Promise<void> {
    this.over = true;
    await Promise.all(this.running);
  }
}

/** Ids of every recorded consent, as they stand in the leaves. */
async function recorded(): Promise<Set<string>> {
  const url = new URL(cluster.url);
  url.pathname = new URL(databases[0]!.urls.ownerUrl).pathname;
  const client = new Client({ connectionString: url.toString() });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `SELECT d ->> 'id' AS id FROM event, LATERAL (SELECT bytes::jsonb -> 'data' AS d) AS leaf WHERE type = 'ConsentRecorded.v1'`,
  );
  await client.end();
  return new Set(rows.map(({ id }) => id));
}

const lostOf = (acknowledged: readonly string[], kept: ReadonlySet<string>): string[] =>
  acknowledged.filter((id) => !kept.has(id));

async function crash(victim: (typeof victims)[number]): Promise<void> {
  if (victim !== 'PostgreSQL') await service.end('SIGKILL');
  if (victim !== 'service') {
    await cluster.stop('immediate');
    await cluster.again();
  }
  if (victim !== 'PostgreSQL') await service.start();
}

const spread = (ms: readonly number[]): string =>
  ms.length === 0 ? 'none' : `${Math.round(Math.min(...ms))} to ${Math.round(Math.max(...ms))} ms`;

describe('service and PostgreSQL, killed under eight writers', () => {
  it(
    'lose no consent that was acknowledged',
    async () => {
      const start = Date.now();
      const before = await recorded();
      const writers = new Writers('w');
      let kills = 0;
      for (; kills < KILLS && (kills < AT_LEAST || Date.now() - start < AT_MOST_MS); kills++) {
        await writers.grow(20);
        await sleep(Math.random() * UNDER_LOAD_MS);
        const victim = victims[kills % victims.length]!;
        const fell = performance.now();
        await crash(victim);
        await writers.grow(1);
        healedMs[victim].push(performance.now() - fell);
      }
      await writers.grow(20);
      await writers.stop();
      const kept = await recorded();
      const lost = lostOf(writers.acknowledged, kept);
      const unheard = kept.size - before.size - (writers.acknowledged.length - lost.length);
      console.info(
        `${kills} kills: ${writers.acknowledged.length} acknowledged, ${lost.length} lost, ${unheard} committed and not heard, ` +
          `${writers.refused} told to come again; writing again after ${victims.map((one) => `${one} ${spread(healedMs[one])}`).join(', ')}`,
      );
      expect(lost).toEqual([]);
      expect(kills).toBeGreaterThanOrEqual(AT_LEAST);
      // Through the API as well, for the last ones.
      for (const id of writers.acknowledged.slice(-5))
        expect((await service.get(`/v1/consents/${id}/receipt`)).status).toBe(200);
    },
    AT_MOST_MS + 600_000,
  );

  it('(control) lose some when commits are acknowledged before they are written', async () => {
    const late = {
      synchronous_commit: 'off',
      wal_writer_delay: '10s',
      wal_writer_flush_after: '1GB',
      wal_buffers: '64MB',
    };
    await settings(Object.entries(late).map(([name, value]) => `ALTER SYSTEM SET ${name} = '${value}'`));
    let lost: string[] = [];
    // PostgreSQL writes what is late every ten seconds: once in many runs just before the crash.
    for (let attempt = 0; attempt < 5 && lost.length === 0; attempt += 1) {
      const writers = new Writers(`c${attempt}-`);
      await writers.grow(100);
      await crash('PostgreSQL');
      await writers.stop();
      lost = lostOf(writers.acknowledged, await recorded());
      console.info(`control: ${lost.length} of ${writers.acknowledged.length} lost`);
    }
    expect(lost.length).toBeGreaterThan(0);
  }, 600_000);
});

/** Changes settings of the cluster and starts it again, cleanly. */
async function settings(statements: string[]): Promise<void> {
  const client = new Client({ connectionString: cluster.url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
  await cluster.stop('fast');
  await cluster.again();
}
