/** Tables of connectors: approved plugin versions and connections. Secrets stand in them sealed only. */
import { tenantTable, type Migration } from '#ledger';

export const connectorsMigrations: Migration[] = [
  {
    id: '0080-connectors',
    sql: [
      tenantTable(
        'plugin',
        `id text NOT NULL, version text NOT NULL, content_hash text NOT NULL, manifest jsonb NOT NULL, installed_at timestamptz NOT NULL,
         PRIMARY KEY (tenant, id, version, content_hash)`,
        'SELECT, INSERT',
      ),
      tenantTable(
        'connection',
        `id uuid NOT NULL, name text NOT NULL, role text NOT NULL, legal_entity text NOT NULL, country text NOT NULL,
         plugin_id text, plugin_version text, content_hash text, config jsonb, config_version int NOT NULL, secrets text,
         status text NOT NULL, datasets jsonb NOT NULL DEFAULT '[]', owner text, why text, checked_at timestamptz,
         PRIMARY KEY (tenant, id), UNIQUE (tenant, name)`,
      ),
    ].join('\n'),
  },
  {
    id: '0084-connectors-kind',
    sql: `ALTER TABLE connection ADD COLUMN kind text NOT NULL DEFAULT 'plugin';`,
  },
];
