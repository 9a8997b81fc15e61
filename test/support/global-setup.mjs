// One PostgreSQL for the whole jest run, in a folder of its own; specs make their databases in it (LETHE_TEST_PG_URL is its superuser).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, startedAt } from '../../scripts/postgres-folders.mjs';
import { startPostgres } from '../../scripts/postgres.mjs';

const PREFIX = 'lethe-test-';

/** A run that was killed leaves its server behind: end it, and only it, before making a new one. */
async function endAbandonedServers() {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    try {
      const { owner } = JSON.parse(readFileSync(join(folder, 'launcher.json'), 'utf8'));
      if (isAlive(owner.pid) && startedAt(owner.pid) === owner.startedAt) continue;
      const abandoned = await startPostgres({ dataDir: folder, fast: true });
      await abandoned.stop('immediate');
      for (const path of [folder, abandoned.movedTo]) if (path) rmSync(path, { recursive: true, force: true });
    } catch {
      // Somebody else's folder, or one that is being made or removed this moment: not ours to judge.
    }
  }
}

export default async function globalSetup() {
  await endAbandonedServers();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const server = await startPostgres({ dataDir: folder, fast: true, settings: { max_connections: '500' } });
  process.env.LETHE_TEST_PG_URL = server.url;
  globalThis.letheTestPostgres = server;
}
