/** A database of its own for an integration spec: provisioned and migrated as in production. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { Database, type Migration } from '#ledger';
import { migrate, provision, type Provisioned } from '#platform';
import { keepGoldenLeaves } from './golden-leaves.js';

export interface TestDatabase {
  /** As the application: behind the wall. */
  database: Database;
  urls: Provisioned;
  /** As superuser, for looking at what is really stored and for planting faults. */
  superuser: Client;
  drop(): Promise<void>;
}

/** URL of the jest run's cluster. */
export function clusterUrl(): string {
  const url = process.env['LETHE_TEST_PG_URL'];
  if (!url) throw new Error('no test cluster: run through jest with its globalSetup');
  return url;
}

/** Creates and migrates a database with a random name, in the run's cluster unless another is given. */
export async function createTestDatabase(migrations: Migration[], cluster = clusterUrl()): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const urls = (await provision(cluster, [name]))[name]!;
  await migrate(urls.ownerUrl, migrations);
  const database = new Database({ connectionString: urls.appUrl });
  const superuserUrl = new URL(cluster);
  superuserUrl.pathname = `/${name}`;
  const superuser = new Client({ connectionString: superuserUrl.toString() });
  // A spec may stop the server under it.
  superuser.on('error', () => undefined);
  await superuser.connect();
  return {
    database,
    urls,
    superuser,
    drop: async () => {
      await keepGoldenLeaves(superuser);
      await database.close();
      await superuser.end();
      const admin = new Client({ connectionString: cluster });
      await admin.connect();
      await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
      await admin.end();
    },
  };
}
