/** Proofs from a stored log, on real PostgreSQL: right at any size, with all tiles, some or none, and quick. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { counted, createLedgerDatabase, openLog, storedRows } from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { EventStore } from '../store/event-store.js';
import { LogReader } from './log-reader.js';
import { appendLeaves, EMPTY_FRONTIER, encodeFrontier, leafHash, rootOf } from './merkle.js';
import { verifyConsistency, verifyInclusion } from './merkle-proof.js';
import { Subscriptions } from '../subscription/subscriptions.js';
import { tilesProjection } from './tiles.projection.js';

const LARGE = 100_000;
/** On a machine that runs the other specs as well; alone it is 5. Without tiles it would be above 50. */
const MEDIAN_MS = process.env['LETHE_TEST_LONG'] === '1' ? 5 : 15;
let db: TestDatabase;
let store: EventStore;
let reader: LogReader;
let subscriptions: Subscriptions;
const noKeys = { publicKey: () => Promise.resolve(Buffer.alloc(32)), sign: () => Promise.resolve(Buffer.alloc(64)) };
const following: TenantId[] = [];
beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock);
  reader = new LogReader(db.database, 'lethe.example.test', noKeys);
  subscriptions = new Subscriptions(
    store,
    () => Promise.resolve(following),
    () => undefined,
  );
  subscriptions.project(tilesProjection);
});
afterAll(async () => {
  await subscriptions.stop();
  await db.drop();
});

const rootsOf = (leaves: readonly Buffer[]): Buffer[] => {
  let frontier = EMPTY_FRONTIER;
  return [rootOf(frontier), ...leaves.map((leaf) => rootOf((frontier = appendLeaves(frontier, [leaf]))))];
};
const tileRows = async (tenant: TenantId): Promise<string[]> =>
  (
    await db.superuser.query<{ row: string }>(
      `SELECT level || '/' || index || '/' || encode(sha256(hashes), 'hex') AS row FROM tile WHERE tenant = $1 ORDER BY level, index`,
      [tenant],
    )
  ).rows.map(({ row }) => row);

/** Checks root, inclusion and consistency at these sizes against the roots of the leaves themselves. */
async function expectProofs(
  tenant: TenantId,
  leaves: readonly Buffer[],
  roots: readonly Buffer[],
  sizes: readonly number[],
): Promise<void> {
  for (const [at, size] of sizes.entries()) {
    expect(await reader.root(tenant, size)).toEqual(roots[size]);
    for (const position of [0, size >> 1, size - 1]) {
      const proof = await reader.inclusion(tenant, position, size);
      expect(verifyInclusion(leaves[position]!, position, size, proof, roots[size]!)).toBe(true);
    }
    const from = sizes[Math.max(0, at - 1)]!;
    expect(
      verifyConsistency(from, size, await reader.consistency(tenant, from, size), roots[from]!, roots[size]!),
    ).toBe(true);
  }
}

