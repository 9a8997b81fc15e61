/** The signer against a database that is rolled back, rewritten or shared: it never signs two histories. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError, systemClock, type TenantId } from '#kernel';
import { counted, createLedgerDatabase, openLog } from '../../../../test/support/ledger-fixture.js';
import { publicKey, signingKeys as keys } from '../../../../test/support/signed-logs.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { openCheckpoint, signCheckpoint } from './checkpoint.js';
import { FileCheckpointLock } from './checkpoint-lock.js';
import { EventStore } from '../store/event-store.js';
import { openWithLogKeys, signingKeyRow } from './log-keys.js';
import { LogReader } from './log-reader.js';
import { parseVkey } from './signed-note.js';
import { Signer, type SignerTrouble } from './signer.js';

let db: TestDatabase;
let store: EventStore;
let reader: LogReader;
let folder: string;
let tenant: TenantId;
const told: (SignerTrouble | undefined)[] = [];
const aSigner = (): Signer =>
  new Signer({
    ...{ store, reader, keys, clock: systemClock },
    lock: new FileCheckpointLock(folder),
    tenants: () => Promise.resolve([tenant]),
    tell: (_, trouble) => void told.push(trouble),
  });
const append = async (count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => store.append(counted(tenant, 'signed'))));
};
const sizes = async (): Promise<number[]> =>
  (
    await db.superuser.query<{ size: number }>('SELECT size::int FROM checkpoint WHERE tenant = $1 ORDER BY size', [
      tenant,
    ])
  ).rows.map(({ size }) => size);

beforeAll(async () => {
  db = await createLedgerDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  store = new EventStore(db.database, systemClock);
  reader = new LogReader(db.database, 'lethe.example.test', keys);
  folder = await mkdtemp(join(tmpdir(), 'lethe-signer-'));
  tenant = await openLog(store);
  told.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Another history of this size takes the log's place, whole in itself: what a restore of an older backup can grow into. */
async function becomeAnother(size: number): Promise<void> {
  const other = await openLog(store);
  for (let at = 0; at < size; at += 1) await store.append(counted(other, 'restored'));
  await db.superuser.query('DELETE FROM event WHERE tenant = $1', [tenant]);
  await db.superuser.query('UPDATE event SET tenant = $1 WHERE tenant = $2', [tenant, other]);
  await db.superuser.query(
    'UPDATE log_head SET size = o.size, root = o.root, frontier = o.frontier FROM log_head o WHERE log_head.tenant = $1 AND o.tenant = $2',
    [tenant, other],
  );
}

