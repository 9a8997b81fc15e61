// One PostgreSQL for the whole jest run, in a folder of its own; specs make their databases in it (LETHE_TEST_PG_URL is its superuser).
// Another folder holds all temporary files of the run, so that the end can tell what somebody left behind.
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, startedAt } from '../../scripts/postgres-folders.mjs';
import { startPostgres } from '../../scripts/postgres.mjs';
import { joinProcessorGroup } from './processor-group.mjs';

const PREFIX = 'lethe-test-';
const FILES = /^lethe-run-(\d+)-/;

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

/** Temporary files of a run that was killed. */
function removeAbandonedFiles() {
  for (const name of readdirSync(tmpdir())) {
    const [, pid] = FILES.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another user's, or a disk of a test that is still mounted.
    }
  }
}

export default async function globalSetup() {
  await endAbandonedServers();
  removeAbandonedFiles();
  // What is measured is measured as it would run, the database and its load with it.
  if (process.env.LETHE_TEST_FULL === '1') globalThis.letheTestGroup = joinProcessorGroup();
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  const server = await startPostgres({ dataDir: folder, fast: true, settings: { max_connections: '500' } });
  process.env.LETHE_TEST_PG_URL = server.url;
  globalThis.letheTestPostgres = server;
  // Other users may walk in and write, as in the system's own: plugins and PostgreSQL run as such.
  const files = mkdtempSync(join(tmpdir(), `lethe-run-${process.pid}-`));
  chmodSync(files, 0o1777);
  globalThis.letheTestFiles = files;
  process.env.TMPDIR = files;
}
