/** Tables of the access log: the search's is written in the flush, the list of sources is a projection. */
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
  {
    // What a list of sources says, counted as entries come; `numbers`: how many sequence numbers are in the runs.
    id: '0051-access-sources',
    sql: [
      tenantTable(
        'access_source',
        'source text NOT NULL, entries bigint NOT NULL, last_at timestamptz NOT NULL, numbers bigint NOT NULL, PRIMARY KEY (tenant, source)',
      ),
      tenantTable(
        'access_run',
        'source text NOT NULL, first bigint NOT NULL, last bigint NOT NULL, PRIMARY KEY (tenant, source, first)',
      ),
    ].join('\n'),
  },
];
