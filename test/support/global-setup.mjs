// One PostgreSQL for the whole jest run, in a folder of its own; specs make their databases in it (LETHE_TEST_PG_URL is its superuser).
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../scripts/postgres.mjs';

export default async function globalSetup() {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  const server = await startPostgres({ dataDir: folder, fast: true, settings: { max_connections: '200' } });
  process.env.LETHE_TEST_PG_URL = server.url;
  globalThis.letheTestPostgres = server;
}
