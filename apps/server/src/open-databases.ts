/** Opens the ledger's and the key store's databases: given ones, or an embedded PostgreSQL under the data directory. */
import { Client } from 'pg';
import { Database, type Migration } from '#ledger';
import { migrate, provision, schemaMisfit, type Config } from '#platform';
import { EmbeddedPostgres } from './embedded-postgres.js';

export interface OpenDatabases {
  database: Database;
  keystoreDatabase: Database;
  close(): Promise<void>;
}

export interface Schemas {
  ledger: Migration[];
  keystore: Migration[];
}

/** Opens both; on the embedded default it also provisions and migrates, since nobody else would. */
export async function openDatabases(
  config: Config,
  schemas: Schemas,
  say: (line: string) => void,
): Promise<OpenDatabases> {
  const { urls, stop, revive }: Opened = config.embedded
    ? await embedded(config, say)
    : { urls: given(config), stop: async () => undefined };
  try {
    await prepareSchema(urls.ledger, 'ledger', schemas.ledger, config);
    await prepareSchema(urls.keystore, 'key store', schemas.keystore, config);
  } catch (error) {
    await stop();
    throw error;
  }
  const database = new Database({ connectionString: urls.ledger.appUrl });
  const keystoreDatabase = new Database({ connectionString: urls.keystore.appUrl, max: 4 });
  revive?.([database, keystoreDatabase]);
  return {
    database,
    keystoreDatabase,
    close: async () => {
      await Promise.all([database.close(), keystoreDatabase.close()]);
      await stop();
    },
  };
}

/** Migrates where the owner is known, and asks before anything is read or written. Errors: a sentence with what to do. */
async function prepareSchema(
  { appUrl, ownerUrl }: Urls['ledger'],
  what: string,
  migrations: Migration[],
  config: Config,
): Promise<void> {
  if (ownerUrl) await migrate(ownerUrl, migrations);
  const client = new Client({ connectionString: appUrl });
  await client.connect();
  try {
    const misfit = await schemaMisfit(({ text }) => client.query(text), migrations, config.LETHE_ACCEPT_SCHEMA);
    if (misfit !== undefined) throw new Error(`the schema of the ${what} does not fit this build: ${misfit}.`);
  } finally {
    await client.end();
  }
}

interface Opened {
  urls: Urls;
  stop: () => Promise<void>;
  revive?: (databases: readonly Database[]) => void;
}

interface Urls {
  ledger: { appUrl: string; ownerUrl?: string | undefined };
  keystore: { appUrl: string; ownerUrl?: string | undefined };
}

async function embedded(config: Config, say: (line: string) => void): Promise<Opened> {
  const server = await EmbeddedPostgres.start(config, say);
  const urls = await provision(server.url, ['lethe', 'lethe_keys']);
  return {
    urls: { ledger: urls.lethe, keystore: urls.lethe_keys },
    stop: () => server.stop(),
    revive: (databases) => server.revive(databases),
  };
}

function given(config: Config): Urls {
  if (!config.DATABASE_URL || !config.LETHE_KEYSTORE_URL) {
    throw new Error(
      'with DATABASE_URL set, LETHE_KEYSTORE_URL must name the key store: keys must not share a backup with the data',
    );
  }
  return {
    ledger: { appUrl: config.DATABASE_URL, ownerUrl: config.LETHE_MIGRATION_URL },
    keystore: { appUrl: config.LETHE_KEYSTORE_URL, ownerUrl: config.LETHE_KEYSTORE_MIGRATION_URL },
  };
}
