/** What a log says of itself when it goes on without what is lost: no position that it claims to have kept is another one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { counted, createLedgerDatabase, openLog } from '../../../../test/support/ledger-fixture.js';
import { backUp, signingKeys as keys } from '../../../../test/support/signed-logs.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { EventStore } from '../store/event-store.js';
import { FileCheckpointLock } from './checkpoint-lock.js';
import { LogReader } from './log-reader.js';
import { beginEpoch, findRollback } from './rollback.js';
import { Signer } from './signer.js';

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await createLedgerDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lethe-rollback-'));
});
afterAll(async () => {
  await db.drop();
  await rm(folder, { recursive: true });
});

const append = async (tenant: TenantId, count: number): Promise<void> => {
  const store = new EventStore(db.database, systemClock);
  for (let at = 0; at < count; at += 1) await store.append(counted(tenant, 'signed'));
};

/** Signed at these sizes, backed up with 4 leaves, set back there, then grown by `more`: the log's word about it. */
async function said(
  signedAt: number[],
  more: number,
  spoil?: string,
  archivedAt?: number,
): Promise<Record<string, unknown>> {
  const store = new EventStore(db.database, systemClock);
  const reader = new LogReader(db.database, 'lethe.example.test', keys);
  const parts = { store, reader, keys, lock: new FileCheckpointLock(folder), clock: systemClock };
  const tenant = await openLog(store);
  const signer = new Signer({ ...parts, tenants: async () => [tenant], tell: () => undefined });
  let archived: string | undefined;
  let fallBack = async (): Promise<void> => undefined;
  for (let size = 1; size <= 8; size += 1) {
    await append(tenant, 1);
    if (signedAt.includes(size)) await signer.round();
    if (size === archivedAt) archived = (await parts.lock.read((await store.head(tenant)).logId))?.note;
    if (size === 4) fallBack = await backUp(db, tenant);
  }
  await fallBack();
  await append(tenant, more);
  if (spoil !== undefined) await db.superuser.query(spoil, [tenant]);
  const at = await beginEpoch(parts, tenant, (await findRollback(parts, tenant))!, archived);
  const [leaf] = await store.read(tenant, at, 1);
  return leaf!.data;
}

describe('the first leaf of an epoch', () => {
  it.each([0, 2, 6])('with %s others recorded since, names every position after the last proven head', async (more) => {
    expect(await said([3, 8], more)).toMatchObject({ continuesAt: 4 + more, lost: { from: 3, to: 7 } });
  });

  it('takes no published head that nobody signed, or that the log does not have', async () => {
    const forged = `INSERT INTO checkpoint (tenant, size, note, signed_at) VALUES ($1, 4, 'nobody signed this', now())`;
    expect(await said([3, 8], 2, forged)).toMatchObject({ lost: { from: 3, to: 7 } });
    const later = 'UPDATE checkpoint SET size = 5 WHERE tenant = $1 AND size = 4';
    expect(await said([2, 4, 8], 2, later)).toMatchObject({ lost: { from: 2, to: 7 } });
  });

  it('takes the head that only the archive has when the log has it', async () => {
    const unpublished = 'DELETE FROM checkpoint WHERE tenant = $1 AND size = 4';
    expect(await said([2, 4, 8], 2, unpublished)).toMatchObject({ lost: { from: 2, to: 7 } });
    expect(await said([2, 4, 8], 2, unpublished, 4)).toMatchObject({ lost: { from: 4, to: 7 } });
    expect(await said([2, 6, 8], 6, undefined, 6)).toMatchObject({ lost: { from: 2, to: 7 } });
  });

  it('names all of them when no published head proves any', async () => {
    expect(await said([8], 2)).toMatchObject({ lost: { from: 0, to: 7 } });
  });
});
