/** What a subscriber sees, on real PostgreSQL: every event once, in order, whatever happens beside it. */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, systemClock, type TenantId } from '#kernel';
import { Client, Pool } from 'pg';
import { bundleAppender, killAppender, startAppender } from '../../../../test/support/appenders.js';
import { counted, createLedgerDatabase, openLog, replica } from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import type { StoredEvent } from '../event.js';
import { EventStore } from '../store/event-store.js';
import type { Process, Projection } from './subscription.js';
import { Subscriptions } from './subscriptions.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const EVENTS = LONG ? 100_000 : 20_000;
const WRITERS = 32;
const FULL = process.env['LETHE_TEST_FULL'] === '1';
const KILLED_EVENTS = FULL ? 100_000 : LONG ? 20_000 : 2_000;

let db: TestDatabase;
let store: EventStore;
let other: EventStore;
const troubles: { subscription: string; position: number; cause: string }[] = [];
const running: Subscriptions[] = [];
beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock);
  other = replica(db);
});
afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await other.database.close();
  await db.drop();
});

function subscribe(on: EventStore, tenants: TenantId[], ...parts: (Projection | Process)[]): Subscriptions {
  const subscriptions = new Subscriptions(
    on,
    () => Promise.resolve(tenants),
    (_, fields) => void troubles.push(fields),
  );
  for (const part of parts)
    if ('apply' in part) subscriptions.project(part);
    else subscriptions.process(part);
  subscriptions.start();
  running.push(subscriptions);
  return subscriptions;
}

/** Notes each position it applies as a row, in the transaction of the cursor: a repetition would be an error. */
const noting = (name: string): Projection => ({
  name,
  apply: async (events, query) => {
    const values = [events[0]!.tenant, events.map(({ position }) => `${name}/${String(position).padStart(9, '0')}`)];
    await query({
      text: 'INSERT INTO note (tenant, id, size) SELECT $1, id, 1 FROM unnest($2::text[]) AS n(id)',
      values,
    });
  },
  reset: async (query) => void (await query({ text: `DELETE FROM note WHERE id LIKE $1`, values: [`${name}/%`] })),
});
const noted = async (tenant: TenantId): Promise<string[]> =>
  (await db.superuser.query<{ id: string }>('SELECT id FROM note WHERE tenant = $1 ORDER BY id', [tenant])).rows.map(
    ({ id }) => id,
  );
