/** A database that lost its end is brought forward from the archive: same leaves, same root, same rows. */
import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { createLedgerDatabase, openLog, replica } from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import type { InlineTable } from '../store/append.js';
import { ArchiveFiles } from './archive-files.js';
import { ARCHIVE, archiveProjection, pruneRedo, type ArchiveSource } from './archive.projection.js';
import { ArchiveDamaged, archivedSize, replayTail, setAsideFrom } from './archive-tail.js';
import { EventStore } from '../store/event-store.js';
import { stepProjection } from '../subscription/subscription.js';
import { Subscriptions } from '../subscription/subscriptions.js';

const noteTable: InlineTable = {
  name: 'note',
  columns: 2,
  text: 'INSERT INTO note (tenant, id, size) SELECT $1, * FROM unnest($2::text[], $3::int[])',
};
const source: ArchiveSource = {
  logId: async (tenant) => tenant,
  describe: async () => '{}',
  seal: (tenant, line) => createHmac('sha256', 'test').update(`${tenant}${line}`).digest('hex'),
};

let db: TestDatabase;
let store: EventStore;
let subscriptions: Subscriptions;
let folder: string;
let files: ArchiveFiles;
const following: TenantId[] = [];

beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock, () => undefined, true);
  folder = await mkdtemp(join(tmpdir(), 'lethe-archive-'));
  files = new ArchiveFiles(folder);
  subscriptions = new Subscriptions(
    store,
    () => Promise.resolve(following),
    () => undefined,
  );
  subscriptions.project(archiveProjection(files, source));
  subscriptions.start();
});

afterAll(async () => {
  await subscriptions.stop();
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Appends `count` notes: each a row in the flush, every tenth one a side statement with the database's clock as well. */
async function note(tenant: TenantId, from: number, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, at) => {
      const id = `n${from + at}`;
      return store.append({
        tenant,
        actorRef: 'staff',
        events: [{ stream: `s/${at % 7}`, type: 'Counted.v1', data: { at: from + at } }],
        rows: [{ into: noteTable, row: () => [id, at] }],
        ...((from + at) % 10 === 0 && {
          side: async (query) => {
            await query({ text: 'SELECT 1' });
            await query({
              text: `INSERT INTO note (tenant, id, size) VALUES ($1, $2 || (now() > '2020-01-01')::text, $3)`,
              values: [tenant, `side-${id}-`, at],
            });
          },
        }),
      });
    }),
  );
}

async function contents(tenant: TenantId): Promise<unknown[]> {
  const queries = [
    'SELECT position, stream, version, type, recorded_at, bytes, leaf_hash FROM event WHERE tenant = $1 ORDER BY position',
    'SELECT size, root, frontier, recorded_at FROM log_head WHERE tenant = $1',
    'SELECT id, size FROM note WHERE tenant = $1 ORDER BY id',
  ];
  const all: unknown[] = [];
  for (const text of queries) all.push((await db.superuser.query(text, [tenant])).rows);
  return all;
}

/** The database as it was when the log had `size` leaves: what a restored backup is. */
async function cutBack(tenant: TenantId, at: { head: Record<string, unknown>; notes: string[] }): Promise<void> {
  const { size, root, frontier, recorded_at: recordedAt } = at.head;
  await db.superuser.query('DELETE FROM event WHERE tenant = $1 AND position >= $2', [tenant, size]);
  await db.superuser.query('DELETE FROM note WHERE tenant = $1 AND id <> ALL($2)', [tenant, at.notes]);
  await db.superuser.query(
    'UPDATE log_head SET size = $2, root = $3, frontier = $4, recorded_at = $5 WHERE tenant = $1',
    [tenant, size, root, frontier, recordedAt],
  );
}

async function moment(tenant: TenantId): Promise<{ head: Record<string, unknown>; notes: string[] }> {
  const head = await db.superuser.query<Record<string, unknown>>('SELECT * FROM log_head WHERE tenant = $1', [tenant]);
  const notes = await db.superuser.query<{ id: string }>('SELECT id FROM note WHERE tenant = $1', [tenant]);
  return { head: head.rows[0]!, notes: notes.rows.map(({ id }) => id) };
}

