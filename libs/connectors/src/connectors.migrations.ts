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
  {
    id: '0086-connectors-hot-life',
    sql: [
      'ALTER TABLE connection ADD COLUMN config_format int NOT NULL DEFAULT 1;',
      'GRANT DELETE ON plugin TO lethe_app;',
      // Every pair (plugin, configuration) that served: open work ends on its own, and a rollback goes back to one.
      tenantTable(
        'connection_version',
        `connection uuid NOT NULL, config_version int NOT NULL, plugin_id text NOT NULL, plugin_version text NOT NULL, content_hash text NOT NULL,
         config jsonb NOT NULL, config_format int NOT NULL, datasets jsonb NOT NULL, replaces int, PRIMARY KEY (tenant, connection, config_version)`,
      ),
      tenantTable(
        'plugin_failure',
        `connection uuid NOT NULL, content_hash text NOT NULL, at timestamptz NOT NULL, id uuid NOT NULL, code text NOT NULL,
         PRIMARY KEY (tenant, connection, content_hash, at, id)`,
      ),
      tenantTable(
        'plugin_quarantine',
        `connection uuid NOT NULL, content_hash text NOT NULL, plugin_id text NOT NULL, plugin_version text NOT NULL, why text NOT NULL,
         since timestamptz NOT NULL, PRIMARY KEY (tenant, connection, content_hash)`,
      ),
    ].join('\n'),
  },
];