const until = async (holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> => {
  for (const end = Date.now() + ms; !(await holds());) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

describe(`a subscriber over ${EVENTS} events from ${WRITERS} writers on two replicas`, () => {
  it('sees each once, in the order of positions, while they are written', async () => {
    const tenant = await openLog(store);
    const seen: number[] = [];
    const process: Process = { name: 'live', handle: (event) => Promise.resolve(void seen.push(event.position)) };
    const live = subscribe(store, [tenant], process, noting('live-rows'));
    subscribe(other, [tenant], noting('live-rows'));
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let at = 0; at < EVENTS / WRITERS; at += 25) {
          await Promise.all(
            Array.from({ length: 25 }, () => (writer % 2 === 0 ? store : other).append(counted(tenant, `w/${writer}`))),
          );
        }
      }),
    );
    expect(await live.caughtUp(tenant, 'live', EVENTS - 1, 60_000)).toBe(true);
    expect(await live.caughtUp(tenant, 'live-rows', EVENTS - 1, 60_000)).toBe(true);
    expect(seen.length).toBe(EVENTS);
    expect(seen.every((position, at) => position === at)).toBe(true);
    const rows = await noted(tenant);
    expect(rows.length).toBe(EVENTS);
    expect(rows.every((id, at) => Number(id.split('/')[1]) === at)).toBe(true);
    expect(troubles).toEqual([]);
  }, 300_000);

  it('(control) a naive sequence cursor in the same harness misses some', async () => {
    await db.superuser.query('CREATE TABLE naive (id bigserial PRIMARY KEY, writer int)');
    const superuserUrl = new URL(process.env['LETHE_TEST_PG_URL'] ?? '');
    superuserUrl.pathname = `/${(await db.superuser.query<{ name: string }>('SELECT current_database() AS name')).rows[0]!.name}`;
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
    const tenant = await openLog(store);
    const seen: number[] = [];
    const process: Process = { name: 'killed', handle: (event) => Promise.resolve(void seen.push(event.position)) };
    const live = subscribe(store, [tenant], process, noting('killed-rows'));
    subscribe(other, [tenant], noting('killed-rows'));
    const start = (): ChildProcess => {
      const child = startAppender(appender, db.urls.appUrl, tenant);
      // What they say is not needed here: what counts is what is in the log.
      child.stdout?.resume();
      return child;
    };
    const appenders = [start(), start()];
    const size = async (): Promise<number> => (await store.head(tenant)).size;
    let kills = 0;
    while ((await size()) < KILLED_EVENTS || kills < 3) {
      // One that has just begun would be killed before it appends: then nothing would ever come in.
      const wanted = (await size()) + KILLED_EVENTS / 20;
      await until(async () => (await size()) >= wanted, 120_000);
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
    const rows = await noted(tenant);
    await rm(folder, { recursive: true, force: true });
    console.info(`${last + 1} events, ${kills} appenders killed, ${seen.length} seen, ${rows.length} projected`);
    expect([seen.length, rows.length]).toEqual([last + 1, last + 1]);
    expect(seen.every((position, at) => position === at)).toBe(true);
    expect(rows.every((id, at) => Number(id.split('/')[1]) === at)).toBe(true);
    expect(troubles).toEqual([]);
  }, 900_000);
});

