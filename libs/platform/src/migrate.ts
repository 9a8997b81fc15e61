/** Runs migrations through TypeORM, which keeps the record of what was applied. */
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { Migration } from '#ledger';

/** TypeORM orders migrations by a 13-digit time at the end of the class name. */
const epoch = 1_700_000_000_000;

const TABLE = 'lethe_migration';

function nameOf({ id }: Migration): string {
  return `${id}-${epoch + Number.parseInt(id, 10)}`;
}

function asClass(migration: Migration): new () => MigrationInterface {
  return class implements MigrationInterface {
    name = nameOf(migration);

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
    migrationsTableName: TABLE,
    migrationsTransactionMode: 'each',
    logging: false,
  });
  await source.initialize();
  try {
    const applied = (await source.runMigrations()).map((migration) => migration.name);
    // So that the service's own role can see whether the schema is current.
    await source.query(`GRANT SELECT ON ${TABLE} TO lethe_app`);
    return applied;
  } finally {
    await source.destroy();
  }
}

/**
 * Why this build must not serve from a database, seen as the application; undefined when they fit. A build that is older
 * than the schema does not know what newer ones have promised; `accepted` are the migrations, of both databases, that an
 * operator has named in `LETHE_ACCEPT_SCHEMA` for the hours of an upgrade in which both builds run. Each must be named:
 * numbers are a domain's own, so neither the highest nor the last one applied says which build it was.
 */
export async function schemaMisfit(
  query: (statement: { text: string }) => Promise<{ rows: Record<string, unknown>[] }>,
  migrations: Migration[],
  accepted: readonly string[] = [],
): Promise<string | undefined> {
  const { rows: tables } = await query({ text: `SELECT to_regclass('public.${TABLE}') AS there` });
  if (tables[0]?.['there'] === null) return 'it has no tables. Run lethe migrate (or lethe bootstrap) first';
  const { rows } = await query({ text: `SELECT name FROM ${TABLE} ORDER BY id` });
  const present = rows.map(({ name }) => String(name));
  const known = new Map([roles, ...migrations].map((migration) => [nameOf(migration), migration.id]));
  const lacking = [...known].filter(([name]) => !present.includes(name)).map(([, id]) => id);
  if (lacking.length > 0) return `it lacks ${lacking.join(', ')}. Run lethe migrate with this build first`;
  const newer = present.filter((name) => !known.has(name)).map((name) => name.replace(/-\d{13}$/, ''));
  if (newer.every((id) => accepted.includes(id))) return undefined;
  const named = [...new Set([...accepted, ...newer])].join();
  return `it was migrated by a newer build (${newer.join(', ')}). Start that build, or set LETHE_ACCEPT_SCHEMA=${named} while both run`;
}

/** Ids of this build's migrations that a database lacks, seen as the application; undefined when it has no tables at all. */
export async function pendingMigrations(
  query: (statement: { text: string }) => Promise<{ rows: Record<string, unknown>[] }>,
  migrations: Migration[],
): Promise<string[] | undefined> {
  const { rows: tables } = await query({ text: `SELECT to_regclass('public.${TABLE}') AS there` });
  if (tables[0]?.['there'] === null) return undefined;
  const { rows } = await query({ text: `SELECT name FROM ${TABLE}` });
  const present = new Set(rows.map(({ name }) => name));
  return migrations.filter((migration) => !present.has(nameOf(migration))).map(({ id }) => id);
}
