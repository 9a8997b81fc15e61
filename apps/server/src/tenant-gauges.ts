/** What waits in the tenants' tables, as gauges: late requests, dead jobs, projections behind, events that no checkpoint covers. */
import type { TenantId } from '#kernel';
import type { Database } from '#ledger';
import { TenantReadings, type PlatformParts } from '#platform';

interface Standing {
  overdue: number;
  incomplete: number;
  dead: number;
  undeleted: number;
  quarantined: number;
  unsignedSince: Date | null;
  cursors: { name: string; behind: number; since: Date | null }[];
}

/** Sums and worst cases over all tenants; never one tenant's own, whose name would be a label. */
interface Standings {
  overdue: number;
  incomplete: number;
  dead: number;
  undeleted: number;
  quarantined: number;
  unsignedSeconds: number;
  lag: Map<string, { events: number; seconds: number }>;
}

/** Registers the gauges; `tenants` names all of them. */
export function registerTenantGauges(
  { metrics, database, clock, subscriptions }: Pick<PlatformParts, 'metrics' | 'database' | 'clock' | 'subscriptions'>,
  tenants: () => Promise<TenantId[]>,
): void {
  const all = new TenantReadings(tenants, (tenant) => standingOf(database, tenant, clock.now()));
  const read = async (): Promise<Standings> => sumOf(await all.all(), clock.now());
  const gauge = (name: string, help: string, value: (standings: Standings) => number): void => {
    metrics.gauge(name, help, [], async (set) => set(value(await read())));
  };
  gauge('lethe_requests_overdue', 'Open requests whose legal deadline has passed', ({ overdue }) => overdue);
  gauge('lethe_requests_incomplete', 'Requests that ended, or wait, without all outcomes', (of) => of.incomplete);
  gauge('lethe_jobs_dead', 'Jobs nobody tries any more: they wait for a human', ({ dead }) => dead);
  gauge(
    'lethe_packages_undeleted',
    'Packages that expired in the last 30 days and could not be deleted yet',
    ({ undeleted }) => undeleted,
  );
  gauge(
    'lethe_plugins_quarantined',
    'Plugin versions that broke too often and are not started',
    (of) => of.quarantined,
  );
  gauge(
    'lethe_checkpoint_age_seconds',
    'Age of the oldest event that no published checkpoint covers; 0 when all are',
    ({ unsignedSeconds }) => unsignedSeconds,
  );
  metrics.gauge(
    'lethe_backup_age_seconds',
    'Age of the last backup, by part: ledger, keys, kept; absent when there was none',
    ['part'],
    async (set) => {
      const text = `SELECT name, set_at FROM installation_mark WHERE name LIKE 'backup-%'`;
      const { rows } = await database.global<{ name: string; set_at: Date }>({ text });
      for (const { name, set_at: at } of rows) set(age(at, clock.now()), { part: name.slice('backup-'.length) });
    },
  );
  const perName = (name: string, help: string, key: 'events' | 'seconds'): void => {
    metrics.gauge(name, help, ['subscription'], async (set) => {
      // A cursor that nobody moves any more is not behind: its archive was switched off, or its projection renamed.
      for (const [subscription, lag] of (await read()).lag)
        if (subscriptions.has(subscription)) set(lag[key], { subscription });
    });
  };
  perName('lethe_projection_lag_events', 'Events a subscription has still to read, of the tenant worst off', 'events');
  perName('lethe_projection_lag_seconds', 'Age of the oldest event a subscription has still to read', 'seconds');
}

function sumOf(all: readonly Standing[], now: Date): Standings {
  const sum: Standings = {
    overdue: 0,
    incomplete: 0,
    dead: 0,
    undeleted: 0,
    quarantined: 0,
    unsignedSeconds: 0,
    lag: new Map(),
  };
  for (const standing of all) add(sum, standing, now);
  return sum;
}

/** One round trip a tenant, each part by an index that is as long as the backlog. */
async function standingOf(database: Database, tenant: TenantId, now: Date): Promise<Standing> {
  const { rows } = await database.fetch<Standing>(tenant, {
    name: 'tenant-standing',
    text: `SELECT
      (SELECT count(*) FROM request_summary r WHERE r.tenant = $1 AND r.status <> 'closed' AND r.due_on < $2::date) AS overdue,
      (SELECT count(*) FROM request_summary r WHERE r.tenant = $1 AND r.status = 'incomplete') AS incomplete,
      (SELECT count(*) FROM job j WHERE j.tenant = $1 AND j.state = 'dead') AS dead,
      (SELECT count(*) FROM job j WHERE j.tenant = $1 AND j.state IN ('ready', 'running') AND j.queue = 'package-expiry'
        AND (j.payload::json->>'expiresAt')::timestamptz BETWEEN $3::timestamptz - interval '30 days' AND $3::timestamptz) AS undeleted,
      (SELECT count(*) FROM plugin_quarantine q WHERE q.tenant = $1) AS quarantined,
      (SELECT e.recorded_at FROM event e WHERE e.tenant = $1 AND e.position =
        (SELECT coalesce(max(c.size), 0) FROM checkpoint c WHERE c.tenant = $1)) AS "unsignedSince",
      (SELECT coalesce(json_agg(json_build_object('name', c.name, 'behind', h.size - c.position, 'since',
        (SELECT e.recorded_at FROM event e WHERE e.tenant = $1 AND e.position = c.position))), '[]')
       FROM cursor c, log_head h WHERE c.tenant = $1 AND h.tenant = $1) AS cursors`,
    values: [tenant, now.toISOString().slice(0, 10), now],
  });
  return rows[0]!;
}

function add(sum: Standings, standing: Standing, now: Date): void {
  sum.overdue += standing.overdue;
  sum.incomplete += standing.incomplete;
  sum.dead += standing.dead;
  sum.undeleted += standing.undeleted;
  sum.quarantined += standing.quarantined;
  sum.unsignedSeconds = Math.max(sum.unsignedSeconds, age(standing.unsignedSince, now));
  for (const { name, behind, since } of standing.cursors) {
    const worst = sum.lag.get(name) ?? { events: 0, seconds: 0 };
    worst.events = Math.max(worst.events, behind);
    worst.seconds = Math.max(worst.seconds, age(since, now));
    sum.lag.set(name, worst);
  }
}

function age(since: Date | string | null, now: Date): number {
  return since === null ? 0 : Math.max(0, (now.getTime() - new Date(since).getTime()) / 1000);
}
