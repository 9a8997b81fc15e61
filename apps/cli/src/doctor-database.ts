/** What the doctor asks the databases: role, schema, clock, stuck jobs, projections that lag. */
import type { Clock, TenantId } from '#kernel';
import type { Database } from '#ledger';
import { pendingMigrations, unsafeRole, type Config } from '#platform';
import { unbackedSince } from '../../server/src/key-gauges.js';
import { schemas } from '../../server/src/schemas.js';
import { stateFindings } from './doctor-state.js';
import { bad, good, warning, type Finding } from './finding.js';

const MOST_SKEW_MS = 5_000;
/** A busy log is read in gulps. */
const PASSING_LAG_S = 10;
const MOST_LAG_S = 60;
const OLDEST_BACKUP_H = 48;
const EXPIRY_DAYS = 30;

export async function databaseFindings(
  database: Database,
  keystore: Database,
  config: Config,
  clock: Clock,
): Promise<Finding[]> {
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
  const tenants = rows.map(({ id }) => id);
  const states = await stateFindings(config, database, tenants);
  if (tenants.length === 0)
    return [...findings, ...states, warning('no tenant yet', 'lethe bootstrap --name <controller>')];
  const stopped = states.some(({ state }) => state === 'bad');
  return [
    ...findings,
    good(`${tenants.length} tenants`),
    ...states,
    await stuck(database, tenants),
    // Whoever is stopped lags on purpose.
    ...(stopped ? [] : [await lag(database, tenants, clock)]),
    ...(await backups(database, keystore, clock)),
    await expiry(database, tenants, clock),
  ];
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
    : bad(`${dead} jobs gave up`, 'docs/operations.md says under “jobs give up” who acts on which.');
}

interface Behind {
  name: string;
  events: number;
  since: Date;
}

/** By age and not by number: a thousand events are a second of an import, and one event can be stuck for a week. */
async function lag(database: Database, tenants: TenantId[], clock: Clock): Promise<Finding> {
  const behind = (
    await Promise.all(
      tenants.map(async (tenant) => {
        const text = `SELECT c.name, h.size - c.position AS events, e.recorded_at AS since FROM log_head h
          JOIN cursor c USING (tenant) JOIN event e ON e.tenant = c.tenant AND e.position = c.position WHERE h.tenant = $1`;
        return (await database.fetch<Behind>(tenant, { text, values: [tenant] })).rows;
      }),
    )
  ).flat();
  const ageOf = ({ since }: Behind): number => (clock.now().getTime() - since.getTime()) / 1000;
  const worst = behind.sort((a, b) => ageOf(b) - ageOf(a))[0];
  if (!worst || ageOf(worst) < PASSING_LAG_S) return good('projections have read everything, or are about to');
  const what = `${worst.name} is ${worst.events} events behind, the oldest ${Math.round(ageOf(worst))} s old`;
  const todo = 'Is a process with the role worker running? Its log names the event it stopped at.';
  return ageOf(worst) < MOST_LAG_S ? warning(what, todo) : bad(what, todo);
}

/** Without its backup, a broken key store erases everybody; without the ledger's, it forgets what was promised. */
async function backups(database: Database, keystore: Database, clock: Clock): Promise<Finding[]> {
  const { rows } = await database.global<{ name: string; set_at: Date }>({
    text: `SELECT name, set_at FROM installation_mark WHERE name IN ('backup-ledger', 'backup-keys')`,
  });
  const hoursSince = (at: Date): number => (clock.now().getTime() - at.getTime()) / 3_600_000;
  const todo = 'lethe backup <folder> --keys <another place>, every night.';
  if (rows.length < 2) return [warning('ledger and key store were not both backed up yet', todo)];
  const oldest = Math.max(...rows.map(({ set_at: at }) => hoursSince(at)));
  const what = `the older of the backups of ledger and key store is ${Math.round(oldest)} hours old`;
  const findings = [oldest <= OLDEST_BACKUP_H ? good(what) : bad(what, todo)];
  const unbacked = await unbackedSince(database, { database: keystore });
  if (!unbacked) return findings;
  const epoch = `the key epoch that began ${Math.round(hoursSince(unbacked))} hours ago is in no backup of the key store`;
  const now = 'lethe backup <folder> --only keys --keys <another place>, now: those before it open nothing soon.';
  return [...findings, bad(epoch, now)];
}

/** A key that ends takes its holder along: when it is an admin's last one, nobody can make another. */
async function expiry(database: Database, tenants: TenantId[], clock: Clock): Promise<Finding> {
  const now = clock.now();
  const ends = await Promise.all(
    tenants.map(async (tenant) => {
      const text = `SELECT expires_at AS ends FROM credential
        WHERE tenant = $1 AND revoked_at IS NULL AND expires_at > $2 AND expires_at < $3`;
      const values = [tenant, now, new Date(now.getTime() + EXPIRY_DAYS * 86_400_000)];
      return (await database.fetch<{ ends: Date }>(tenant, { text, values })).rows.map(({ ends }) => ends.getTime());
    }),
  );
  const all = ends.flat();
  if (all.length === 0) return good(`no API key ends within ${EXPIRY_DAYS} days`);
  const first = new Date(Math.min(...all)).toISOString().slice(0, 10);
  const todo = 'Issue others in time (POST /v1/admin/api-keys): after the last one of an admin nobody can.';
  return warning(`${all.length} API keys end within ${EXPIRY_DAYS} days, the first on ${first}`, todo);
}
