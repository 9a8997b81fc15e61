/** `lethe migrate`: brings the ledger's and the key store's databases to this build, as their owner. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { migrate, provision, type Config } from '#platform';
import { startPostgres } from '#scripts/postgres.mjs';
import { schemas } from '../../server/src/schemas.js';
import { commandConfig } from './open-application.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe migrate',
  'LETHE_MIGRATION_URL and LETHE_KEYSTORE_MIGRATION_URL name the databases as their owner; embedded ones when DATABASE_URL is absent.',
];

export const migrateVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const { ledger, keystore, close } = await ownerUrls(commandConfig(terminal));
  try {
    report(terminal, 'ledger', await migrate(ledger, schemas.ledger));
    report(terminal, 'key store', await migrate(keystore, schemas.keystore));
  } finally {
    await close();
  }
  return 0;
};

/** Both databases as their owner. */
export async function ownerUrls(
  config: Config,
): Promise<{ ledger: string; keystore: string; close: () => Promise<void> }> {
  if (config.embedded) {
    const server = await startPostgres({ dataDir: join(config.dataDir, 'postgres') });
    const urls = await provision(server.url, ['lethe', 'lethe_keys']);
    return { ledger: urls.lethe.ownerUrl, keystore: urls.lethe_keys.ownerUrl, close: () => server.stop('fast') };
  }
  const { LETHE_MIGRATION_URL: ledger, LETHE_KEYSTORE_MIGRATION_URL: keystore } = config;
  if (!ledger || !keystore)
    throw new Usage('set LETHE_MIGRATION_URL and LETHE_KEYSTORE_MIGRATION_URL: the application role owns nothing.');
  return { ledger, keystore, close: () => Promise.resolve() };
}

function report(terminal: Terminal, what: string, applied: string[]): void {
  terminal.say(applied.length === 0 ? `${what}: current` : `${what}: applied ${applied.join(', ')}`);
}
