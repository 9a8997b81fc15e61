/** Tables of the ledger. Positions are assigned by the application under compare-and-set, never by a sequence. */
import { tenantTable, type Migration } from './database/migration.js';

export const ledgerMigrations: Migration[] = [
  {
    id: '0010-ledger',
    sql: [
      tenantTable(
        'log_head',
        `log_id text NOT NULL, size bigint NOT NULL, frontier bytea NOT NULL, root bytea NOT NULL,
         recorded_at timestamptz NOT NULL, epoch int NOT NULL DEFAULT 1, PRIMARY KEY (tenant)`,
        'SELECT, INSERT, UPDATE',
      ),
      tenantTable(
        'event',
        `position bigint NOT NULL, stream text NOT NULL, version int NOT NULL, type text NOT NULL,
         recorded_at timestamptz NOT NULL, bytes text NOT NULL, leaf_hash bytea NOT NULL,
         PRIMARY KEY (tenant, position), UNIQUE (tenant, stream, version)`,
        'SELECT, INSERT',
      ),
      tenantTable(
        'tile',
        'level int NOT NULL, index bigint NOT NULL, hashes bytea NOT NULL, PRIMARY KEY (tenant, level, index)',
        'SELECT, INSERT, DELETE',
      ),
      tenantTable(
        'checkpoint',
        'size bigint NOT NULL, note text NOT NULL, signed_at timestamptz NOT NULL, PRIMARY KEY (tenant, size)',
        'SELECT, INSERT',
      ),
      tenantTable(
        'idempotency',
        `key bytea NOT NULL, fingerprint bytea NOT NULL, status int NOT NULL, response text NOT NULL,
         created_at timestamptz NOT NULL, PRIMARY KEY (tenant, key)`,
      ),
      tenantTable(
        'cursor',
        'name text NOT NULL, position bigint NOT NULL, updated_at timestamptz NOT NULL, PRIMARY KEY (tenant, name)',
      ),
    ].join('\n'),
  },
  {
    id: '0011-ledger-archive',
    sql: [
      // Rows written in a flush, until the archive has them; empty without an archive.
      tenantTable(
        'redo',
        'first bigint NOT NULL, last bigint NOT NULL, record text NOT NULL, PRIMARY KEY (tenant, first)',
        'SELECT, INSERT, DELETE',
      ),
      // Not tenant-scoped: what an operator did to the installation, and what must be done before it serves again.
      `CREATE TABLE installation_mark (name text PRIMARY KEY, detail text NOT NULL, set_at timestamptz NOT NULL);
       GRANT SELECT, INSERT, UPDATE, DELETE ON installation_mark TO lethe_app;`,
    ].join('\n'),
  },
  {
    id: '0012-ledger-signing-keys',
    // Keys that replaced the first one; written with the leaf that records it. Thinning old checkpoints needs DELETE.
    sql: [
      tenantTable(
        'signing_key',
        `use text NOT NULL CHECK (use IN ('log', 'certificate')), generation int NOT NULL CHECK (generation > 1), key_id text NOT NULL,
         public_key bytea NOT NULL, position bigint NOT NULL, since timestamptz NOT NULL, PRIMARY KEY (tenant, use, generation)`,
        'SELECT, INSERT',
      ),
      'GRANT DELETE ON checkpoint TO lethe_app;',
    ].join('\n'),
  },
  {
    id: '0013-ledger-answers-by-age',
    // Forgetting old answers every hour reads those that are old, not all of them.
    sql: 'CREATE INDEX idempotency_age ON idempotency (tenant, created_at);',
  },
];
