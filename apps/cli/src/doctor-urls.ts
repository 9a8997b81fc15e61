/** The databases as the service itself connects to them. */
import { join } from 'node:path';
import { provision, type Config } from '#platform';
import { startPostgres } from '#scripts/postgres.mjs';

/** Starts the embedded server when it is down, and stops it again. Errors: a sentence for the operator. */
export async function serviceUrls(
  config: Config,
): Promise<{ ledger: string; keystore: string; close: () => Promise<void> }> {
  if (config.embedded) {
    const server = await startPostgres({ dataDir: join(config.dataDir, 'postgres') });
    const urls = await provision(server.url, ['lethe', 'lethe_keys']);
    return { ledger: urls.lethe.appUrl, keystore: urls.lethe_keys.appUrl, close: () => server.stop('fast') };
  }
  const { DATABASE_URL: ledger, LETHE_KEYSTORE_URL: keystore } = config;
  if (!ledger || !keystore) throw new Error('with DATABASE_URL set, LETHE_KEYSTORE_URL must name the key store');
  return { ledger, keystore, close: () => Promise.resolve() };
}
