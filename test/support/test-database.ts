/** A database of its own for an integration spec: provisioned and migrated as in production, then copied for each spec. */
import { createHash, randomBytes } from 'node:crypto';
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
  const shared = cluster === process.env['LETHE_TEST_PG_URL'];
  const urls = shared ? await copied(name, migrations, cluster) : await migrated(name, migrations, cluster);
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

async function migrated(name: string, migrations: Migration[], cluster: string): Promise<Provisioned> {
  const urls = (await provision(cluster, [name]))[name]!;
  await migrate(urls.ownerUrl, migrations);
  return urls;
}

/** A schema is built once a run, by whichever spec needs it first; the others get a copy of the empty database. */
async function copied(name: string, migrations: Migration[], cluster: string): Promise<Provisioned> {
  const template = `template_${createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 16)}`;
  const admin = new Client({ connectionString: cluster });
  await admin.connect();
  try {
    const isThere = async (): Promise<boolean> =>
      (await admin.query('SELECT FROM pg_database WHERE datname = $1', [template])).rowCount === 1;
    if (!(await isThere())) {
      // The other workers of this run wait, and then find it.
      await admin.query('SELECT pg_advisory_lock(hashtext($1))', [template]);
      if (!(await isThere())) {
        await migrated(`${template}_draft`, migrations, cluster);
        await admin.query(`ALTER DATABASE "${template}_draft" RENAME TO "${template}"`);
      }
      await admin.query('SELECT pg_advisory_unlock(hashtext($1))', [template]);
    }
    const { [template]: urls } = await provision(cluster, [template]);
    await admin.query(`CREATE DATABASE "${name}" TEMPLATE "${template}" OWNER lethe_owner`);
    await admin.query(`REVOKE CONNECT ON DATABASE "${name}" FROM PUBLIC`);
    await admin.query(`GRANT CONNECT ON DATABASE "${name}" TO lethe_owner, lethe_app`);
    return { ownerUrl: inDatabase(urls!.ownerUrl, name), appUrl: inDatabase(urls!.appUrl, name) };
  } finally {
    await admin.end();
  }
}

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}
