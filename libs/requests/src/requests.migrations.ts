/** Tables of this domain: the list of requests (a projection that can be rebuilt), and codes, which must not outlive their use. */
import { tenantTable, type Migration } from '#ledger';

export const requestsMigrations: Migration[] = [
  {
    id: '0090-requests',
    sql: [
      tenantTable(
        'request_summary',
        `id uuid NOT NULL, type text NOT NULL, status text NOT NULL, resolution text, subject uuid NOT NULL, verified boolean NOT NULL,
         received_at timestamptz NOT NULL, received_on date NOT NULL, due_on date NOT NULL, state text NOT NULL, PRIMARY KEY (tenant, id)`,
      ),
      `CREATE INDEX request_summary_open ON request_summary (tenant, due_on, id) WHERE status <> 'closed';
       CREATE INDEX request_summary_subject ON request_summary (tenant, subject);`,
      tenantTable(
        'request_code',
        `id uuid NOT NULL, request uuid NOT NULL, target bytea NOT NULL, hash bytea NOT NULL, tries int NOT NULL, expires_at timestamptz NOT NULL, PRIMARY KEY (tenant, id)`,
      ),
      'CREATE INDEX request_code_target ON request_code (tenant, request, target);',
    ].join('\n'),
  },
  {
    id: '0092-requests-kept-groups',
    sql: [
      tenantTable(
        'request_kept_group',
        `id uuid NOT NULL, request uuid NOT NULL, connection text NOT NULL, dataset text NOT NULL, rule text NOT NULL, until date, PRIMARY KEY (tenant, id)`,
      ),
      'CREATE INDEX request_kept_group_rule ON request_kept_group (tenant, rule);',
    ].join('\n'),
  },
];