describe('the archive', () => {
  it('brings a log forward over bundles full and partial, rows and side statements included, equal to the byte', async () => {
    const tenant = await openLog(store);
    following.push(tenant);
    await note(tenant, 0, 100);
    const backup = await moment(tenant);
    for (let round = 1; round < 9; round += 1) await note(tenant, round * 100, 100);
    expect(await subscriptions.caughtUp(tenant, ARCHIVE, 899)).toBe(true);
    const { rows } = await db.superuser.query('SELECT 1 FROM redo WHERE tenant = $1', [tenant]);
    expect(rows).toHaveLength(0);
    const before = await contents(tenant);
    await cutBack(tenant, backup);
    // The control: it is behind.
    expect(await contents(tenant)).not.toEqual(before);
    expect(await archivedSize(files, tenant, 100)).toBe(900);
    expect(await replayTail(db.database, tenant, files, source)).toEqual({
      from: 100,
      to: 900,
      withoutRows: 0,
      leftOut: 0,
    });
    expect(await contents(tenant)).toEqual(before);
    // A second time there is nothing to do.
    expect(await replayTail(db.database, tenant, files, source)).toEqual({
      from: 900,
      to: 900,
      withoutRows: 0,
      leftOut: 0,
    });
  });

  it('says which leaves have no rows, and drops redo files that a backup makes needless', async () => {
    const tenant = await openLog(store);
    following.push(tenant);
    await note(tenant, 1, 3);
    const backup = await moment(tenant);
    await note(tenant, 11, 3);
    expect(await subscriptions.caughtUp(tenant, ARCHIVE, 5)).toBe(true);
    expect(await pruneRedo(files, tenant, 6)).toBeGreaterThan(0);
    await cutBack(tenant, backup);
    expect(await replayTail(db.database, tenant, files, source)).toEqual({
      from: 3,
      to: 6,
      withoutRows: 3,
      leftOut: 0,
    });
  });

  it('runs no statement that somebody changed in the archive, and no entry of another log', async () => {
    const tenant = await openLog(store);
    following.push(tenant);
    await note(tenant, 1, 2);
    const backup = await moment(tenant);
    await note(tenant, 11, 2);
    expect(await subscriptions.caughtUp(tenant, ARCHIVE, 3)).toBe(true);
    await cutBack(tenant, backup);
    const redo = join(folder, tenant, 'redo');
    const name = (await readdir(redo)).at(-1)!;
    const text = await readFile(join(redo, name), 'utf8');
    await writeFile(join(redo, name), text.replace('INSERT INTO note', 'DELETE FROM note'));
    await expect(replayTail(db.database, tenant, files, source)).rejects.toThrow(ArchiveDamaged);
    await writeFile(join(redo, name), text);
    expect((await replayTail(db.database, tenant, files, source)).to).toBe(4);
  });

  it('leaves out a flush that it holds in part: what was one commit comes back whole or not at all', async () => {
    const tenant = await openLog(store);
    await note(tenant, 1, 3);
    const projection = archiveProjection(files, source);
    await stepProjection(db.database, tenant, projection);
    const backup = await moment(tenant);
    const events = Array.from({ length: 600 }, (_, at) => ({ stream: 'big', type: 'Counted.v1', data: { at } }));
    await store.append({ tenant, actorRef: 'staff', events, rows: [{ into: noteTable, row: () => ['big', 1] }] });
    await stepProjection(db.database, tenant, projection);
    const before = await contents(tenant);
    expect(await archivedSize(files, tenant, 0)).toBe(503);
    await cutBack(tenant, backup);
    expect(await replayTail(db.database, tenant, files, source)).toEqual({
      from: 3,
      to: 3,
      withoutRows: 0,
      leftOut: 500,
    });
    expect((await contents(tenant)).flat()).toHaveLength(3 + 1 + backup.notes.length);
    expect((await contents(tenant)).flat()).not.toEqual(before.flat());
  });

  it('names the file that was cut off, and takes what lies before it', async () => {
    const tenant = await openLog(store);
    following.push(tenant);
    await note(tenant, 0, 2);
    const backup = await moment(tenant);
    for (let round = 1; round < 7; round += 1) await note(tenant, round * 100, 100);
    expect(await subscriptions.caughtUp(tenant, ARCHIVE, 601)).toBe(true);
    await cutBack(tenant, backup);
    const name = `${tenant}/tile/entries/001`;
    const bytes = await readFile(join(folder, name));
    // Between two entries, and within one.
    for (const length of [2 + bytes.readUInt16BE(0), bytes.length - 3]) {
      await writeFile(join(folder, name), bytes.subarray(0, length));
      await expect(replayTail(db.database, tenant, files, source)).rejects.toThrow(`file ${name} is damaged`);
    }
    const { rows } = await db.superuser.query<{ size: number }>('SELECT size::int FROM log_head WHERE tenant = $1', [
      tenant,
    ]);
    expect(rows[0]!.size).toBeGreaterThan(100);
    await writeFile(join(folder, name), bytes);
    expect((await replayTail(db.database, tenant, files, source)).to).toBe(602);
  });

  it('can be cut where a log goes on without its end: the end that was given up never comes back', async () => {
    const tenant = await openLog(store);
    await note(tenant, 0, 300);
    const projection = archiveProjection(files, source);
    await stepProjection(db.database, tenant, projection);
    const backup = await moment(tenant);
    const kept = await contents(tenant);
    const { rows: cursors } = await db.superuser.query('SELECT * FROM cursor WHERE tenant = $1', [tenant]);
    await note(tenant, 1000, 350);
    await stepProjection(db.database, tenant, projection);
    await cutBack(tenant, backup);
    await db.superuser.query('UPDATE cursor SET position = $2 WHERE tenant = $1', [
      tenant,
      (cursors[0] as { position: number }).position,
    ]);
    const { size } = backup.head as { size: number };
    expect(await setAsideFrom(files, tenant, Number(size), `aside/${tenant}`)).toBeGreaterThan(2);
    expect(await replayTail(db.database, tenant, files, source)).toMatchObject({ to: Number(size) });
    expect(await contents(tenant)).toEqual(kept);
    // The other history, of which the archive knows nothing of the first.
    const other = replica(db);
    const again = new EventStore(other.database, systemClock, () => undefined, true);
    await again.append({ tenant, actorRef: 'staff', events: [{ stream: 'x', type: 'Counted.v1', data: {} }] });
    await stepProjection(db.database, tenant, projection);
    const after = await contents(tenant);
    await cutBack(tenant, backup);
    expect(await replayTail(db.database, tenant, files, source)).toMatchObject({
      to: Number(size) + 1,
      withoutRows: 0,
    });
    expect(await contents(tenant)).toEqual(after);
    await other.database.close();
  });
});
