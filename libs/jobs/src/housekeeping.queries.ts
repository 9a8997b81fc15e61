/** Statements of the housekeeping's lease rows. They belong to the installation: no tenant, no personal data. */
import type { Database } from '#ledger';

/** What is known of a chore. `ranAt`: begin of the last run that came to its end. */
export interface ChoreState {
  name: string;
  ranAt: Date | null;
  failures: number;
  lastError: string | null;
}

export interface ChoreClaim {
  name: string;
  now: Date;
  intervalMs: number;
  holder: string;
  leaseMs: number;
}

/** How long after a failure the next attempt is made, at most. */
const RETRY_MS = 60_000;

/**
 * Takes the lease when the chore is due and nobody holds it; the fence, else undefined. Due is counted both ways, so that
 * a clock that jumped ahead and came back stops nothing. Leases are kept in the database's time, like those of jobs.
 */
export async function claimChore(database: Database, claim: ChoreClaim): Promise<number | undefined> {
  const { name, now, intervalMs, holder, leaseMs } = claim;
  await database.global({
    name: 'chore-row',
    text: 'INSERT INTO housekeeping (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM housekeeping WHERE name = $1) ON CONFLICT DO NOTHING',
    values: [name],
  });
  const { rows } = await database.global<{ fence: number }>({
    name: 'chore-claim',
    text: `UPDATE housekeeping SET holder = $2, fence = fence + 1, lease_until = clock_timestamp() + $3::int * interval '1 millisecond'
           WHERE name = $1 AND (lease_until IS NULL OR lease_until < clock_timestamp())
             AND (ran_at IS NULL OR abs(extract(epoch FROM $4::timestamptz - ran_at)) * 1000 >= $5::bigint)
             AND (failed_at IS NULL OR abs(extract(epoch FROM $4::timestamptz - failed_at)) * 1000 >= $6::bigint)
           RETURNING fence`,
    values: [name, holder, leaseMs, now, intervalMs, Math.min(RETRY_MS, intervalMs)],
  });
  return rows[0]?.fence;
}

export async function renewChore(database: Database, name: string, fence: number, leaseMs: number): Promise<void> {
  await database.global({
    name: 'chore-renew',
    text: `UPDATE housekeeping SET lease_until = clock_timestamp() + $3::int * interval '1 millisecond' WHERE name = $1 AND fence = $2`,
    values: [name, fence, leaseMs],
  });
}

/** False when the lease was lost to another replica: its run counts. */
export async function finishChore(database: Database, name: string, fence: number, ranAt: Date): Promise<boolean> {
  const { rowCount } = await database.global({
    name: 'chore-finish',
    text: `UPDATE housekeeping SET ran_at = $3, lease_until = NULL, failed_at = NULL, failures = 0, last_error = NULL
           WHERE name = $1 AND fence = $2`,
    values: [name, fence, ranAt],
  });
  return rowCount === 1;
}

export async function failChore(
  database: Database,
  name: string,
  fence: number,
  cause: string,
  failedAt: Date,
): Promise<void> {
  await database.global({
    name: 'chore-fail',
    text: `UPDATE housekeeping SET lease_until = NULL, failed_at = $4, failures = failures + 1, last_error = $3
           WHERE name = $1 AND fence = $2`,
    values: [name, fence, cause, failedAt],
  });
}

export async function readChores(database: Database): Promise<ChoreState[]> {
  const { rows } = await database.global<{
    name: string;
    ran_at: Date | null;
    failures: number;
    last_error: string | null;
  }>({ name: 'chores', text: 'SELECT name, ran_at, failures, last_error FROM housekeeping ORDER BY name' });
  return rows.map((row) => ({
    name: row.name,
    ranAt: row.ran_at,
    failures: row.failures,
    lastError: row.last_error,
  }));
}
