/** The promises of an append, on real PostgreSQL: dense, atomic, nobody's failure but one's own, the tree always whole. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
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
