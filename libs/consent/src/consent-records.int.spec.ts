/** What a check reads when its person is not cached stays the person's own rows, however large the log has grown. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId, type TenantId } from '#kernel';
import { ledgerMigrations, type Database, type EventStore } from '#ledger';
import { createLogger } from '#platform';
import { subjectsMigrations } from '#subjects';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { ConsentFeed } from './consent-feed.js';
import { ConsentRecords } from './consent-records.js';
import { consentMigrations } from './consent.migrations.js';

const EVENTS = 60_000;
const [PEOPLE, RECORDS_EACH] = [300, 120];
/** How it was asked first: right, and as slow as the log is long. */
const HASHED = `SELECT EXISTS (SELECT FROM event e WHERE e.tenant = a.tenant AND e.stream = 'subject/' || a.id AND e.type = 'SubjectRestricted.v1'), c.*
  FROM subject s JOIN subject a ON a.tenant = s.tenant AND a.person = s.person
  LEFT JOIN consent_record c ON c.tenant = a.tenant AND c.subject = a.id WHERE s.tenant = $1 AND s.id = $2`;

const tenant = newId() as TenantId;
let test: TestDatabase;
let somebody: SubjectId;

/** Tables that a statement would read from end to end. */
async function scanned(text: string): Promise<string[]> {
  const { rows } = await test.superuser.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [tenant, somebody]);
  return rows.flatMap((row) => /Seq Scan on (\w+)/.exec(row['QUERY PLAN'])?.[1] ?? []);
}

beforeAll(async () => {
  test = await createTestDatabase([...ledgerMigrations, ...subjectsMigrations, ...consentMigrations]);
  const run = (text: string, values: unknown[] = []): Promise<unknown> => test.superuser.query(text, values);
  await run(
    `INSERT INTO subject (tenant, id, person, status, created_at)
     SELECT $1, id, id, 'active', now() FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, ${PEOPLE})) people`,
    [tenant],
  );
  await run(
    `INSERT INTO event (tenant, position, stream, version, type, recorded_at, bytes, leaf_hash)
     SELECT $1, n, 'consent/' || n % ${PEOPLE}, n / ${PEOPLE}, 'ConsentRecorded.v1', now(), repeat('x', 300), '' FROM generate_series(1, ${EVENTS}) n`,
    [tenant],
  );
  await run(
    `INSERT INTO consent_record (tenant, subject, position, id, purpose, decision, collected_at, recorded_at, imported, notice_id, notice_version)
     SELECT $1, id, n, gen_random_uuid(), 'news', 'given', now(), now(), false, 'n', '1' FROM subject, generate_series(1, ${RECORDS_EACH}) n`,
    [tenant],
  );
  await run('ANALYZE');
  const { rows } = await test.superuser.query<{ id: SubjectId }>('SELECT id FROM subject LIMIT 1');
  somebody = rows[0]!.id;
}, 60_000);
afterAll(() => test.drop());

describe('a check of a person who is not cached', () => {
  it('reads no table from end to end', async () => {
    let text = '';
    const database = {
      fetch: (_: TenantId, query: { text: string }) => {
        text = query.text;
        return Promise.resolve({ rows: [] });
      },
    } as unknown as Database;
    const store = { onCommit: () => () => undefined } as unknown as EventStore;
    const records = new ConsentRecords(database, new ConsentFeed(store, createLogger('silent')), store);
    await records.of(tenant, somebody);
    expect(text).toContain('consent_record');
    expect(await scanned(text)).not.toContain('event');
    expect(await scanned(text)).not.toContain('consent_record');
  });

  it('did once (control)', async () => {
    expect(await scanned(HASHED)).toContain('event');
  });
});
