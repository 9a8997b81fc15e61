/** Tables of the key store: a database of its own with short-lived backups, so that shredding reaches the backups too. */
import { tenantTable, type Migration } from '#ledger';

/** Migrations of the key store's database; never of the ledger's. */
export const keystoreMigrations: Migration[] = [
  {
    id: '0045-keystore',
    sql: [
      // A shredded row stays as a mark without key: a late writer must not begin a new key for an erased person.
      tenantTable(
        'subject_key',
        `subject uuid NOT NULL, class text NOT NULL, epoch text, wrapped bytea, created_at timestamptz NOT NULL, shredded_at timestamptz,
         PRIMARY KEY (tenant, subject, class), CHECK ((wrapped IS NULL) = (shredded_at IS NOT NULL))`,
      ),
      'CREATE INDEX subject_key_epoch ON subject_key (tenant, epoch) WHERE wrapped IS NOT NULL;',
      // Not tenant-scoped: epochs belong to the installation. Tenant ids only, no personal data.
      `CREATE TABLE key_epoch (epoch text PRIMARY KEY, created_at timestamptz NOT NULL, retired_at timestamptz, destroyed_at timestamptz);
       CREATE TABLE key_epoch_tenant (epoch text NOT NULL, tenant uuid NOT NULL, PRIMARY KEY (epoch, tenant));
       CREATE TABLE key_ring (one boolean PRIMARY KEY DEFAULT true CHECK (one), ring_id text NOT NULL);
       GRANT SELECT, INSERT, UPDATE ON key_epoch TO lethe_app;
       GRANT SELECT, INSERT, DELETE ON key_epoch_tenant TO lethe_app;
       GRANT SELECT, INSERT ON key_ring TO lethe_app;`,
      // No subject, request or position: a keyed hash of an erased person must lead nowhere (C-413/23 P).
      tenantTable(
        'suppression',
        `mac bytea NOT NULL, key_id text NOT NULL, normaliser int NOT NULL, scope_kind text NOT NULL, scope text NOT NULL,
         before timestamptz NOT NULL, expires_at timestamptz NOT NULL, created_on date NOT NULL,
         PRIMARY KEY (tenant, mac, scope_kind, scope)`,
      ),
    ].join('\n'),
  },
  {
    id: '0046-keystore-replicas',
    // Not tenant-scoped: a replica serves all tenants. Ids only, and a notice is gone after minutes.
    sql: `CREATE TABLE key_board (one boolean PRIMARY KEY DEFAULT true CHECK (one), seq bigint NOT NULL);
          INSERT INTO key_board (seq) VALUES (0);
          CREATE TABLE key_notice (seq bigint PRIMARY KEY, tenant uuid NOT NULL, subject uuid NOT NULL, classes text[] NOT NULL, written_at timestamptz NOT NULL);
          CREATE TABLE key_replica (id uuid PRIMARY KEY, seen_seq bigint NOT NULL, seen_at timestamptz NOT NULL);
          GRANT SELECT, UPDATE ON key_board TO lethe_app;
          GRANT SELECT, INSERT, DELETE ON key_notice TO lethe_app;
          GRANT SELECT, INSERT, UPDATE, DELETE ON key_replica TO lethe_app;`,
  },
  {
    id: '0047-keystore-seals',
    // A row without a seal is from before this migration: an operator accepts it (lethe verify-store). `key_id` names an epoch's key file.
    sql: [
      'ALTER TABLE suppression ADD COLUMN row_mac bytea;',
      tenantTable(
        'suppression_seal',
        'rows bigint NOT NULL, sum bytea NOT NULL, mac bytea NOT NULL, PRIMARY KEY (tenant)',
      ),
      'ALTER TABLE key_epoch ADD COLUMN key_id text;',
    ].join('\n'),
  },
];
