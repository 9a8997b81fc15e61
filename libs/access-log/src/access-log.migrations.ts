/** Table of the access search, written in the flush. */
import { tenantTable, type Migration } from '#ledger';

export const accessLogMigrations: Migration[] = [
  {
    id: '0050-access-log',
    sql: [
      tenantTable(
        'access_entry',
        `position bigint NOT NULL, subject uuid NOT NULL, source text NOT NULL, entry_id text NOT NULL, sequence bigint,
         actor_mac bytea NOT NULL, action text NOT NULL, purpose text NOT NULL, at timestamptz NOT NULL, recorded_at timestamptz NOT NULL,
         verdict text NOT NULL, PRIMARY KEY (tenant, position, subject)`,
        'SELECT, INSERT, DELETE',
      ),
      `CREATE UNIQUE INDEX access_entry_source ON access_entry (tenant, source, entry_id, subject);
       CREATE INDEX access_entry_subject ON access_entry (tenant, subject, position);
       CREATE INDEX access_entry_at ON access_entry (tenant, at);`,
    ].join('\n'),
  },
];
