/** Tables of this domain in the ledger's database; written in the flush, so that a new person can be looked up at once. */
import { tenantTable, type Migration } from '#ledger';

export const subjectsMigrations: Migration[] = [
  {
    id: '0040-subjects',
    sql: [
      // `person` is the smallest id among verified aliases; equal to `id` for someone without aliases.
      tenantTable(
        'subject',
        `id uuid NOT NULL, person uuid NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL, erased_at timestamptz, PRIMARY KEY (tenant, id)`,
      ),
      'CREATE INDEX subject_person ON subject (tenant, person);',
      tenantTable(
        'subject_identifier',
        `id uuid NOT NULL, subject uuid NOT NULL, type text NOT NULL, mac bytea NOT NULL, normaliser int NOT NULL, value text NOT NULL,
         strength text NOT NULL, shared boolean NOT NULL, added_at timestamptz NOT NULL, PRIMARY KEY (tenant, id)`,
      ),
      // A family's address may belong to several people, so there is no unique key on it; but two first contacts at the same
      // moment are one person: only deliberate sharing (shared = true) may repeat a value.
      `CREATE UNIQUE INDEX subject_identifier_first ON subject_identifier (tenant, mac) WHERE NOT shared;
       CREATE INDEX subject_identifier_mac ON subject_identifier (tenant, mac);
       CREATE INDEX subject_identifier_subject ON subject_identifier (tenant, subject);`,
      tenantTable(
        'subject_link',
        `id uuid NOT NULL, one uuid NOT NULL, other uuid NOT NULL, method text NOT NULL, linked_at timestamptz NOT NULL, PRIMARY KEY (tenant, id)`,
      ),
      tenantTable(
        'subject_restriction',
        `id uuid NOT NULL, subject uuid NOT NULL, ground text NOT NULL, since timestamptz NOT NULL, PRIMARY KEY (tenant, id)`,
      ),
      'CREATE INDEX subject_restriction_subject ON subject_restriction (tenant, subject);',
    ].join('\n'),
  },
  {
    id: '0041-subjects-lookup-keys',
    // A tenant without a row looks up with the first key. Until `rekeyed_at` the key before it answers as well.
    sql: [
      'ALTER TABLE subject_identifier ADD COLUMN mac_key int NOT NULL DEFAULT 1;',
      tenantTable(
        'lookup_key',
        'generation int NOT NULL CHECK (generation > 1), key_id text NOT NULL, since timestamptz NOT NULL, rekeyed_at timestamptz, PRIMARY KEY (tenant, generation)',
        'SELECT, INSERT, UPDATE',
      ),
    ].join('\n'),
  },
  {
    id: '0042-subjects-links-by-person',
    // Links are read and ended by person, in a flush that nobody else may pass.
    sql: `CREATE INDEX subject_link_one ON subject_link (tenant, one);
          CREATE INDEX subject_link_other ON subject_link (tenant, other);`,
  },
];
