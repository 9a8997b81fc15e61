/** The watch beside a signer, over logs that fall back: what one of them has found is taken back by neither. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { EventStore, FileCheckpointLock, LogReader, Signer } from '#ledger';
import { ServiceState } from '#platform';
import { counted, createLedgerDatabase, openLog } from '../../../test/support/ledger-fixture.js';
import { backUp, signingKeys as keys } from '../../../test/support/signed-logs.js';
import type { TestDatabase } from '../../../test/support/test-database.js';
import { StateWatch } from './state-watch.js';

let db: TestDatabase;
let folder: string;
let lock: FileCheckpointLock;
let store: EventStore;
let state: ServiceState;
let signer: Signer;
let watch: StateWatch;
let logs: TenantId[];
let said: object[];
beforeAll(async () => {
  db = await createLedgerDatabase();
});
afterAll(() => db.drop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-watch-'));
  lock = new FileCheckpointLock(folder);
  store = new EventStore(db.database, systemClock);
  const reader = new LogReader(db.database, 'lethe.example.test', keys);
  logs = [await openLog(store), await openLog(store)];
  said = [];
  state = new ServiceState(systemClock);
  const tenants = async (): Promise<TenantId[]> => logs;
  const tell = (_: TenantId, trouble?: string): void => {
    if (trouble === 'rollback-detected') state.refuse(trouble, '');
  };
  signer = new Signer({ store, reader, keys, lock, clock: systemClock, tenants, tell });
  const database = { global: async () => ({ rows: [] }) };
  const log = { error: (fields: object) => said.push(fields), info: () => undefined, warn: () => undefined };
  watch = new StateWatch({ ...{ state, store, reader, signer }, database, log } as never, lock, tenants);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const refused = (): string[] => state.refusals.map(({ code }) => code);
const append = async (tenant: TenantId, count: number): Promise<void> => {
  const store = new EventStore(db.database, systemClock);
  for (let at = 0; at < count; at += 1) await store.append(counted(tenant, 'signed'));
};

describe('a log that falls back and grows past its signed head before anybody looks', () => {
  beforeEach(async () => {
    const [tenant] = logs as [TenantId];
    await append(tenant, 3);
    const fallBack = await backUp(db, tenant);
    await append(tenant, 2);
    await signer.round();
    await watch.look();
    expect(refused()).toEqual([]);
    await fallBack();
    await append(tenant, 3);
  });

  it('is found by the watch alone', async () => {
    await watch.look();
    expect([refused(), said]).toEqual([['rollback-detected'], [expect.objectContaining({ tenant: logs[0] })]]);
  });

  it('stays refused once the signer has found it, however often the watch looks', async () => {
    await signer.round();
    await watch.look();
    await watch.look();
    expect([refused(), said]).toEqual([['rollback-detected'], [expect.objectContaining({ tenant: logs[0] })]]);
  });
});

it('a log that fell back and is there again, as it was signed, is served again', async () => {
  const [tenant] = logs as [TenantId];
  await append(tenant, 3);
  await signer.round();
  await db.superuser.query('UPDATE log_head SET size = 2 WHERE tenant = $1', [tenant]);
  await signer.round();
  await watch.look();
  expect(refused()).toEqual(['rollback-detected']);
  await db.superuser.query('UPDATE log_head SET size = 3 WHERE tenant = $1', [tenant]);
  await signer.round();
  await watch.look();
  expect(refused()).toEqual([]);
});

it('what only the signer can find is not taken back by the watch', async () => {
  const [tenant] = logs as [TenantId];
  await append(tenant, 3);
  await db.superuser.query(`UPDATE event SET leaf_hash = sha256('x') WHERE tenant = $1 AND position = 2`, [tenant]);
  await signer.round();
  await watch.look();
  expect(refused()).toEqual(['rollback-detected']);
});

describe('a log that cannot be compared', () => {
  const spoilHead = async (tenant: TenantId): Promise<void> => {
    const [name] = (await readdir(join(folder, tenant))).slice(-1);
    await writeFile(join(folder, tenant, name!), 'nonsense');
  };
  beforeEach(async () => {
    for (const tenant of logs) await append(tenant, 3);
    await signer.round();
  });

  it('is refused, named once, and hides no other that is behind', async () => {
    const [broken, behind] = logs as [TenantId, TenantId];
    await spoilHead(broken);
    await watch.look();
    expect(state.refusals).toMatchObject([
      { code: 'rollback-detected', detail: expect.stringMatching(/verify-store/) },
    ]);
    await db.superuser.query('UPDATE log_head SET size = 2 WHERE tenant = $1', [behind]);
    await watch.look();
    await watch.look();
    expect(said).toMatchObject([{ tenant: broken }, { tenant: behind, size: 2, lockedSize: 3 }]);
  });

  it('because nobody answers for it takes nothing back, and hides no other', async () => {
    const [away, behind] = logs as [TenantId, TenantId];
    const head = store.head.bind(store);
    const gone = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    store.head = (tenant) => (tenant === away ? Promise.reject(gone) : head(tenant));
    await db.superuser.query('UPDATE log_head SET size = 2 WHERE tenant = $1', [behind]);
    await expect(watch.look(0)).rejects.toThrow('does not answer');
    expect(refused()).toEqual(['rollback-detected']);
    await db.superuser.query('UPDATE log_head SET size = 3 WHERE tenant = $1', [behind]);
    await expect(watch.look(0)).rejects.toThrow('does not answer');
    expect(refused()).toEqual(['rollback-detected']);
    store.head = head;
    await watch.look();
    expect(refused()).toEqual([]);
  });
});
