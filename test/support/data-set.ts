/** The data set of the build before this one, restored by the command into databases of its own. */
import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import type { BackupManifest } from '../../apps/cli/src/backup-manifest.js';
import type { BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';

const folder = join(import.meta.dirname, '../golden/data-set');

export interface RestoredDataSet {
  /** Settings of a service over it. */
  environment: Record<string, string>;
  ledger: TestDatabase;
  tenant: string;
  keys: BootstrappedTenant['keys'];
  manifest: BackupManifest;
  said: string[];
  /** Runs a command line over it. */
  lethe(...words: string[]): Promise<number>;
  remove(): Promise<void>;
}

interface About {
  tenants: { id: string }[];
  keys: BootstrappedTenant['keys'];
  /** Of the build that made it. */
  commit: string;
}

/** What was noted when it was made. */
export async function aboutDataSet(): Promise<About> {
  return JSON.parse(await readFile(join(folder, 'about.json'), 'utf8')) as About;
}

/** Restores it as an operator would after a loss of everything but backup and key files. */
export async function restoreDataSet(): Promise<RestoredDataSet> {
  const about = await aboutDataSet();
  const manifest = JSON.parse(await readFile(join(folder, 'ledger/manifest.json'), 'utf8')) as BackupManifest;
  const [ledger, keystore] = [await createTestDatabase([]), await createTestDatabase([])];
  const dataDir = await mkdtemp(join(tmpdir(), 'lethe-data-set-'));
  await cp(join(folder, 'checkpoints'), join(dataDir, 'checkpoints'), { recursive: true });
  await copyKeys(join(folder, 'key-files'), `${dataDir}-keys`);
  const environment = {
    PORT: '0',
    DATABASE_URL: ledger.urls.appUrl,
    LETHE_KEYSTORE_URL: keystore.urls.appUrl,
    LETHE_DATA_DIR: dataDir,
    LETHE_KEY_DIR: `${dataDir}-keys`,
    LETHE_LOG_LEVEL: 'silent',
  };
  const owner = { LETHE_MIGRATION_URL: ledger.urls.ownerUrl, LETHE_KEYSTORE_MIGRATION_URL: keystore.urls.ownerUrl };
  const said: string[] = [];
  const note = (line: string): number => said.push(line);
  const lethe = (...words: string[]): Promise<number> =>
    runVerb(words, { say: note, complain: note, environment: { ...environment, ...owner } });
  const parts = ['--keys', join(folder, 'keys'), '--kept', join(folder, 'kept')];
  if ((await lethe('restore', join(folder, 'ledger'), ...parts)) !== 0) throw new Error(said.join('\n'));
  return {
    ...{ environment, ledger, manifest, said, lethe, keys: about.keys },
    tenant: about.tenants[0]?.id ?? '',
    remove: async () => {
      await ledger.drop();
      await keystore.drop();
      for (const path of [dataDir, `${dataDir}-keys`]) await rm(path, { recursive: true, force: true });
    },
  };
}

/** Git keeps no modes; key files with others are refused. */
async function copyKeys(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  await chmod(to, 0o700);
  for (const name of await readdir(to)) await chmod(join(to, name), 0o600);
}
