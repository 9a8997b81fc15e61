/** The conformance suite on a real DuckDB file; what was not written is shown by the hash of the file. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describeConnector, type ConformanceSystem } from '@lethe/plugin-kit/conformance';
import type { SqlRow } from '@lethe/plugin-kit';
import connector from './index.js';

async function setup(): Promise<ConformanceSystem> {
  const folder = await mkdtemp(join(tmpdir(), 'lethe-plugin-duckdb-'));
  const file = join(folder, 'warehouse.duckdb');
  return {
    sql: async (...statements) => {
      const instance = await DuckDBInstance.create(file);
      const connection = await instance.connect();
      try {
        const rows: SqlRow[] = [];
        for (const statement of statements)
          rows.push(...((await connection.runAndReadAll(statement)).getRowObjectsJson() as SqlRow[]));
        return rows;
      } finally {
        connection.closeSync();
        instance.closeSync();
      }
    },
    context: (tableMap) => ({
      config: { file, tableMap },
      secrets: {},
      signal: new AbortController().signal,
      deadline: new Date(Date.now() + 30_000),
      now: () => new Date(),
      log: { info: () => undefined, warn: () => undefined },
    }),
    fingerprint: async () => {
      const names = (await readdir(folder)).sort();
      const hashes = await Promise.all(
        names.map(async (name) =>
          createHash('sha256')
            .update(await readFile(join(folder, name)))
            .digest('hex'),
        ),
      );
      return names.map((name, index) => `${name} ${hashes[index]}`).join('\n');
    },
    stop: async () => rm(folder, { recursive: true, force: true }),
  };
}

describeConnector('the DuckDB connector', connector, setup);
