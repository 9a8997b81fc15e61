/** Tables of the jobs. They hold ids and codes only, so they are neither sealed nor shredded. */
import { tenantTable, type Migration } from '#ledger';

export const jobsMigrations: Migration[] = [
  {
    id: '0020-jobs',
    sql: [
      tenantTable(
        'job',
        `id uuid NOT NULL, queue text NOT NULL, concurrency_key text NOT NULL, payload text NOT NULL,
         state text NOT NULL CHECK (state IN ('ready', 'running', 'done', 'dead', 'manual', 'cancelled')),
         run_at timestamptz NOT NULL, attempts int NOT NULL DEFAULT 0, max_attempts int, generation int NOT NULL DEFAULT 0,
         lease_until timestamptz, fence bigint NOT NULL DEFAULT 0, last_error_code text, last_error_class text,
         dedupe_key text, created_at timestamptz NOT NULL, finished_at timestamptz,
         PRIMARY KEY (tenant, id), UNIQUE (tenant, dedupe_key)`,
      ),
      // Open jobs only: the index stays as small as the backlog, however many jobs were ever done.
      `CREATE INDEX job_open ON job (tenant, state, queue, concurrency_key, run_at, id) WHERE state IN ('ready', 'running');`,
      `CREATE INDEX job_stuck ON job (tenant, id) WHERE state IN ('dead', 'manual');`,
      tenantTable(
        'job_bucket',
        'concurrency_key text NOT NULL, tokens double precision NOT NULL, refilled_at timestamptz NOT NULL, PRIMARY KEY (tenant, concurrency_key)',
      ),
      // Without a wall on purpose: a worker finds out who is due before it may enter a tenant. A tenant id and two times.
      `CREATE TABLE job_due (tenant uuid PRIMARY KEY, next_run_at timestamptz NOT NULL, next_lease_at timestamptz) WITH (fillfactor = 50);
       GRANT SELECT, INSERT, UPDATE, DELETE ON job_due TO lethe_app;`,
    ].join('\n'),
  },
  {
    id: '0021-jobs-housekeeping',
    // Without a wall: chores belong to the installation. Names, times and codes only.
    sql: `CREATE TABLE housekeeping (
            name text PRIMARY KEY, holder uuid, fence bigint NOT NULL DEFAULT 0, lease_until timestamptz, ran_at timestamptz,
            failed_at timestamptz, failures int NOT NULL DEFAULT 0, last_error text);
          GRANT SELECT, INSERT, UPDATE ON housekeeping TO lethe_app;`,
  },
  {
    id: '0022-jobs-by-end',
    // Removing old jobs every hour reads those that are old, not every job that was ever done.
    sql: `CREATE INDEX job_finished ON job (tenant, finished_at) WHERE state IN ('done', 'cancelled');`,
  },
];
