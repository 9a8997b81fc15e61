/** Every statement of the service, run on tables that have grown: none may read a whole one but those that are named here. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { Client } from 'pg';
import { schemas } from '../../apps/server/src/schemas.js';
import { GROWN_FUNCTIONS, growTable } from '../support/grown-tables.js';
import { sourceStatements, type SourceStatement } from '../support/source-statements.js';
import { runOnGrown, type GrownRun } from '../support/statement-runs.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

const ROWS = 20_000;
/** Tables that grow with what people do, by database. */
const GROWING = {
  ledger: [
    ...['event', 'checkpoint', 'tile', 'idempotency', 'redo', 'job', 'subject', 'subject_identifier', 'subject_link'],
    ...['subject_restriction', 'access_entry', 'consent_record', 'inbox_task', 'inbox_part', 'propagation'],
    ...['webhook_delivery', 'webhook_lane', 'request_summary', 'request_kept_group', 'approval_refusal', 'certificate'],
    'access_run',
  ],
  keystore: ['subject_key', 'suppression'],
};

/** Blocks of 8 KiB that one run may look at; every one of the tables has more. */
const MOST_BLOCKS = 150;

/** Parts of the statements that may read a whole table, and why. A new one needs an index, or a reason here. */
const MAY: [part: string, why: string][] = [
  ['DELETE FROM webhook_lane WHERE tenant = $1 AND job IS NULL', 'once a day, and removes what it reads'],
  [
    'UPDATE webhook_lane SET job = NULL WHERE tenant = $1 AND job = ANY',
    'a job of a lane has died, which nobody can read',
  ],
  ['UPDATE webhook_lane SET job = NULL WHERE tenant = $1 AND endpoint = $2', 'an endpoint was enabled or switched off'],
  ['DELETE FROM webhook_lane WHERE tenant = $1 AND endpoint = $2', 'an endpoint was removed'],
  ['DELETE FROM webhook_delivery WHERE tenant = $1 AND endpoint = $2', 'an endpoint was removed'],
  ['SELECT DISTINCT subject FROM consent_record', 'a snapshot reads everybody once, page after page'],
  ['SELECT c.id, e.type IS DISTINCT FROM', 'the audit compares every decision with its leaf, page after page'],
  ["kind = 'apply' AND fence > 0", 'a hold met an approved erasure; the erasing tasks of one connection'],
  ['SELECT id FROM request_summary WHERE tenant = $1 AND status', 'a connection was handed over'],
  ['SELECT k.id, k.request, k.connection FROM request_kept_group', 'a hold was released; as many rows as kept groups'],
  ["SELECT subject FROM subject_key WHERE tenant = $1 AND class = 'identity'", 'lethe replay, after a restore'],
  ['DELETE FROM suppression WHERE tenant = $1 AND expires_at', 'once an hour; as many rows as erased people'],
  [
    'SELECT count(*)::int AS n FROM certificate',
    'the copy for the archive; of rows as wide as certificates, index only',
  ],
  ['FROM suppression t WHERE tenant = $1', 'the copy for the archive, when there is a new suppression'],
  ['UPDATE lookup_key SET rekeyed_at', 'once at the end of a rotation'],
  ['SELECT mac, key_id, normaliser, scope_kind, scope, before', 'the seal is over every row'],
];

const root = join(import.meta.dirname, '../..');
const sources = sourceStatements(root, ['libs', 'apps/server/src']);

let databases: Record<keyof typeof GROWING, { db: TestDatabase; app: Client }>;
beforeAll(async () => {
  databases = { ledger: await grown('ledger'), keystore: await grown('keystore') };
}, 120_000);
afterAll(async () => {
  for (const { db, app } of Object.values(databases)) {
    await app.end();
    await db.drop();
  }
});

async function grown(which: keyof typeof GROWING): Promise<{ db: TestDatabase; app: Client }> {
  const db = await createTestDatabase(schemas[which]);
  await db.superuser.query(GROWN_FUNCTIONS);
  for (const table of GROWING[which]) await growTable(db.superuser, table, table === 'event' ? 3 * ROWS : ROWS);
  await db.superuser.query('VACUUM ANALYZE');
  const app = new Client({ connectionString: db.urls.appUrl });
  await app.connect();
  return { db, app };
}

/** The database whose tables a statement reads; undefined when none of them grows. */
function databaseOf(text: string): keyof typeof GROWING | undefined {
  const reads = (tables: readonly string[]): boolean =>
    tables.some((table) => new RegExp(`\\b(FROM|JOIN|UPDATE)\\s+${table}\\b`).test(text));
  return reads(GROWING.ledger) ? 'ledger' : reads(GROWING.keystore) ? 'keystore' : undefined;
}

function run(statement: SourceStatement): Promise<GrownRun> {
  const which = databaseOf(statement.text);
  if (!which) throw new Error('the statement reads no table that grows');
  return runOnGrown(databases[which].app, statement);
}

const allowed = (text: string): boolean => MAY.some(([part]) => text.includes(part));
/** A projection that is emptied before it is rebuilt. */
const isReset = (text: string): boolean => /^DELETE FROM \w+$/.test(text);
const readsAll = ({ blocks, whole }: GrownRun): boolean => blocks > MOST_BLOCKS || whole.length > 0;

describe('on tables that have grown', () => {
  const statements = sources.statements.filter(({ text }) => databaseOf(text) !== undefined && !isReset(text));

  it('no statement reads a whole one, planned with its values or, when it has a name, without them', async () => {
    expect(statements.length).toBeGreaterThan(100);
    const found: string[] = [];
    for (const statement of statements.filter(({ text }) => !allowed(text))) {
      const ran = await run(statement);
      if (readsAll(ran)) found.push(`${statement.file}: ${ran.blocks} blocks, ${ran.whole.join()}: ${statement.text}`);
    }
    expect(found).toEqual([]);
  }, 120_000);

  it('what may read a whole one is still there', () => {
    expect(MAY.filter(([part]) => !statements.some(({ text }) => text.includes(part)))).toEqual([]);
  });

  it('the statements that only a running program knows are those that name a table or role of their caller', () => {
    const files = sources.unread.map(({ file }) => file).filter((file) => !file.startsWith('libs/plugin-kit/'));
    expect([...new Set(files)].sort()).toEqual([
      'apps/server/src/kept-archive.ts',
      'libs/connectors/src/connection/remove-connection.ts',
      'libs/platform/src/provision.ts',
    ]);
  });

  it.each([
    ['all events of a type', 'SELECT position FROM event WHERE tenant = $1 AND type = $2 ORDER BY position'],
    ['jobs by what no index has', 'DELETE FROM job WHERE tenant = $1 AND last_error_code = $2'],
    [
      'a batch that is chosen out of everything',
      `DELETE FROM webhook_delivery WHERE tenant = $1 AND id IN (
         SELECT id FROM webhook_delivery WHERE tenant = $1 AND state = 'delivered' AND last_code = $2 ORDER BY id LIMIT 5000)`,
    ],
  ])('finds %s', async (_, text) => {
    expect(readsAll(await run({ file: 'planted', text, named: true }))).toBe(true);
  });
});