describe('what goes wrong', () => {
  it('keeps a projection at its event, without a storm, until it is repaired', async () => {
    const tenant = await openLog(store);
    let fails = true;
    let tries = 0;
    const fragile: Projection = {
      name: 'fragile',
      apply: async (events) => {
        tries += 1;
        if (fails && events.some(({ position }) => position === 3)) throw new RangeError('no');
        return Promise.resolve();
      },
      reset: () => Promise.resolve(),
    };
    const subscriptions = subscribe(store, [tenant], fragile);
    for (let at = 0; at < 40; at += 1) {
      await store.append(counted(tenant, 'f'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(() => troubles.some(({ subscription }) => subscription === 'fragile'));
    expect(tries).toBeLessThan(20);
    expect(await subscriptions.cursor(tenant, 'fragile')).toBeLessThanOrEqual(3);
    expect(troubles.find(({ subscription }) => subscription === 'fragile')?.cause).toBe('RangeError');
    fails = false;
    expect(await subscriptions.caughtUp(tenant, 'fragile', 39)).toBe(true);
  });

  it('applies what stands before the event that a projection fails at, and names that one', async () => {
    const tenant = await openLog(store);
    const rows = noting('guilty');
    let fails = true;
    const projection: Projection = {
      ...rows,
      apply: async (events, query) => {
        if (fails && events.some(({ position }) => position === 13)) throw new RangeError('planted');
        await rows.apply(events, query);
      },
    };
    for (let at = 0; at < 20; at += 1) await store.append(counted(tenant, 'g'));
    const subscriptions = subscribe(store, [tenant], projection);
    await until(() => troubles.some(({ subscription }) => subscription === 'guilty'));
    expect(troubles.find(({ subscription }) => subscription === 'guilty')?.position).toBe(13);
    expect(await noted(tenant)).toHaveLength(13);
    fails = false;
    expect(await subscriptions.caughtUp(tenant, 'guilty', 19)).toBe(true);
    expect(await noted(tenant)).toHaveLength(20);
  });

  it('stops loudly before an event that somebody took out, and does not pass over it', async () => {
    const tenant = await openLog(store);
    for (let at = 0; at < 10; at += 1) await store.append(counted(tenant, 'h'));
    await db.superuser.query('DELETE FROM event WHERE tenant = $1 AND position = 5', [tenant]);
    const handled: number[] = [];
    const process: Process = {
      name: 'gap-process',
      handle: ({ position }) => Promise.resolve(void handled.push(position)),
    };
    const subscriptions = subscribe(store, [tenant], noting('gap'), process);
    for (const name of ['gap', 'gap-process']) {
      await until(() => troubles.some(({ subscription }) => subscription === name));
      const { position, cause } = troubles.find(({ subscription }) => subscription === name)!;
      expect([position, cause]).toEqual([5, 'LogGap']);
    }
    expect(await noted(tenant)).toHaveLength(5);
    expect(handled).toEqual([0, 1, 2, 3, 4]);
    await expect(subscriptions.rebuild(tenant, 'gap')).rejects.toThrow('position 5 is missing');
  });

  it('keeps what a process did before the event that failed, and repeats only that', async () => {
    const tenant = await openLog(store);
    const handled: number[] = [];
    const broken = new Set([5]);
    const process: Process = {
      name: 'stumbling',
      handle: (event: StoredEvent) => {
        handled.push(event.position);
        return broken.delete(event.position) ? Promise.reject(new Error('once')) : Promise.resolve();
      },
    };
    for (let at = 0; at < 10; at += 1) await store.append(counted(tenant, 'p'));
    const subscriptions = subscribe(store, [tenant], process);
    expect(await subscriptions.caughtUp(tenant, 'stumbling', 9)).toBe(true);
    expect(handled).toEqual([0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]);
  });

  it('stops loudly at an event of a type that this build does not know, and not before', async () => {
    const tenant = await openLog(store);
    await store.append(counted(tenant, 'u'));
    await store.append({ tenant, actorRef: 'staff-1', events: [{ stream: 'u', type: 'FromTheFuture.v9', data: {} }] });
    await store.append(counted(tenant, 'u'));
    const subscriptions = subscribe(store, [tenant], noting('old-build'));
    await until(() => troubles.some(({ cause }) => cause.startsWith('UnknownEvent')));
    expect(await subscriptions.cursor(tenant, 'old-build')).toBe(1);
    expect(await noted(tenant)).toHaveLength(1);
  });

  it('cannot starve the service of connections: 40 busy subscriptions append and read inside their steps', async () => {
    const tenants = await Promise.all(Array.from({ length: 8 }, () => openLog(store)));
    const done = new Map<string, number>();
    const chatty = (at: number): Process => ({
      name: `chatty-${at}`,
      handle: async (event) => {
        await store.load(event.tenant, event.stream);
        if (event.stream === 'start') await store.append(counted(event.tenant, `from/${at}`));
        done.set(`${event.tenant}/${at}`, event.position);
      },
    });
    subscribe(store, tenants, ...Array.from({ length: 5 }, (_, at) => chatty(at)));
    await Promise.all(tenants.map((tenant) => store.append(counted(tenant, 'start'))));
    await until(() => [...done.values()].filter((position) => position === 5).length === 40, 20_000);
    expect(done.size).toBe(40);
  });
});

describe('a rebuild', () => {
  it('gives the same rows again, while events keep coming', async () => {
    const tenant = await openLog(store);
    const subscriptions = subscribe(store, [tenant], noting('rebuilt'));
    const append = (count: number): Promise<unknown> =>
      Promise.all(Array.from({ length: count }, () => store.append(counted(tenant, newId()))));
    await append(700);
    expect(await subscriptions.caughtUp(tenant, 'rebuilt', 699)).toBe(true);
    await db.superuser.query(`DELETE FROM note WHERE tenant = $1 AND id LIKE '%5'`, [tenant]);
    const [rebuilt] = await Promise.all([subscriptions.rebuild(tenant, 'rebuilt'), append(50)]);
    expect(rebuilt[0]?.events).toBeGreaterThanOrEqual(700);
    expect(await subscriptions.caughtUp(tenant, 'rebuilt', 749)).toBe(true);
    expect(await noted(tenant)).toHaveLength(750);
  });
});
