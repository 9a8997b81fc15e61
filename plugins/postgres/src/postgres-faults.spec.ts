/** Faults that only a PostgreSQL can plant: cascades, triggers that keep rows, other sessions, lost rights. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { collect, person } from '@lethe/plugin-kit/conformance';
import { ConnectorError, type Ctx, type Outcome, type Target } from '@lethe/plugin-sdk';
import pg from 'pg';
import * as z from 'zod';
import { startPostgres, type RunningPostgres } from '../../../scripts/postgres.mjs';
import connector, { configSchema } from './index.js';
import { PostgresDialect } from './postgres-dialect.js';

const email = { column: 'email', identifier: 'email', strength: 'identifying' };
const map = {
  datasets: [
    {
      name: 'people',
      table: 'crm.people',
      title: 'People',
      key: 'code',
      person: true,
      match: [email],
      action: 'erase',
    },
    {
      name: 'notes',
      table: 'crm.notes',
      title: 'Notes',
      key: 'id',
      refs: [{ column: 'person_code', to: { dataset: 'people', column: 'code' }, identifying: true }],
      action: 'erase',
      history: [{ table: 'crm.notes_history', days: 30 }],
    },
  ],
};
const ada = person(['email', 'ada@example.test']);
const target = (dataset: string, ref: string): Target => ({
  itemKey: ada.itemKey,
  dataset,
  ref,
  count: 1,
  action: 'erase',
});

describe('the PostgreSQL connector under faults', () => {
  let folder: string;
  let server: RunningPostgres;
  let owner: pg.Client;

  const context = (change: Record<string, unknown> = {}, password = 'secret'): Ctx<unknown> => ({
    config: { host: '127.0.0.1', port: server.port, database: 'postgres', user: 'lethe', tableMap: map, ...change },
    secrets: { password },
    signal: new AbortController().signal,
    deadline: new Date('2026-01-01T00:00:20Z'),
    now: () => new Date('2026-01-01T00:00:00Z'),
    log: { info: () => undefined, warn: () => undefined },
  });
  const apply = (...targets: Target[]): Promise<Outcome[]> =>
    collect(connector.apply(context(), { kind: 'erasure' }, [ada], targets));
  const failure = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'no error',
      (error: unknown) =>
        error instanceof ConnectorError
          ? `${error.fail.class} ${error.fail.code} ${/ada|A-1/.test(error.message) ? 'leaks' : ''}`.trim()
          : error,
    );
  const count = async (table: string): Promise<number> =>
    Number((await owner.query<{ n: string }>(`SELECT count(*) AS n FROM crm.${table}`)).rows[0]?.n);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-plugin-postgres-'));
    server = await startPostgres({ dataDir: folder, fast: true });
    owner = new pg.Client({ connectionString: server.url });
    await owner.connect();
    await owner.query(`CREATE ROLE lethe LOGIN PASSWORD 'secret'`);
  }, 60_000);
  afterAll(async () => {
    await owner.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await owner.query(`DROP SCHEMA IF EXISTS crm CASCADE; CREATE SCHEMA crm;
      CREATE TABLE crm.people (code text PRIMARY KEY, email text, extra jsonb);
      CREATE TABLE crm.notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), person_code text REFERENCES crm.people, words text);
      CREATE TABLE crm.unmapped (id int PRIMARY KEY, person_code text REFERENCES crm.people ON DELETE CASCADE);
      INSERT INTO crm.people VALUES ('A-1', 'Ada@example.test', '{"a":1}'), ('B-2', 'bob@example.test', NULL);
      INSERT INTO crm.notes (person_code, words) VALUES ('A-1', 'x'), ('A-1', 'y'), ('B-2', 'z');
      GRANT USAGE ON SCHEMA crm TO lethe; GRANT ALL ON ALL TABLES IN SCHEMA crm TO lethe;`);
  });

  it('stops when a delete would cascade into rows nobody decided about', async () => {
    await owner.query(`INSERT INTO crm.unmapped VALUES (1, 'A-1'), (2, 'B-2')`);
    const located = await collect(connector.locate(context(), [ada]));
    const targets = located.map((row): Target => ({ ...row, action: 'erase' }));
    expect(await failure(apply(...targets))).toBe('permanent cascade-guard');
    expect([await count('people'), await count('notes'), await count('unmapped')]).toEqual([2, 3, 2]);
    await owner.query(`DELETE FROM crm.unmapped WHERE person_code = 'A-1'`);
    expect((await apply(...targets)).map((outcome) => outcome.kind)).toEqual(['erased', 'erased', 'erased']);
    expect([await count('people'), await count('notes'), await count('unmapped')]).toEqual([1, 1, 1]);
  });

  it('does not say erased of a row that a trigger keeps', async () => {
    await owner.query(`CREATE FUNCTION crm.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER keep BEFORE DELETE ON crm.notes FOR EACH ROW EXECUTE FUNCTION crm.keep()`);
    const located = await collect(connector.locate(context(), [ada]));
    const notes = located.filter((row) => row.dataset === 'notes').map((row): Target => ({ ...row, action: 'erase' }));
    const outcomes = await apply(...notes);
    expect(outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.error.code : outcome.kind))).toEqual([
      'row-kept-by-system',
      'row-kept-by-system',
    ]);
    expect(
      (await collect(connector.verify(context(), [ada], notes))).filter((entry) => entry.kind === 'residue'),
    ).not.toEqual([]);
  });

  it('waits for another session and sees that the row changed hands meanwhile', async () => {
    await owner.query('BEGIN');
    await owner.query(`UPDATE crm.people SET email = 'eve@example.test' WHERE code = 'A-1'`);
    const pending = apply(target('people', 'A-1'));
    await sleep(300);
    await owner.query('COMMIT');
    expect(await pending).toMatchObject([{ kind: 'not-found', note: 'changed-hands' }]);
    expect(await count('people')).toBe(2);
  });

  it('rolls everything back when one statement is refused', async () => {
    expect(await failure(apply(target('people', 'A-1')))).toBe('permanent foreign-key');
    await owner.query(`REVOKE DELETE ON crm.people FROM lethe`);
    const located = await collect(connector.locate(context(), [ada]));
    expect(await failure(apply(...located.map((row): Target => ({ ...row, action: 'erase' }))))).toBe(
      'auth permission-denied',
    );
    expect([await count('people'), await count('notes')]).toEqual([2, 3]);
    expect(await connector.check(context())).toMatchObject({
      ok: true,
      account: 'lethe',
      warnings: expect.arrayContaining([expect.stringContaining('DELETE is not granted')]),
    });
  });

  it('says why it cannot work, without a value or a secret', async () => {
    expect(await connector.check(context({}, 'wrong'))).toMatchObject({
      ok: false,
      error: { class: 'auth', code: 'login-refused' },
    });
    expect(await connector.check(context({ database: 'nowhere' }))).toMatchObject({
      ok: false,
      error: { class: 'config', code: 'database-missing' },
    });
    expect(await connector.check(context({ port: 1 }))).toMatchObject({
      ok: false,
      error: { class: 'transient', code: 'connection-lost' },
    });
    expect(await connector.check(context({ tablemap: 1 }))).toMatchObject({
      ok: false,
      error: { class: 'config', code: 'config-invalid' },
    });
    await owner.query('REVOKE SELECT ON crm.notes FROM lethe');
    expect(await connector.check(context())).toMatchObject({
      ok: false,
      error: { class: 'auth', code: 'select-not-granted' },
    });
  });

  it('cannot write while it looks, even if it tried', async () => {
    const dialect = new PostgresDialect({
      host: '127.0.0.1',
      port: server.port,
      database: 'postgres',
      user: 'lethe',
      password: 'secret',
      schema: 'crm',
      ssl: false,
      waitMs: 5000,
    });
    const write = (mode: 'read' | 'write'): Promise<unknown> =>
      dialect.transaction(mode, (session) => session.all('DELETE FROM notes'));
    expect(await failure(write('read'))).toBe('permanent sqlstate-25006');
    expect(await failure(write('write'))).toBe('no error');
  });

  it('names until when copies may live', async () => {
    const horizons = await collect(connector.horizon(context({ backupDays: 14 })));
    expect(horizons.filter((entry) => entry.dataset === 'notes')).toEqual([
      { dataset: 'notes', layer: 'backup', until: '2026-01-15' },
      { dataset: 'notes', layer: 'history', until: '2026-01-31', note: 'history table crm.notes_history' },
      { dataset: 'notes', layer: 'log', until: null, note: 'dead rows until vacuum; write-ahead log and its archive' },
    ]);
  });

  it('finds by index: a plan without a sequential scan over a large table', async () => {
    await owner.query(
      `INSERT INTO crm.people SELECT 'P-' || n, 'p' || n || '@example.test' FROM generate_series(1, 20000) n; CREATE INDEX ON crm.people (lower(email)); ANALYZE crm.people`,
    );
    const { rows } = await owner.query<Record<string, string>>(
      `EXPLAIN SELECT code FROM crm.people WHERE (lower("email") IN (lower(CAST($1 AS varchar)), lower(CAST($2 AS varchar)))) ORDER BY CAST("code" AS varchar) LIMIT 1000`,
      ['p7@example.test', 'P7@EXAMPLE.TEST'],
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index/);
  });

  it('has a manifest that says what its configuration is', async () => {
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../lethe.plugin.json'), 'utf8')) as {
      config: unknown;
    };
    expect(manifest.config).toEqual(z.toJSONSchema(configSchema, { io: 'input' }));
  });
});
