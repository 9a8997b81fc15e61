/** Tables of propagation: what each system owes (a projection), how far it has acknowledged, endpoints and deliveries. */
import { tenantTable, type Migration } from '#ledger';

export const propagationMigrations: Migration[] = [
  {
    id: '0087-propagation',
    sql: [
      // The projection's own copy of the register, as it stood at its cursor: a rebuild asks for nothing but the ledger.
      tenantTable('propagation_system', 'id text NOT NULL, definition text NOT NULL, PRIMARY KEY (tenant, id)'),
      tenantTable(
        'propagation',
        `position bigint NOT NULL, system text NOT NULL, subject uuid NOT NULL, purpose text, type text NOT NULL, forbids boolean NOT NULL,
         recorded_at timestamptz NOT NULL, due_at timestamptz NOT NULL, state text NOT NULL, ended_at timestamptz, how text,
         late_at timestamptz, PRIMARY KEY (tenant, position, system)`,
      ),
      `CREATE INDEX propagation_waiting ON propagation (tenant, system, position) WHERE state = 'waiting';
       CREATE INDEX propagation_due ON propagation (tenant, due_at) WHERE state = 'waiting';
       CREATE INDEX propagation_late ON propagation (tenant, position, system) WHERE state = 'waiting' AND late_at IS NOT NULL;`,
      tenantTable(
        'event_acknowledgement',
        'system text NOT NULL, up_to bigint NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (tenant, system)',
        'SELECT, INSERT, UPDATE',
      ),
      // URL and secrets are sealed: a URL of a receiver often carries a token.
      tenantTable(
        'webhook_endpoint',
        `id uuid NOT NULL, types text[] NOT NULL, system text, description text NOT NULL, status text NOT NULL, disabled_because text,
         since bigint NOT NULL, sealed text NOT NULL, failures int NOT NULL DEFAULT 0, resume_at timestamptz, created_at timestamptz NOT NULL,
         PRIMARY KEY (tenant, id)`,
      ),
      // A lane is one person at one endpoint: at most one job works it, so that its deliveries leave in order.
      tenantTable(
        'webhook_lane',
        'endpoint uuid NOT NULL, lane uuid NOT NULL, job uuid, PRIMARY KEY (tenant, endpoint, lane)',
      ),
      tenantTable(
        'webhook_delivery',
        `id uuid NOT NULL, endpoint uuid NOT NULL, lane uuid NOT NULL, position bigint, type text NOT NULL, state text NOT NULL,
         attempts int NOT NULL DEFAULT 0, first_at timestamptz, next_at timestamptz, last_status int, last_code text,
         delivered_at timestamptz, created_at timestamptz NOT NULL, PRIMARY KEY (tenant, id), UNIQUE (tenant, endpoint, position)`,
      ),
      `CREATE INDEX webhook_delivery_lane ON webhook_delivery (tenant, endpoint, lane, position) WHERE state = 'pending';
       CREATE INDEX webhook_delivery_open ON webhook_delivery (tenant, created_at) WHERE state = 'pending';`,
    ].join('\n'),
  },
  {
    id: '0088-propagation-delivered-by-age',
    // Pruning every day reads what is old, not everything that was ever delivered.
    sql: `CREATE INDEX webhook_delivery_age ON webhook_delivery (tenant, delivered_at) WHERE state = 'delivered';`,
  },
  {
    id: '0089-propagation-turns',
    // Which job is sending a message of the lane just now, and until when it may be: a job that replaces it waits.
    sql: 'ALTER TABLE webhook_lane ADD COLUMN sender uuid, ADD COLUMN sending_until timestamptz;',
  },
];
