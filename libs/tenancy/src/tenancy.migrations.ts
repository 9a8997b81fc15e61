/** Tenants, members and credentials. `tenant` has no wall: it holds no personal data and is read before a tenant is known. */
import { tenantTable, type Migration } from '#ledger';

export const tenancyMigrations: Migration[] = [
  {
    id: '0030-tenancy',
    sql: [
      `CREATE TABLE tenant (
         id uuid PRIMARY KEY, name text NOT NULL, mode text NOT NULL CHECK (mode IN ('test', 'live')),
         territory text, time_zone text NOT NULL, log_id text NOT NULL UNIQUE, created_at timestamptz NOT NULL);
       GRANT SELECT, INSERT ON tenant TO lethe_app;`,
      tenantTable(
        'member',
        `id uuid NOT NULL, label text NOT NULL, roles text[] NOT NULL, oidc_subject text, added_at timestamptz NOT NULL, removed_at timestamptz, PRIMARY KEY (tenant, id)`,
        'SELECT, INSERT, UPDATE',
      ),
      tenantTable(
        'credential',
        `id text NOT NULL, kind text NOT NULL CHECK (kind IN ('personal', 'system')), member uuid, label text NOT NULL,
         secret_hash bytea NOT NULL, scopes text[] NOT NULL, expires_at timestamptz, last_used_at timestamptz,
         created_at timestamptz NOT NULL, revoked_at timestamptz, PRIMARY KEY (tenant, id)`,
        'SELECT, INSERT, UPDATE',
      ),
      tenantTable('setting', 'name text NOT NULL, value jsonb NOT NULL, PRIMARY KEY (tenant, name)'),
    ].join('\n'),
  },
  {
    id: '0031-one-member-a-human',
    sql: 'CREATE UNIQUE INDEX member_oidc_subject ON member (tenant, oidc_subject) WHERE removed_at IS NULL;',
  },
  {
    // Who made a member or a token, and who vouched for it. What there was before is trusted as it was.
    id: '0032-vouched-humans',
    sql: [
      // A passing default fills the rows there are: behind a forced wall not even the owner's UPDATE would see them.
      `ALTER TABLE member ADD COLUMN added_by text, ADD COLUMN vouched_by text DEFAULT 'migration', ADD COLUMN vouched_at timestamptz;
       ALTER TABLE credential ADD COLUMN issued_by text, ADD COLUMN vouched_by text DEFAULT 'migration', ADD COLUMN vouched_at timestamptz;
       ALTER TABLE member ALTER COLUMN vouched_by DROP DEFAULT;
       ALTER TABLE credential ALTER COLUMN vouched_by DROP DEFAULT;`,
      tenantTable(
        'member_mark',
        'member uuid NOT NULL, mark bytea NOT NULL, email boolean NOT NULL, PRIMARY KEY (tenant, mark, member)',
        'SELECT, INSERT',
      ),
      'CREATE INDEX member_mark_member ON member_mark (tenant, member);',
    ].join('\n'),
  },
  {
    id: '0033-approval-refusals',
    sql: [
      tenantTable(
        'approval_refusal',
        `position bigint NOT NULL, at timestamptz NOT NULL, actor text NOT NULL, human text, route text NOT NULL, code text NOT NULL,
         target text NOT NULL, PRIMARY KEY (tenant, position)`,
      ),
      'CREATE INDEX approval_refusal_code ON approval_refusal (tenant, code, position);',
    ].join('\n'),
  },
];
