/** What the list of sources says is what a look at every entry would say, however they came, and after a rebuild. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TestClock, type TenantId } from '#kernel';
import { EventStore, ledgerMigrations, Subscriptions } from '#ledger';
import { openLog } from '../../../test/support/ledger-fixture.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { sourceStream } from './access-entry.js';
import { accessLogMigrations } from './access-log.migrations.js';
import { AccessSources, AccessSourcesProjection } from './access-sources.js';

interface Report {
  source: string;
  sequence: number | null;
}

const clock = new TestClock(new Date('2026-11-22T09:00:00Z'));
let db: TestDatabase;
let store: EventStore;
let subscriptions: Subscriptions;
let sources: AccessSources;
const projection = new AccessSourcesProjection();

beforeAll(async () => {
  db = await createTestDatabase([...ledgerMigrations, ...accessLogMigrations]);
  store = new EventStore(db.database, clock);
  subscriptions = new Subscriptions(
    store,
    () => Promise.resolve([]),
    () => undefined,
  );
  subscriptions.project(projection);
  sources = new AccessSources(store, subscriptions, clock);
});
afterAll(() => db.drop());

/** Each batch is a step of the projection. */
async function report(tenant: TenantId, batches: Report[][]): Promise<void> {
  for (const batch of batches) {
    const events = batch.map((data) => ({
      ...{ stream: sourceStream(data.source), type: 'AccessRecorded.v1', data: { ...data } },
    }));
    const { firstPosition } = await store.append({ tenant, actorRef: 'test', events });
    const stored = await store.read(tenant, firstPosition, batch.length);
    await store.database.transaction(tenant, (query) => projection.apply(stored, query));
  }
}

/** By looking at every entry. */
function counted(entries: Report[]): object[] {
  return [...new Set(entries.map(({ source }) => source))].sort().map((source) => {
    const own = entries.filter((entry) => entry.source === source);
    const numbers = [...new Set(own.flatMap(({ sequence }) => (sequence === null ? [] : [sequence])))].sort(
      (a, b) => a - b,
    );
    const [first, last] = [numbers[0], numbers.at(-1)];
    const missing = first === undefined || last === undefined ? 0 : last - first + 1 - numbers.length;
    return { source, entries: own.length, lastSequence: last ?? null, missing, silent: false };
  });
}

describe('the list of sources', () => {
  const entry = fc.record({ source: fc.constantFrom('a', 'b'), sequence: fc.option(fc.nat({ max: 30 })) });
  const batches = fc.array(fc.array(entry, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 });

  it('counts as a look at every entry would: gaps that open, close, and numbers that come twice', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (sent) => {
        const tenant = await openLog(store);
        await report(tenant, sent);
        const { items } = await sources.list(tenant);
        expect(items).toMatchObject(counted(sent.flat()));
        await subscriptions.rebuild(tenant, 'access-sources');
        expect((await sources.list(tenant)).items).toEqual(items);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps one run of a source that reports in order, and says since when it is silent', async () => {
    const tenant = await openLog(store);
    const batch = (from: number): Report[] =>
      Array.from({ length: 50 }, (_, at) => ({ source: 'a', sequence: from + at }));
    await report(tenant, [batch(0), batch(50), batch(150), batch(100)]);
    const { rows } = await db.superuser.query('SELECT first::int, last::int FROM access_run WHERE tenant = $1', [
      tenant,
    ]);
    expect(rows).toEqual([{ first: 0, last: 199 }]);
    await subscriptions.rebuild(tenant, 'access-sources');
    const lastAt = clock.now().toISOString();
    clock.advance(25 * 3_600_000);
    expect((await sources.list(tenant)).items).toMatchObject([{ entries: 200, missing: 0, lastAt, silent: true }]);
  });

  it('is not shown while most entries of a log are still to be counted: it would call lively sources silent', async () => {
    const tenant = await openLog(store);
    await report(tenant, [[{ source: 'a', sequence: 1 }]]);
    const behind = new AccessSources(
      store,
      { cursor: () => Promise.resolve(-10_000) } as unknown as Subscriptions,
      clock,
    );
    await expect(behind.list(tenant)).rejects.toMatchObject({ status: 503, code: 'sources-behind' });
  });

  it('is not shown while the count stands still, be it at a single entry', async () => {
    const tenant = await openLog(store);
    await report(tenant, [[{ source: 'a', sequence: 1 }]]);
    await subscriptions.rebuild(tenant, 'access-sources');
    await report(tenant, [[{ source: 'a', sequence: 2 }]]);
    clock.advance(60_000);
    expect((await sources.list(tenant)).items).toHaveLength(1);
    clock.advance(5 * 60_000);
    await expect(sources.list(tenant)).rejects.toMatchObject({ status: 503, code: 'sources-behind' });
    await subscriptions.rebuild(tenant, 'access-sources');
    expect((await sources.list(tenant)).items).toMatchObject([{ entries: 2 }]);
  });
});
