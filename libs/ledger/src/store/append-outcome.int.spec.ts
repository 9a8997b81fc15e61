/** What an append promises besides: side statements in its commit, time that never runs back, and an end of every outage. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, TestClock } from '#kernel';
import {
  assertSound,
  counted,
  createLedgerDatabase,
  openLog,
  replica,
} from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import type { Append } from './append.js';
import { Database } from '../database/database.js';
import { EventStore } from './event-store.js';

let db: TestDatabase;
let store: EventStore;
beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock);
});
afterAll(() => db.drop());

const noteIds = async (): Promise<string[]> =>
  (await db.superuser.query<{ id: string }>('SELECT id FROM note ORDER BY id')).rows.map(({ id }) => id);

describe('side statements', () => {
  it('commit with their append', async () => {
    const log = await openLog(store);
    await store.append({
      ...counted(log, 'side'),
      side: async (query) =>
        void (await query({ text: `INSERT INTO note VALUES ($1, 'side-good', 1)`, values: [log] })),
    });
    expect(await noteIds()).toContain('side-good');
    expect(await assertSound(db, log)).toHaveLength(1);
  });

  it('that fail leave nothing, and concern nobody else', async () => {
    const log = await openLog(store);
    const bad = (error: () => Promise<unknown>): Append => ({
      ...counted(log, 'side-bad'),
      side: async (query) => {
        await query({ text: `INSERT INTO note VALUES ($1, 'side-bad', 1)`, values: [log] });
        await query({ text: 'SELECT 1' });
        await error();
      },
    });
    const settled = await Promise.allSettled([
      store.append(counted(log, 'before')),
      store.append(bad(() => Promise.reject(new Error('decided against')))),
      store.append(counted(log, 'between')),
      store.append({ ...counted(log, 'sql'), side: async (query) => void (await query({ text: 'SELECT 1 / 0' })) }),
      store.append({
        ...counted(log, 'swallowed'),
        side: async (query) => void (await query({ text: 'SELECT 1 / 0' }).catch(() => undefined)),
      }),
      store.append(counted(log, 'after')),
    ]);
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(await noteIds()).not.toContain('side-bad');
    expect(await assertSound(db, log)).toHaveLength(3);
  });
});

describe('time and truth', () => {
  it('recordedAt never runs back, also when the clock does', async () => {
    const clock = new TestClock(new Date('2026-11-22T10:00:00Z'));
    const replicas = [replica(db, clock), replica(db, clock)];
    const log = await openLog(store);
    const seen: string[] = [];
    for (const [at, jump] of [0, 5000, -60_000, 10, 3_600_000, -7_200_000, 1].entries()) {
      clock.advance(jump);
      seen.push((await replicas[at % 2]!.append(counted(log, 'time'))).recordedAt);
    }
    await Promise.all(replicas.map((one) => one.database.close()));
    expect(seen).toEqual([...seen].sort());
    expect((await assertSound(db, log)).map((row) => row.recorded_at.toISOString())).toEqual(seen);
  });

  it('another history of the same length is not mistaken for the head (control: size alone would be)', async () => {
    const log = await openLog(store);
    await store.append(counted(log, 'fork', { by: 'store' }));
    // A restore that lost our event and got another one instead: same size, other root.
    const fake = await openLog(store);
    await store.append(counted(fake, 'fork', { by: 'somebody' }));
    await db.superuser.query('DELETE FROM event WHERE tenant = $1', [log]);
    await db.superuser.query(
      'INSERT INTO event SELECT $1, position, stream, version, type, recorded_at, bytes, leaf_hash FROM event WHERE tenant = $2',
      [log, fake],
    );
    await db.superuser.query(
      'UPDATE log_head SET root = f.root, frontier = f.frontier FROM log_head f WHERE log_head.tenant = $1 AND f.tenant = $2',
      [log, fake],
    );
    await store.append(counted(log, 'fork'));
    expect(await assertSound(db, log)).toHaveLength(2);
  });

  it('a listener that throws does not make a commit look like a failure', async () => {
    const log = await openLog(store);
    const quiet = store.onCommit(() => {
      throw new Error('a listener of somebody');
    });
    await Promise.all(Array.from({ length: 300 }, () => store.append(counted(log, 'told'))));
    quiet();
    expect(await assertSound(db, log)).toHaveLength(300);
  });
});

describe('an outage', () => {
  it('rejects what waits, repeats nothing by itself, and is over when the database is back', async () => {
    const mine = replica(db);
    const log = await openLog(mine);
    await mine.append(counted(log, 'out'));
    const busy = Promise.allSettled(Array.from({ length: 200 }, (_, at) => mine.append(counted(log, `out/${at}`))));
    await new Promise((resolve) => setImmediate(resolve));
    await db.superuser.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    const settled = await busy;
    const acknowledged = settled.filter(({ status }) => status === 'fulfilled').length;
    const after = await mine.append(counted(log, 'back'));
    const rows = await assertSound(db, log);
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged + 2);
    expect(new Set(rows.map(({ stream }) => stream)).size).toBe(rows.length);
    expect(after.lastPosition).toBe(rows.length - 1);
    await mine.database.close();
  });

  it('an append whose COMMIT was sent and never answered is rejected, not repeated: it may be on disk, and is', async () => {
    const proxy = await deafProxy(db.urls.appUrl);
    const mine = new EventStore(new Database({ connectionString: proxy.url }), systemClock);
    const log = await openLog(store);
    await mine.append(counted(log, 'warm'));
    proxy.cutNextCommit();
    const settled = await Promise.allSettled(
      Array.from({ length: 5 }, (_, at) => mine.append(counted(log, `cut/${at}`))),
    );
    for (const one of settled) {
      expect(one.status === 'rejected' && (one.reason as Error).name).toBe('OutcomeUnknown');
    }
    await mine.append(counted(log, 'again'));
    const streams = (await assertSound(db, log)).map(({ stream }) => stream);
    expect(streams).toEqual(['warm', 'cut/0', 'cut/1', 'cut/2', 'cut/3', 'cut/4', 'again']);
    await mine.database.close();
    await proxy.close();
  });
});

/** Forwards to PostgreSQL; on demand it lets one COMMIT of a flush through, and cuts the connection instead of bringing the answer. */
async function deafProxy(url: string): Promise<{ url: string; cutNextCommit(): void; close(): Promise<void> }> {
  let armed = false;
  const target = new URL(url);
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let deaf = false;
    let flushes = false;
    client.on('data', (chunk) => {
      flushes ||= chunk.includes('head-compare-and-set');
      if (armed && flushes && chunk.includes('COMMIT')) {
        [armed, deaf] = [false, true];
        setTimeout(() => client.destroy(), 200);
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => void (deaf || client.write(chunk)));
    for (const [one, two] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => two.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxied = new URL(url);
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    url: proxied.toString(),
    cutNextCommit: () => void (armed = true),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
