// Stops the PostgreSQL of the jest run, makes sure that its process is gone, and removes its folder.
import { rmSync } from 'node:fs';
import { isAlive } from '../../scripts/postgres-folders.mjs';

export default async function globalTeardown() {
  const server = globalThis.letheTestPostgres;
  if (!server) return;
  await server.stop('immediate');
  if (isAlive(server.pid)) throw new Error(`The test PostgreSQL (process ${server.pid}) outlived the run.`);
  for (const folder of [server.dataDir, server.movedTo]) if (folder) rmSync(folder, { recursive: true, force: true });
}