describe('the signer', () => {
  it('signs what grew, nothing twice, and nothing empty', async () => {
    const signer = aSigner();
    await signer.round();
    await append(3);
    await signer.round();
    await signer.round();
    await append(4);
    await signer.round();
    expect(await sizes()).toEqual([3, 7]);
    const { vkey, origin } = await reader.identity(tenant);
    const { note, size } = (await reader.latestCheckpoint(tenant))!;
    const opened = openCheckpoint(note, parseVkey(vkey));
    expect(opened).toMatchObject({ origin, size, root: (await store.head(tenant)).root });
    expect([signer.trouble, told]).toEqual([undefined, []]);
  });

  it('gives the smallest checkpoint over a position, and waits for it', async () => {
    const signer = aSigner();
    await append(3);
    await signer.round();
    await append(4);
    const waiting = reader.checkpointFor(tenant, 5);
    await signer.round();
    expect((await waiting).size).toBe(7);
    expect((await reader.checkpointFor(tenant, 2)).size).toBe(3);
    await expect(reader.checkpointFor(tenant, 7, 50)).rejects.toThrow(DomainError);
  });

  it('of two at once, one signs each head and both agree', async () => {
    const signers = [aSigner(), aSigner(), aSigner()];
    for (let round = 0; round < 5; round += 1) {
      await append(2);
      await Promise.all(signers.map((signer) => signer.round()));
    }
    await Promise.all(signers.map((signer) => signer.round()));
    expect(await sizes()).toEqual([2, 4, 6, 8, 10]);
    expect(signers.map((signer) => signer.trouble)).toEqual([undefined, undefined, undefined]);
  });

  it('publishes what a signer before it had locked and not published', async () => {
    await append(3);
    await aSigner().round();
    await db.superuser.query('DELETE FROM checkpoint WHERE tenant = $1', [tenant]);
    await aSigner().round();
    expect(await sizes()).toEqual([3]);
  });

  it.each([
    ['a log with fewer entries than were signed', () => becomeAnother(4)],
    ['another log of the signed size', () => becomeAnother(10)],
    ['a log that was rolled back and has grown past the signed size again', () => becomeAnother(24)],
    [
      'a leaf that was changed below the signed size',
      async () => {
        await db.superuser.query(`UPDATE event SET leaf_hash = sha256('x') WHERE tenant = $1 AND position = 2`, [
          tenant,
        ]);
        await append(1);
      },
    ],
    [
      'a leaf that was changed above the signed size',
      async () => {
        await append(3);
        await db.superuser.query(`UPDATE event SET leaf_hash = sha256('x') WHERE tenant = $1 AND position = 11`, [
          tenant,
        ]);
      },
    ],
  ])('refuses %s, says so once, and stays with the locked head', async (_, spoil) => {
    await append(10);
    await aSigner().round();
    await spoil();
    const signer = aSigner();
    await signer.round();
    await signer.round();
    expect(signer.trouble).toBe('rollback-detected');
    expect(told).toEqual(['rollback-detected']);
    expect(await sizes()).toEqual([10]);
  });

  it('does not take a lost lock for a blank cheque', async () => {
    await append(10);
    await aSigner().round();
    await rm(folder, { recursive: true });
    await becomeAnother(4);
    const signer = aSigner();
    await signer.round();
    expect(signer.trouble).toBe('rollback-detected');
  });

  it('signs again when the database is repaired', async () => {
    await append(10);
    const { rows } = await db.superuser.query<{ leaf_hash: Buffer }>(
      'SELECT leaf_hash FROM event WHERE tenant = $1 AND position = 2',
      [tenant],
    );
    await aSigner().round();
    await db.superuser.query(`UPDATE event SET leaf_hash = sha256('x') WHERE tenant = $1 AND position = 2`, [tenant]);
    await append(1);
    const signer = aSigner();
    await signer.round();
    await db.superuser.query('UPDATE event SET leaf_hash = $2 WHERE tenant = $1 AND position = 2', [
      tenant,
      rows[0]!.leaf_hash,
    ]);
    await signer.round();
    expect([signer.trouble, told]).toEqual([undefined, ['rollback-detected', undefined]]);
    expect(await sizes()).toEqual([10, 11]);
  });
});

describe('a key that replaces another', () => {
  const rotate = (generation: number): Promise<unknown> =>
    store.append({ ...counted(tenant, 'keys'), rows: [signingKeyRow('log', generation, publicKey(generation))] });

  it('signs every head that holds the leaf of its rotation, and the old key none of them', async () => {
    const signer = aSigner();
    await append(3);
    await signer.round();
    await rotate(2);
    await signer.round();
    await append(2);
    await signer.round();
    await rotate(3);
    await signer.round();
    expect([await sizes(), signer.trouble]).toEqual([[3, 4, 6, 7], undefined]);
    const known = await reader.logKeys(tenant);
    expect(known.map(({ fromSize }) => fromSize)).toEqual([0, 4, 7]);
    const { rows } = await db.superuser.query<{ size: number; note: string }>(
      'SELECT size::int, note FROM checkpoint WHERE tenant = $1 ORDER BY size',
      [tenant],
    );
    for (const { note, size } of rows) expect(openWithLogKeys(note, known).size).toBe(size);
    for (const [at, key] of [0, 1, 1, 2].entries())
      expect(openCheckpoint(rows[at]!.note, known[key]!.key).size).toBe(rows[at]!.size);
    // Whoever holds the replaced key cannot seal what came after it.
    const { origin } = await reader.identity(tenant);
    const { root } = await store.head(tenant);
    const stolen = { name: origin, publicKey: publicKey(1), sign: (message: Buffer) => keys.sign(tenant, message, 1) };
    const forged = await signCheckpoint({ origin, size: 7, root }, stolen);
    expect(() => openWithLogKeys(forged, known)).toThrow('no known key signed');
    expect(openCheckpoint(forged, known[0]!.key).size).toBe(7);
    // What is handed out can be checked with the newest key alone.
    const { note } = await reader.checkpointFor(tenant, 0);
    expect(openCheckpoint(note, known[2]!.key).size).toBe(7);
  });

  it('betrays a database from before its rotation', async () => {
    await append(3);
    await aSigner().round();
    await rotate(2);
    await aSigner().round();
    await db.superuser.query('DELETE FROM signing_key WHERE tenant = $1', [tenant]);
    const signer = aSigner();
    await signer.round();
    expect(signer.trouble).toBe('rollback-detected');
  });
});
