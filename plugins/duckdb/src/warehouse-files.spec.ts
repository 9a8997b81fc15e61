/** Parquet beside the warehouse, and a file that another process has open. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DuckDBInstance } from '@duckdb/node-api';
import { collect, person } from '@lethe/plugin-kit/conformance';
import { ConnectorError, type Ctx, type Target } from '@lethe/plugin-sdk';
import * as z from 'zod';
import connector, { configSchema } from './index.js';
import { ParquetFiles } from './parquet-files.js';

const email = { column: 'email', identifier: 'email', strength: 'identifying' };
const tableMap = {
  datasets: [
    { name: 'clicks', table: 'clicks', title: 'Clicks', key: 'id', match: [email], action: 'erase' },
    { name: 'people', table: 'people', title: 'People', key: 'id', person: true, match: [email], action: 'erase' },
  ],
};
const ada = person(['email', 'ada@example.test']);

describe('the DuckDB connector on files', () => {
  let folder: string;
  const path = (name: string): string => join(folder, name);
  const context = (ms = 20_000): Ctx<unknown> => ({
    config: {
      file: path('w.duckdb'),
      parquet: [{ dataset: 'clicks', path: path("clicks o'1.parquet") }],
      tableMap,
      backupDays: 7,
    },
    secrets: {},
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + ms),
    now: () => new Date(),
    log: { info: () => undefined, warn: () => undefined },
  });
  const sql = async (...statements: string[]): Promise<unknown[]> => {
    const instance = await DuckDBInstance.create(path('w.duckdb'));
    const connection = await instance.connect();
    try {
      let rows: unknown[] = [];
      for (const statement of statements) rows = (await connection.runAndReadAll(statement)).getRowsJson();
      return rows;
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  };
  const parquet = (): string => path("clicks o'1.parquet").replaceAll("'", "''");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-plugin-duckdb-'));
    await sql(
      `CREATE TABLE people (id integer, email varchar)`,
      `INSERT INTO people VALUES (1, 'ada@example.test'), (2, 'bob@example.test')`,
      `COPY (SELECT n AS id, CASE WHEN n % 100 = 0 THEN 'Ada@example.test' ELSE 'p' || n || '@example.test' END AS email, TIMESTAMP '2024-01-01' + INTERVAL (n) SECOND AS at_time,
         [n, n + 1] AS pages, {'a': n} AS detail FROM range(1, 5001) t(n)) TO '${parquet()}' (FORMAT parquet, COMPRESSION zstd)`,
    );
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  it('rewrites a Parquet file without the rows, and with every other row as it was', async () => {
    const others = `SELECT * FROM read_parquet('${parquet()}') WHERE lower(email) <> 'ada@example.test'`;
    const before = await sql(others);
    const located = await collect(connector.locate(context(), [ada]));
    expect(located).toHaveLength(51);
    const targets = located.map((row): Target => ({ ...row, action: 'erase' }));
    const outcomes = await collect(connector.apply(context(), { kind: 'erasure' }, [ada], targets));
    expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['erased']));
    expect(await sql(others)).toEqual(before);
    expect(await sql(`SELECT count(*)::INTEGER FROM read_parquet('${parquet()}')`)).toEqual([[4950]]);
    expect(await sql(`SELECT DISTINCT compression FROM parquet_metadata('${parquet()}')`)).toEqual([['ZSTD']]);
    expect((await readdir(folder)).sort()).toEqual(["clicks o'1.parquet", 'w.duckdb']);
    const verified = await collect(connector.verify(context(), [ada], targets));
    expect(verified.map((entry) => entry.kind)).toEqual(['clean', 'clean']);
    expect(await collect(connector.apply(context(), { kind: 'erasure' }, [ada], targets))).toHaveLength(51);
  });

  it('does not overwrite a Parquet file that somebody replaced meanwhile', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const files = new ParquetFiles(connection, new Map([['clicks', path("clicks o'1.parquet")]]), ['clicks']);
    await files.mount();
    await connection.run('DELETE FROM clicks WHERE id < 10');
    await files.stage();
    await writeFile(path("clicks o'1.parquet"), 'new content of a nightly job');
    const thrown: unknown = await files.replace().catch((error: unknown) => error);
    expect(thrown instanceof ConnectorError && thrown.fail).toEqual({ class: 'transient', code: 'file-changed' });
    await files.discard();
    expect((await readdir(folder)).sort()).toEqual(["clicks o'1.parquet", 'w.duckdb']);
    connection.closeSync();
    instance.closeSync();
  });

  it('waits while another process has the file, and gives up in time with a failure that may be retried', async () => {
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLD, path('w.duckdb')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
    });
    try {
      await new Promise((resolve) => holder.stdout.once('data', resolve));
      expect(await connector.check(context(1000))).toMatchObject({
        ok: false,
        error: { class: 'transient', code: 'file-locked' },
      });
      const waiting = collect(connector.locate(context(), [ada]));
      setTimeout(() => holder.stdin.end(), 300);
      expect(await waiting).toHaveLength(51);
    } finally {
      holder.kill();
    }
  });

  it('serves many calls on one file at once', async () => {
    const calls = Array.from({ length: 6 }, () => collect(connector.locate(context(), [ada])));
    expect((await Promise.all(calls)).map((rows) => rows.length)).toEqual([51, 51, 51, 51, 51, 51]);
  });

  it('says what is missing', async () => {
    await rm(path("clicks o'1.parquet"));
    expect(await connector.check(context())).toMatchObject({
      ok: false,
      error: { class: 'config', code: 'parquet-file-missing' },
    });
    await rm(path('w.duckdb'));
    expect(await connector.check(context())).toMatchObject({
      ok: false,
      error: { class: 'config', code: 'file-or-table-missing' },
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('has a manifest that says what its configuration is', async () => {
    const manifest = JSON.parse(await readFile(join(import.meta.dirname, '../lethe.plugin.json'), 'utf8')) as {
      config: unknown;
    };
    expect(manifest.config).toEqual(z.toJSONSchema(configSchema, { io: 'input' }));
  });
});

const HOLD = `import { DuckDBInstance } from '@duckdb/node-api';
const instance = await DuckDBInstance.create(process.argv[1]);
console.log('open');
process.stdin.resume().on('end', () => { instance.closeSync(); process.exit(0); });`;
