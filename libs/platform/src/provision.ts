/** Prepares a server: roles and databases, so that the application owns nothing. */
import { createHmac, randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** Connection strings of one database: as its owner for migrations, as the application for everything else. */
export interface Provisioned {
  ownerUrl: string;
  appUrl: string;
}

const OWNER = 'lethe_owner';
const LOGIN = 'lethe_service';

/**
 * On a server of our own: creates the owner role, the application's login (member of `lethe_app`; no superuser, no
 * BYPASSRLS) and the databases. Idempotent, also beside itself: passwords derive from the superuser's, which the server's
 * launcher drew, so a second start agrees with a running one.
 *
 * @param superuserUrl a superuser of the server. Errors: one without a password, from which nothing secret follows.
 * @returns connection strings by database name
 */
export function provision<Name extends string>(
  superuserUrl: string,
  databases: readonly Name[],
): Promise<Record<Name, Provisioned>> {
  const secret = new URL(superuserUrl).password;
  if (secret === '') return Promise.reject(new Error('the superuser of a server of our own has no password'));
  return asSuperuser(superuserUrl, (client) => make(client, superuserUrl, databases, secret));
}

/**
 * The same once, on a server of somebody else's, with passwords that follow from nothing: whoever holds one must not be
 * able to guess another. Errors: a sentence naming the roles and databases that are there; they stay as they are.
 */
export function provisionOnce<Name extends string>(
  superuserUrl: string,
  databases: readonly Name[],
): Promise<Record<Name, Provisioned>> {
  return asSuperuser(superuserUrl, async (client) => {
    await takeCreateRole(client);
    const { rows } = await client.query<{ name: string }>(
      `SELECT rolname AS name, 1 AS rank FROM pg_roles WHERE rolname = ANY($1)
       UNION ALL SELECT datname, 2 FROM pg_database WHERE datname = ANY($2) ORDER BY rank, name`,
      [[OWNER, LOGIN], databases],
    );
    if (rows.length > 0)
      throw new Error(
        `that server has ${rows.map(({ name }) => name).join(', ')} already, and they stay as they are: their passwords were shown when they were made. With those settings, leave --superuser-url-file away.`,
      );
    return make(client, superuserUrl, databases, randomBytes(32));
  });
}

async function asSuperuser<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function make<Name extends string>(
  client: Client,
  superuserUrl: string,
  databases: readonly Name[],
  secret: string | Buffer,
): Promise<Record<Name, Provisioned>> {
  const passwordOf = (role: string): string => createHmac('sha256', secret).update(role).digest('hex');
  await ensureRole(client, 'lethe_app', 'NOLOGIN');
  await ensureRole(client, OWNER, `LOGIN PASSWORD '${passwordOf(OWNER)}'`);
  await ensureRole(client, LOGIN, `LOGIN PASSWORD '${passwordOf(LOGIN)}' IN ROLE lethe_app`);
  await takeCreateRole(client);
  const urls = {} as Record<Name, Provisioned>;
  for (const name of databases) {
    await ensureDatabase(client, name);
    urls[name] = {
      ownerUrl: urlOf(superuserUrl, name, OWNER, passwordOf(OWNER)),
      appUrl: urlOf(superuserUrl, name, LOGIN, passwordOf(LOGIN)),
    };
  }
  return urls;
}

/** Another process may prepare the same server at the same moment; PostgreSQL then refuses one of the two. */
const raced = new Set(['23505', '42710', '42P04', 'XX000']);

/** Runs the statement while the question has an answer: what it asks for is still to be done. */
async function settle(client: Client, question: string, statement: string, attempt = 0): Promise<void> {
  if ((await client.query(question)).rowCount === 0) return;
  try {
    await client.query(statement);
  } catch (error) {
    if (attempt === 10 || !raced.has((error as { code?: string }).code ?? '')) throw error;
    await new Promise((resolve) => setTimeout(resolve, 20 * (attempt + 1)));
    await settle(client, question, statement, attempt + 1);
  }
}

/** A role that exists is never altered: a service may be connected as it. */
function ensureRole(client: Client, role: string, options: string): Promise<void> {
  const lacking = `SELECT WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}')`;
  return settle(client, lacking, `CREATE ROLE ${role} NOSUPERUSER NOBYPASSRLS ${options}`);
}

/** Up to PostgreSQL 15 this right leads to the server's own account; earlier builds gave it. */
function takeCreateRole(client: Client): Promise<void> {
  const has = `SELECT FROM pg_roles WHERE rolname = '${OWNER}' AND rolcreaterole`;
  return settle(client, has, `ALTER ROLE ${OWNER} NOCREATEROLE`);
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
