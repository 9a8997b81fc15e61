/** Runs migrations through TypeORM, which keeps the record of what was applied. */
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Migration } from '#ledger';

/** TypeORM orders migrations by a 13-digit time at the end of the class name. */
const epoch = 1_700_000_000_000;

function asClass(migration: Migration): new () => MigrationInterface {
  const number = Number.parseInt(migration.id, 10);
  return class implements MigrationInterface {
    name = `${migration.id}-${epoch + number}`;

    async up(runner: QueryRunner): Promise<void> {
      await runner.query(migration.sql);
    }

    async down(): Promise<void> {
      throw new Error('migrations run forward only; restore a backup instead');
    }
  };
}

/** Role that every grant names; created here, given to the application's login by `provision`. */
const roles: Migration = {
  id: '0001-roles',
  sql: `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lethe_app') THEN CREATE ROLE lethe_app NOLOGIN NOBYPASSRLS; END IF; END $$;
        GRANT USAGE ON SCHEMA public TO lethe_app;`,
};

/** Brings a database to this build's schema. Returns the names that were applied now. `url` connects as the owner. */
export async function migrate(url: string, migrations: Migration[]): Promise<string[]> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: [roles, ...migrations].map(asClass),
    migrationsTableName: 'lethe_migration',
    migrationsTransactionMode: 'each',
    logging: false,
  });
  await source.initialize();
  try {
    return (await source.runMigrations()).map((migration) => migration.name);
  } finally {
    await source.destroy();
  }
}