describe('a log that grows under the projector', () => {
  it('is proved at every size, before, while and after its tiles are written', async () => {
    const tenant = await openLog(store);
    await Promise.all(Array.from({ length: 1300 }, () => store.append(counted(tenant, 'grow'))));
    const leaves = (await storedRows(db, tenant)).map((row) => row.leaf_hash);
    const roots = rootsOf(leaves);
    const sizes = [1, 2, 3, 255, 256, 257, 511, 512, 513, 777, 1024, 1279, 1280, 1281, 1300];
    await expectProofs(tenant, leaves, roots, sizes);
    const [rebuilt] = await subscriptions.rebuild(tenant, 'tiles');
    expect(rebuilt).toEqual({ name: 'tiles', events: 1300 });
    expect(await tileRows(tenant)).toHaveLength(6);
    await expectProofs(tenant, leaves, roots, sizes);
    await db.superuser.query('DELETE FROM tile WHERE tenant = $1 AND (level = 1 OR index >= 3)', [tenant]);
    await expectProofs(tenant, leaves, roots, sizes);
  });

  it('has the same tiles however its events came, and after a rebuild', async () => {
    const tenant = await openLog(store);
    following.push(tenant);
    subscriptions.start();
    for (const many of [1, 254, 1, 1, 600, 3, 500]) {
      await Promise.all(Array.from({ length: many }, () => store.append(counted(tenant, 'steps'))));
      await subscriptions.caughtUp(tenant, 'tiles', (await store.head(tenant)).size - 1);
    }
    const live = await tileRows(tenant);
    expect(live).toHaveLength(6);
    await subscriptions.rebuild(tenant, 'tiles');
    expect(await tileRows(tenant)).toEqual(live);
  });

  it('never proves from a hole: leaves that are gone are an error, not another root', async () => {
    const tenant = await openLog(store);
    await Promise.all(Array.from({ length: 20 }, () => store.append(counted(tenant, 'hole'))));
    await db.superuser.query('DELETE FROM event WHERE tenant = $1 AND position = 7', [tenant]);
    await expect(reader.root(tenant, 20)).rejects.toThrow('number or size');
  });
});

describe(`a log of ${LARGE} entries`, () => {
  let tenant: TenantId;
  let roots: Buffer[];
  let leaves: Buffer[];
  beforeAll(async () => {
    tenant = await openLog(store);
    const texts = Array.from({ length: LARGE }, (_, at) => JSON.stringify({ v: 1, tenant, at, data: 'x'.repeat(300) }));
    leaves = texts.map((text) => leafHash(Buffer.from(text)));
    roots = rootsOf(leaves);
    for (let at = 0; at < LARGE; at += 5000) {
      await db.superuser.query(
        `INSERT INTO event SELECT $1, $2::int + o - 1, 's', $2::int + o, 'Counted.v1', now(), b, h FROM unnest($3::text[], $4::bytea[]) WITH ORDINALITY AS e(b, h, o)`,
        [tenant, at, texts.slice(at, at + 5000), leaves.slice(at, at + 5000)],
      );
    }
    await db.superuser.query('UPDATE log_head SET size = $2, root = $3, frontier = $4 WHERE tenant = $1', [
      tenant,
      LARGE,
      roots[LARGE],
      encodeFrontier(appendLeaves(EMPTY_FRONTIER, leaves)),
    ]);
    await db.superuser.query('ANALYZE');
    await subscriptions.rebuild(tenant, 'tiles');
  }, 120_000);

  it('has tiles of two levels, the upper one full and partial', async () => {
    const names = (await tileRows(tenant)).map((row) => row.slice(0, row.lastIndexOf('/')));
    expect(names.filter((name) => name.startsWith('0/'))).toHaveLength(390);
    expect(names.filter((name) => !name.startsWith('0/'))).toEqual(['1/0', '1/1', '2/0']);
  });

  it(
    'is proved anywhere',
    () => expectProofs(tenant, leaves, roots, [65_535, 65_536, 65_537, 99_840, 99_841, LARGE]),
    60_000,
  );

  it(`proves inclusion in less than ${MEDIAN_MS} ms at the median`, async () => {
    const times: number[] = [];
    for (let at = 0; at < 200; at += 1) {
      const position = (at * 7919) % LARGE;
      const start = performance.now();
      const proof = await reader.inclusion(tenant, position, LARGE);
      times.push(performance.now() - start);
      if (!verifyInclusion(leaves[position]!, position, LARGE, proof, roots[LARGE]!))
        throw new Error(`no proof of ${position}`);
    }
    times.sort((a, b) => a - b);
    process.stdout.write(
      `inclusion proof at ${LARGE}: p50 ${times[100]!.toFixed(2)} ms, p99 ${times[198]!.toFixed(2)} ms\n`,
    );
    expect(times[100]).toBeLessThan(MEDIAN_MS);
  }, 60_000);
});
