/** A build serves from a schema it knows, or from a newer one that an operator has named: the whole of it, not a part. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Migration } from '#ledger';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { migrate, schemaMisfit } from './migrate.js';

const table = (id: string): Migration => ({ id, sql: `CREATE TABLE "${id}" (x int)` });
const own = [table('0100-first'), table('0500-other')];
const next = [...own, table('0700-later')];
/** Numbers are a domain's own: what comes after may have a smaller one. */
const afterNext = [...next, table('0101-second')];

describe('a build that is older than the schema', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await createTestDatabase(own);
  });
  afterEach(() => db.drop());

  const misfit = (...accepted: string[]): Promise<string | undefined> =>
    schemaMisfit(({ text }) => db.superuser.query(text), own, accepted);

  it('runs beside the newer one whose migrations were named, and beside no other', async () => {
    expect(await misfit()).toBeUndefined();
    await migrate(db.urls.ownerUrl, next);
    expect(await misfit()).toContain('LETHE_ACCEPT_SCHEMA=0700-later');
    expect(await misfit('0101-second')).toContain('a newer build (0700-later)');
    expect(await misfit('0700-later')).toBeUndefined();
  });

  it.each([
    ['one after the other', [next, afterNext]],
    ['at once, when the number of the older one is the last', [afterNext]],
  ])('does not run beside one that is newer still, also when it was migrated %s', async (_, steps) => {
    for (const migrations of steps) await migrate(db.urls.ownerUrl, migrations);
    expect(await misfit('0700-later')).toContain('a newer build (');
    expect(await misfit('0101-second')).toContain('a newer build (');
    expect(await misfit('0101-second', '0700-later')).toBeUndefined();
  });

  it('is told the migrations of both databases: ledger and key store may both be newer', async () => {
    await migrate(db.urls.ownerUrl, next);
    expect(await misfit('0042-of-the-key-store')).toContain('LETHE_ACCEPT_SCHEMA=0042-of-the-key-store,0700-later ');
    expect(await misfit('0042-of-the-key-store', '0700-later')).toBeUndefined();
  });
});
