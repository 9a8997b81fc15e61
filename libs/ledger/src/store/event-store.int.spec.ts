/** The promises of an append, on real PostgreSQL: dense, atomic, nobody's failure but one's own, the tree always whole. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, TestClock, type TenantId } from '#kernel';
import {
  assertSound,
  counted,
  createLedgerDatabase,
  openLog,
  replica,
  storedRows,
} from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { AlreadyDone, VersionConflict, type Append, type InlineTable } from './append.js';
import { Database } from '../database/database.js';
import { EventTooLarge, leafText } from '../event.js';
import { EventStore } from './event-store.js';

let db: TestDatabase;
let store: EventStore;
let other: EventStore;
let tenant: TenantId;
beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock);
  other = replica(db);
  tenant = await openLog(store);
});
afterAll(async () => {
  await other.database.close();
  await db.drop();
});

const notes: InlineTable = {
  name: 'note',
  columns: 2,
  text: 'INSERT INTO note (tenant, id, size) SELECT $1, * FROM unnest($2::text[], $3::int[])',
};
const withNote = (append: Append, id: string, size: number): Append => ({
  ...append,
  rows: [{ into: notes, row: () => [id, size] }],
});
const noteIds = async (): Promise<string[]> =>
  (await db.superuser.query<{ id: string }>('SELECT id FROM note ORDER BY id')).rows.map(({ id }) => id);

describe('many writers', () => {
  it('get dense positions, in commit order, from two replicas with 32 writers', async () => {
    const log = await openLog(store);
    const acknowledged: number[] = [];
    await Promise.all(
      Array.from({ length: 32 }, async (_, writer) => {
        const mine = writer % 2 === 0 ? store : other;
        for (let at = 0; at < 15; at += 1) {
          const events = Array.from({ length: 1 + (at % 3) }, () => counted(log, `writer/${writer}`).events[0]!);
          const { firstPosition, lastPosition } = await mine.append({ tenant: log, actorRef: 'staff-1', events });
          for (let position = firstPosition; position <= lastPosition; position += 1) acknowledged.push(position);
        }
      }),
    );
    const rows = await assertSound(db, log);
    expect(rows).toHaveLength(32 * 30);
    expect(acknowledged.sort((a, b) => a - b)).toEqual(rows.map(({ position }) => position));
  });

  it('who all expect the same version: exactly one is first, on either replica', async () => {
    const log = await openLog(store);
    for (let version = 0; version < 5; version += 1) {
      const tries = Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? store : other).append({ ...counted(log, 'only'), expect: { only: version } }),
      );
      const settled = await Promise.allSettled(tries);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const one of settled) if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(VersionConflict);
    }
    expect(await assertSound(db, log)).toHaveLength(5);
  });

  it('are not refused for what their own process believed too early', async () => {
    const log = await openLog(store);
    await store.append(counted(log, 'seen'));
    await other.append(counted(log, 'seen'));
    // The command read version 2 from the database; this replica still believes 1.
    const at = await store.append({ ...counted(log, 'seen'), expect: { seen: 2 } });
    expect(at.firstPosition).toBe(2);
  });
});

describe('in a batch', () => {
  it('a version conflict concerns its own command', async () => {
    const log = await openLog(store);
    const appends = Array.from({ length: 100 }, (_, at) =>
      store.append({ ...counted(log, `s${at}`), expect: { [`s${at}`]: at === 40 ? 7 : 0 } }),
    );
    const settled = await Promise.allSettled(appends);
    expect(settled.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([40]);
    expect(await assertSound(db, log)).toHaveLength(99);
  });

  it('one key gives one event and one answer, from 16 posts over two replicas', async () => {
    const log = await openLog(store);
    const claim = { key: Buffer.alloc(32, 7), fingerprint: Buffer.alloc(32, 1) };
    const posts = Array.from({ length: 16 }, (_, at) =>
      (at % 2 === 0 ? store : other)
        .append({
          ...counted(log, `post/${at}`),
          idempotency: claim,
          respond: ({ lastPosition }) => ({ status: 201, body: { position: lastPosition } }),
        })
        .then(({ lastPosition }) => lastPosition)
        .catch((error: AlreadyDone) => error.body['position']),
    );
    const neighbours = Array.from({ length: 16 }, (_, at) => store.append(counted(log, `neighbour/${at}`)));
    const answers = new Set(await Promise.all(posts));
    await Promise.all(neighbours);
    expect(answers.size).toBe(1);
    const rows = await assertSound(db, log);
    expect(rows.filter(({ stream }) => stream.startsWith('post/')).map(({ position }) => position)).toEqual([
      ...answers,
    ]);
    expect(rows).toHaveLength(17);
  });

  it('one poisoned member fails alone: a row against a constraint', async () => {
    const log = await openLog(store);
    const appends = Array.from({ length: 60 }, (_, at) =>
      store.append(withNote(counted(log, `p/${at}`), `poison-${String(at).padStart(2, '0')}`, at === 33 ? 1000 : at)),
    );
    const settled = await Promise.allSettled(appends);
    expect(settled.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([33]);
    expect(await assertSound(db, log)).toHaveLength(59);
    expect((await noteIds()).filter((id) => id.startsWith('poison-'))).toHaveLength(59);
  });

  it('one poisoned member fails alone: a row the driver cannot write', async () => {
    const log = await openLog(store);
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const row = (at: number): unknown[] => (at === 9 ? [circular, 1] : [`driver-${at}`, at]);
    const appends = Array.from({ length: 20 }, (_, at) =>
      store.append({ ...counted(log, `d/${at}`), rows: [{ into: notes, row: () => row(at) }] }),
    );
    const settled = await Promise.allSettled(appends);
    expect(settled.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([9]);
    expect(await assertSound(db, log)).toHaveLength(19);
    expect((await noteIds()).filter((id) => id.startsWith('driver-'))).toHaveLength(19);
  });

  it('one poisoned member fails alone: a callback that throws', async () => {
    const log = await openLog(store);
    const appends = Array.from({ length: 20 }, (_, at) =>
      store.append({
        ...withNote(counted(log, `c/${at}`), `callback-${at}`, at),
        ...(at === 4
          ? {
              rows: [
                {
                  into: notes,
                  row: () => {
                    throw new Error('no row');
                  },
                },
              ],
            }
          : {}),
      }),
    );
    const settled = await Promise.allSettled(appends);
    expect(settled.flatMap(({ status }, at) => (status === 'rejected' ? [at] : []))).toEqual([4]);
    expect(await assertSound(db, log)).toHaveLength(19);
  });

  it('what is no text or too large is refused at the door', async () => {
    await expect(store.append(counted(tenant, 'door', { text: 'a\0b' }))).rejects.toThrow('canonical');
    await expect(store.append({ ...counted(tenant, 'door'), expect: { 'a\0': 0 } })).rejects.toThrow('canonical');
    await expect(store.append({ tenant, actorRef: 'staff-1', events: [] })).rejects.toThrow('at least one event');
    await expect(store.append(counted(tenant, 'door', { text: 'x'.repeat(65_500) }))).rejects.toThrow(EventTooLarge);
    const largest = await store.append(counted(tenant, 'door', { text: 'x'.repeat(65_000) }));
    expect(largest.firstPosition).toBe(0);
  });

  it('stores exactly the canonical leaf', async () => {
    const occurredAt = new Date('2026-11-22T10:00:00.123Z');
    const data = { b: 1, a: ['\u00e9', 'z"\\'] };
    await store.append({
      tenant,
      actorRef: 'staff "1"',
      events: [
        { stream: 'exact', type: 'Counted.v1', data, occurredAt },
        { stream: 'exact', type: 'Counted.v1', data },
      ],
    });
    const rows = (await storedRows(db, tenant)).filter(({ stream }) => stream === 'exact');
    for (const [at, row] of rows.entries()) {
      const recordedAt = row.recorded_at.toISOString();
      const leaf = {
        tenant,
        stream: 'exact',
        version: at + 1,
        type: 'Counted.v1',
        recordedAt,
        actorRef: 'staff "1"',
        data,
      };
      expect(row.bytes).toBe(leafText({ ...leaf, occurredAt: at === 0 ? occurredAt.toISOString() : recordedAt }));
    }
  });
});

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
