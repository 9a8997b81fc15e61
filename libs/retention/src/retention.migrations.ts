/** Tables of retention: policies, holds, and the records of approved runs until they are done. */
import { tenantTable, type Migration } from '#ledger';

export const retentionMigrations: Migration[] = [
  {
    id: '0070-retention',
    sql: [
      tenantTable(
        'retention_policy',
        `id text NOT NULL, connection text NOT NULL, dataset text NOT NULL, definition jsonb NOT NULL, version int NOT NULL,
         PRIMARY KEY (tenant, id)`,
      ),
      `CREATE INDEX retention_policy_dataset ON retention_policy (tenant, connection, dataset);`,
      tenantTable(
        'retention_hold',
        `id uuid NOT NULL, ground text NOT NULL, subject uuid, connection text, dataset text, words text NOT NULL,
         review_on date NOT NULL, placed_at timestamptz NOT NULL, released_at timestamptz, PRIMARY KEY (tenant, id)`,
        'SELECT, INSERT, UPDATE',
      ),
      `CREATE INDEX retention_hold_open ON retention_hold (tenant, id) WHERE released_at IS NULL;`,
      // References to records are personal data: sealed, and gone when the run ends.
      tenantTable(
        'retention_batch',
        `run uuid NOT NULL, item int NOT NULL, batch int NOT NULL, refs text NOT NULL, created_at timestamptz NOT NULL,
         PRIMARY KEY (tenant, run, item, batch)`,
      ),
    ].join('\n'),
  },
  {
    id: '0071-retention-kept-people',
    sql: tenantTable(
      'retention_kept_person',
      'id uuid NOT NULL, subject uuid NOT NULL, why text NOT NULL, now boolean NOT NULL, PRIMARY KEY (tenant, id)',
    ),
  },
];
