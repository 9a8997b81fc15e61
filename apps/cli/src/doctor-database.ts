/** What the doctor asks the databases: role, schema, clock, stuck jobs, projections that lag. */
import type { Clock, TenantId } from '#kernel';
import type { Database } from '#ledger';
import { pendingMigrations, unsafeRole } from '#platform';
import { schemas } from '../../server/src/schemas.js';
import { bad, good, warning, type Finding } from './finding.js';

const MOST_SKEW_MS = 5_000;
const MOST_LAG = 1_000;

export async function databaseFindings(database: Database, keystore: Database, clock: Clock): Promise<Finding[]> {
  const findings = [
    await role(database, 'ledger'),
    await role(keystore, 'key store'),
    await skew(database, clock),
    await schema(database, 'ledger', schemas.ledger),
    await schema(keystore, 'key store', schemas.keystore),
  ];
  // Without tables there is nothing more to ask.
  if (findings.some(({ state }) => state === 'bad')) return findings;
  const { rows } = await database.global<{ id: TenantId }>({ text: 'SELECT id FROM tenant ORDER BY id' });
  if (rows.length === 0) return [...findings, warning('no tenant yet', 'lethe bootstrap --name <controller>')];
  const tenants = rows.map(({ id }) => id);
  return [...findings, good(`${tenants.length} tenants`), await stuck(database, tenants), await lag(database, tenants)];
}

async function role(database: Database, what: string): Promise<Finding> {
  const unsafe = await unsafeRole((text) => database.global({ text }));
  return unsafe
    ? bad(`${what}: ${unsafe}`, 'Connect as a role that owns nothing; lethe bootstrap creates one.')
    : good(`${what} answers, and its role is behind the wall`);
}

async function skew(database: Database, clock: Clock): Promise<Finding> {
  const before = clock.now().getTime();
  const { rows } = await database.global<{ now: Date }>({ text: 'SELECT clock_timestamp() AS now' });
  const middle = (before + clock.now().getTime()) / 2;
  const apart = Math.abs((rows[0]?.now.getTime() ?? 0) - middle);
  const what = `clocks of service and database are ${Math.round(apart)} ms apart`;
  return apart <= MOST_SKEW_MS
    ? good(what)
    : bad(what, 'Let both follow the same time server: deadlines and leases depend on it.');
}

async function schema(database: Database, what: string, wanted: typeof schemas.ledger): Promise<Finding> {
  const pending = await pendingMigrations((statement) => database.global(statement), wanted);
  if (pending === undefined) return bad(`${what}: has no tables`, 'lethe migrate');
  return pending.length === 0
    ? good(`${what}: schema is current`)
    : bad(`${what}: ${pending.length} migrations are missing (${pending.join(', ')})`, 'lethe migrate');
}

async function stuck(database: Database, tenants: TenantId[]): Promise<Finding> {
  const counts = await Promise.all(
    tenants.map(async (tenant) => {
      const text = `SELECT count(*)::int AS n FROM job WHERE tenant = $1 AND state = 'dead'`;
      return (await database.fetch<{ n: number }>(tenant, { text, values: [tenant] })).rows[0]?.n ?? 0;
    }),
  );
  const dead = counts.reduce((sum, n) => sum + n, 0);
  return dead === 0
    ? good('no job waits for a human')
    : bad(
        `${dead} jobs gave up`,
        'An officer retries them, turns them into manual tasks or accepts them with a reason.',
      );
}

async function lag(database: Database, tenants: TenantId[]): Promise<Finding> {
  const lags = await Promise.all(
    tenants.map(async (tenant) => {
      const text = `SELECT (h.size - min(c.position))::int AS behind FROM log_head h JOIN cursor c USING (tenant) WHERE h.tenant = $1 GROUP BY h.size`;
      return (await database.fetch<{ behind: number }>(tenant, { text, values: [tenant] })).rows[0]?.behind ?? 0;
    }),
  );
  const behind = Math.max(...lags);
  const what = `projections are ${behind} events behind`;
  return behind <= MOST_LAG
    ? good(what)
    : bad(what, 'Is a process with the role worker running? Its log names the event it stopped at.');
}
