/** What a subscriber sees, on real PostgreSQL: every event once, in order, whoever writes, is killed or rebuilds beside it. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '#kernel';
import { Client, Pool } from 'pg';
import { bundleAppender, killAppender, startAppender } from '../../../../test/support/appenders.js';
import { counted, openLog } from '../../../../test/support/ledger-fixture.js';
import { noting, Subscribers } from '../../../../test/support/subscribers.js';
import { until } from '../../../../test/support/until.js';
import type { Process } from './subscription.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const EVENTS = LONG ? 100_000 : 20_000;
const WRITERS = 32;
const FULL = process.env['LETHE_TEST_FULL'] === '1';
const KILLED_EVENTS = FULL ? 100_000 : LONG ? 20_000 : 2_000;

let all: Subscribers;
beforeAll(async () => {
  all = await Subscribers.open();
});
afterAll(() => all.close());

describe(`a subscriber over ${EVENTS} events from ${WRITERS} writers on two replicas`, () => {
  it('sees each once, in the order of positions, while they are written', async () => {
    const tenant = await openLog(all.store);
    const seen: number[] = [];
    const process: Process = { name: 'live', handle: (event) => Promise.resolve(void seen.push(event.position)) };
    const live = all.subscribe(all.store, [tenant], process, noting('live-rows'));
    all.subscribe(all.other, [tenant], noting('live-rows'));
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let at = 0; at < EVENTS / WRITERS; at += 25) {
          await Promise.all(
            Array.from({ length: 25 }, () =>
              (writer % 2 === 0 ? all.store : all.other).append(counted(tenant, `w/${writer}`)),
            ),
          );
        }
      }),
    );
    expect(await live.caughtUp(tenant, 'live', EVENTS - 1, 60_000)).toBe(true);
    expect(await live.caughtUp(tenant, 'live-rows', EVENTS - 1, 60_000)).toBe(true);
    expect(seen.length).toBe(EVENTS);
    expect(seen.every((position, at) => position === at)).toBe(true);
    const rows = await all.noted(tenant);
    expect(rows.length).toBe(EVENTS);
    expect(rows.every((id, at) => Number(id.split('/')[1]) === at)).toBe(true);
    expect(all.troubles).toEqual([]);
  }, 300_000);

  it('(control) a naive sequence cursor in the same harness misses some', async () => {
    await all.db.superuser.query('CREATE TABLE naive (id bigserial PRIMARY KEY, writer int)');
    const superuserUrl = new URL(process.env['LETHE_TEST_PG_URL'] ?? '');
    superuserUrl.pathname = `/${(await all.db.superuser.query<{ name: string }>('SELECT current_database() AS name')).rows[0]!.name}`;
    const pool = new Pool({ connectionString: superuserUrl.toString(), max: WRITERS });
    const reader = new Client({ connectionString: superuserUrl.toString() });
    await reader.connect();
    const seen = new Set<number>();
    let writing = true;
    let cursor = 0;
    const read = async (): Promise<void> => {
      const { rows } = await reader.query<{ id: number }>('SELECT id::int FROM naive WHERE id > $1 ORDER BY id', [
        cursor,
      ]);
      for (const { id } of rows) seen.add((cursor = id));
    };
    const reading = (async () => {
      while (writing) await read();
      await read();
    })();
    // Between taking its number and being visible, a writer is delayed by chance, as any is under load.
    const insert = `WITH taken AS (SELECT nextval('naive_id_seq') AS id) INSERT INTO naive SELECT id, $1 FROM taken, LATERAL (SELECT pg_sleep(random() * 0.004 + id * 0)) AS delay`;
    const jobs = Array.from({ length: WRITERS }, async (_, writer) => {
      for (let at = 0; at < 20; at += 1) await pool.query(insert, [writer]);
    });
    await Promise.all(jobs);
    writing = false;
    await reading;
    const { rows } = await reader.query<{ count: number }>('SELECT count(*)::int AS count FROM naive');
    await Promise.all([pool.end(), reader.end()]);
    expect(rows[0]!.count).toBe(WRITERS * 20);
    expect(seen.size).toBeLessThan(WRITERS * 20);
  }, 60_000);
});

describe(`a subscriber over ${KILLED_EVENTS} events whose appenders are killed`, () => {
  it('misses none and repeats none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lethe-appenders-'));
    const appender = await bundleAppender(folder);
    const tenant = await openLog(all.store);
    const seen: number[] = [];
    const process: Process = { name: 'killed', handle: (event) => Promise.resolve(void seen.push(event.position)) };
    const live = all.subscribe(all.store, [tenant], process, noting('killed-rows'));
    all.subscribe(all.other, [tenant], noting('killed-rows'));
    const start = (): ChildProcess => {
      const child = startAppender(appender, all.db.urls.appUrl, tenant);
      // What they say is not needed here: what counts is what is in the log.
      child.stdout?.resume();
      return child;
    };
    const appenders = [start(), start()];
    const size = async (): Promise<number> => (await all.store.head(tenant)).size;
    let kills = 0;
    while ((await size()) < KILLED_EVENTS || kills < 3) {
      // One that has just begun would be killed before it appends: then nothing would ever come in.
      const wanted = (await size()) + KILLED_EVENTS / 20;
      await until('more events', async () => (await size()) >= wanted, 120_000);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
      const killed = kills++ % 2;
      await killAppender(appenders[killed]!);
      appenders[killed] = start();
    }
    await Promise.all(appenders.map(killAppender));
    // An append of a killed process may still be on its way to its commit.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const last = (await size()) - 1;
    expect(await live.caughtUp(tenant, 'killed', last, 300_000)).toBe(true);
    expect(await live.caughtUp(tenant, 'killed-rows', last, 300_000)).toBe(true);
    const rows = await all.noted(tenant);
    await rm(folder, { recursive: true, force: true });
    console.info(`${last + 1} events, ${kills} appenders killed, ${seen.length} seen, ${rows.length} projected`);
    expect([seen.length, rows.length]).toEqual([last + 1, last + 1]);
    expect(seen.every((position, at) => position === at)).toBe(true);
    expect(rows.every((id, at) => Number(id.split('/')[1]) === at)).toBe(true);
    expect(all.troubles).toEqual([]);
  }, 900_000);
});

describe('a rebuild', () => {
  it('gives the same rows again, while events keep coming', async () => {
    const tenant = await openLog(all.store);
    const subscriptions = all.subscribe(all.store, [tenant], noting('rebuilt'));
    const append = (count: number): Promise<unknown> =>
      Promise.all(Array.from({ length: count }, () => all.store.append(counted(tenant, newId()))));
    await append(700);
    expect(await subscriptions.caughtUp(tenant, 'rebuilt', 699)).toBe(true);
    await all.db.superuser.query(`DELETE FROM note WHERE tenant = $1 AND id LIKE '%5'`, [tenant]);
    const [rebuilt] = await Promise.all([subscriptions.rebuild(tenant, 'rebuilt'), append(50)]);
    expect(rebuilt[0]?.events).toBeGreaterThanOrEqual(700);
    expect(await subscriptions.caughtUp(tenant, 'rebuilt', 749)).toBe(true);
    expect(await all.noted(tenant)).toHaveLength(750);
  });
});
