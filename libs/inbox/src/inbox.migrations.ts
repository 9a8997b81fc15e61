/** Tables of tasks for connected systems. Whom a task is about, and what was answered, stand in them sealed only. */
import { tenantTable, type Migration } from '#ledger';

export const inboxMigrations: Migration[] = [
  {
    id: '0085-inbox',
    sql: [
      tenantTable(
        'inbox_task',
        `id uuid NOT NULL, connection uuid NOT NULL, kind text NOT NULL CHECK (kind IN ('locate', 'read', 'apply', 'verify')),
         item_key text NOT NULL, subject uuid NOT NULL, request uuid, job uuid,
         state text NOT NULL CHECK (state IN ('open', 'claimed', 'done', 'ended')), why text,
         fence bigint NOT NULL DEFAULT 0, lease_until timestamptz, not_before timestamptz, must_finish_by timestamptz NOT NULL,
         asked text, outcomes text, handle text, parts int NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0,
         created_at timestamptz NOT NULL, finished_at timestamptz,
         PRIMARY KEY (tenant, id), UNIQUE (tenant, connection, kind, item_key)`,
      ),
      // Open tasks only: a poll costs as little after a million done ones.
      `CREATE INDEX inbox_task_open ON inbox_task (tenant, connection, created_at, id) WHERE state IN ('open', 'claimed');`,
      tenantTable(
        'inbox_part',
        `task uuid NOT NULL, part int NOT NULL, bytes int NOT NULL, sha256 text NOT NULL, content text NOT NULL,
         PRIMARY KEY (tenant, task, part)`,
      ),
    ].join('\n'),
  },
  {
    id: '0086-inbox-obey',
    sql: [
      `ALTER TABLE inbox_task DROP CONSTRAINT inbox_task_kind_check;
       ALTER TABLE inbox_task ADD CONSTRAINT inbox_task_kind_check CHECK (kind IN ('locate', 'read', 'apply', 'verify', 'obey'));`,
      // What a person decided is told in order, system by system.
      `CREATE INDEX inbox_task_obey ON inbox_task (tenant, connection, subject, id) WHERE kind = 'obey' AND state IN ('open', 'claimed');`,
      // What is to be pruned, and what a request that ended must take back.
      `CREATE INDEX inbox_task_finished ON inbox_task (tenant, finished_at) WHERE finished_at IS NOT NULL;
       CREATE INDEX inbox_task_request ON inbox_task (tenant, request) WHERE state IN ('open', 'claimed');`,
    ].join('\n'),
  },
  {
    id: '0087-inbox-turns',
    // In which order a person's decisions are told: counted as tasks come, since clocks differ and are put back. A replica of
    // the build before counts none: its tasks come after all that are known by their time, and whoever counts comes after them.
    sql: `ALTER TABLE inbox_task ADD COLUMN turn bigint NOT NULL DEFAULT 0;
       ALTER TABLE inbox_task ALTER COLUMN turn SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
       DROP INDEX inbox_task_obey;
       CREATE INDEX inbox_task_obey ON inbox_task (tenant, connection, subject, turn, id) WHERE kind = 'obey' AND state IN ('open', 'claimed');`,
  },
];
