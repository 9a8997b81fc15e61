/** Table of issued certificates: bodies and signatures as they were made, never changed. */
import { tenantTable, type Migration } from '#ledger';

export const certificateMigrations: Migration[] = [
  {
    id: '0091-requests-certificates',
    sql: [
      tenantTable(
        'certificate',
        'id uuid NOT NULL, request uuid NOT NULL, body text NOT NULL, signature text NOT NULL, issued_at timestamptz NOT NULL, PRIMARY KEY (tenant, id)',
        'SELECT, INSERT',
      ),
      'CREATE INDEX certificate_request ON certificate (tenant, request);',
    ].join('\n'),
  },
];
