/** Prepares an embedded or fresh server: roles and databases, so that the application owns nothing. */
import { createHmac } from 'node:crypto';
import { Client } from 'pg';

/** Connection strings of one database: as its owner for migrations, as the application for everything else. */
export interface Provisioned {
  ownerUrl: string;
  appUrl: string;
}

const OWNER = 'lethe_owner';
const LOGIN = 'lethe_service';

/**
 * Creates the owner role, the application's login (member of `lethe_app`; no superuser, no BYPASSRLS) and the databases.
 * Idempotent, also beside itself: passwords derive from the superuser's, so a second start agrees with a running one.
 *
 * @param superuserUrl a superuser of the server
 * @returns connection strings by database name
 */
export async function provision<Name extends string>(
  superuserUrl: string,
  databases: readonly Name[],
): Promise<Record<Name, Provisioned>> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    const secret = new URL(superuserUrl).password;
    const derive = (role: string): string => createHmac('sha256', secret).update(role).digest('hex');
    const passwords = { [OWNER]: derive(OWNER), [LOGIN]: derive(LOGIN) };
    await ensureRole(client, 'lethe_app', 'NOLOGIN');
    await ensureRole(client, OWNER, `LOGIN CREATEROLE PASSWORD '${passwords[OWNER]}'`);
    await ensureRole(client, LOGIN, `LOGIN PASSWORD '${passwords[LOGIN]}' IN ROLE lethe_app`);
    const urls = {} as Record<Name, Provisioned>;
    for (const name of databases) {
      await ensureDatabase(client, name);
      urls[name] = {
        ownerUrl: urlOf(superuserUrl, name, OWNER, passwords[OWNER]!),
        appUrl: urlOf(superuserUrl, name, LOGIN, passwords[LOGIN]!),
      };
    }
    return urls;
  } finally {
    await client.end();
  }
}

/** Another process may prepare the same server at the same moment; PostgreSQL then refuses one of the two. */
const raced = new Set(['23505', '42710', '42P04', 'XX000']);

async function ensureRole(client: Client, role: string, options: string, attempt = 0): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  const statement = rowCount
    ? `ALTER ROLE ${role} ${options.replace(/ IN ROLE .*/, '')}`
    : `CREATE ROLE ${role} NOSUPERUSER NOBYPASSRLS ${options}`;
  try {
    await client.query(statement);
  } catch (error) {
    if (attempt === 10 || !raced.has((error as { code?: string }).code ?? '')) throw error;
    await new Promise((resolve) => setTimeout(resolve, 20 * (attempt + 1)));
    await ensureRole(client, role, options, attempt + 1);
  }
}

async function ensureDatabase(client: Client, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (rowCount) return;
  await client.query(`CREATE DATABASE "${name}" OWNER ${OWNER}`);
  await client.query(`REVOKE CONNECT ON DATABASE "${name}" FROM PUBLIC`);
  await client.query(`GRANT CONNECT ON DATABASE "${name}" TO ${OWNER}, lethe_app`);
}

function urlOf(base: string, database: string, user: string, password: string): string {
  const url = new URL(base);
  url.pathname = `/${database}`;
  url.username = user;
  url.password = password;
  return url.toString();
}

/**
 * Why this connection, to the ledger or to the key store, must not serve: the role owns the tables, is superuser or
 * bypasses row-level security.
 * Undefined when it is safe.
 */
export async function unsafeRole(
  query: (text: string) => Promise<{ rows: Record<string, unknown>[] }>,
): Promise<string | undefined> {
  const { rows } = await query(`
    SELECT r.rolsuper, r.rolbypassrls,
           EXISTS (SELECT FROM pg_class c WHERE c.relname IN ('event', 'subject_key') AND pg_has_role(r.rolname, c.relowner, 'USAGE')) AS owner
    FROM pg_roles r WHERE r.rolname = current_user`);
  const role = rows[0];
  if (role?.['rolsuper']) return 'the application role is a superuser';
  if (role?.['rolbypassrls']) return 'the application role bypasses row-level security';
  return role?.['owner'] ? 'the application role owns the tables' : undefined;
}
