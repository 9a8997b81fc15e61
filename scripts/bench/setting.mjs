// What every row is given: a PostgreSQL of its own with fsync on, databases by name, and how long to measure.
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemas } from '../../dist/apps/server/src/schemas.js';
import { migrate, provision } from '../../dist/libs/platform/src/index.js';
import { startPostgres } from '../postgres.mjs';

/** Room enough that no checkpoint falls into a round; everything about durability stays at its default: on. */
export const settings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  max_connections: '200',
};

const plans = {
  quick: {
    flush: { rounds: 2, seconds: 2, warmup: 1 },
    http: { rounds: 2, seconds: 3, warmup: 2 },
    loaded: undefined,
  },
  full: {
    flush: { rounds: 5, seconds: 5, warmup: 4 },
    http: { rounds: 5, seconds: 6, warmup: 5 },
    loaded: { rounds: 4, seconds: 10, warmup: 5, records: 300_000 },
  },
};

/**
 * @typedef {object} Setting
 * @property {typeof plans.full} plan
 * @property {string} folder removed at the end; on the database's disk
 * @property {string | undefined} profile folder for CPU profiles of our processes
 * @property {number} postgres process id of the server
 * @property {(line: string) => void} say
 * @property {(name: string, schema?: 'ledger' | 'keystore') => Promise<{ownerUrl: string, appUrl: string}>} newDatabase
 */

/** Opens the setting; the result's `close` removes everything. */
export async function openSetting({ quick, profile, say }) {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  const server = await startPostgres({ dataDir: join(folder, 'postgres'), settings });
  return {
    setting: {
      plan: quick ? plans.quick : plans.full,
      folder,
      postgres: server.pid,
      profile,
      say,
      async newDatabase(name, schema) {
        const { [name]: urls } = await provision(server.url, [name]);
        if (schema) await migrate(urls.ownerUrl, schemas[schema]);
        return urls;
      },
    },
    async close() {
      await server.stop('immediate');
      for (const path of [folder, server.movedTo]) if (path) rmSync(path, { recursive: true, force: true });
    },
  };
}
