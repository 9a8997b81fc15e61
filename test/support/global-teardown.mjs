// Stops the PostgreSQL of the jest run, makes sure that its process is gone, removes its folder, and names what specs left behind.
import { readdirSync, rmSync } from 'node:fs';
import { isAlive } from '../../scripts/postgres-folders.mjs';
import { leaveProcessorGroup } from './processor-group.mjs';

export default async function globalTeardown() {
  const server = globalThis.letheTestPostgres;
  if (!server) return;
  await server.stop('immediate');
  if (isAlive(server.pid)) throw new Error(`The test PostgreSQL (process ${server.pid}) outlived the run.`);
  for (const folder of [server.dataDir, server.movedTo]) if (folder) rmSync(folder, { recursive: true, force: true });
  const files = globalThis.letheTestFiles;
  const left = readdirSync(files);
  rmSync(files, { recursive: true, force: true });
  if (left.length > 0) process.stderr.write(`\nTemporary files that the specs left behind: ${left.join(', ')}\n`);
  leaveProcessorGroup(globalThis.letheTestGroup);
}
