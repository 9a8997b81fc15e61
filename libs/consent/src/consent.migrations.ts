/** Tables of consent. `consent_record` is written in the flush: a check after an acknowledged decision always sees it. */
import type { SubjectId } from '#kernel';
import { tenantTable, type InlineRow, type InlineTable, type Migration } from '#ledger';
import { matchesColumn, stillMeant } from '#subjects';
import type { ConsentRecorded } from './consent.js';

export const consentMigrations: Migration[] = [
  {
    id: '0060-consent',
    sql: [
      tenantTable(
        'purpose',
        'id text NOT NULL, definition jsonb NOT NULL, version int NOT NULL, PRIMARY KEY (tenant, id)',
      ),
      tenantTable(
        'notice',
        `id text NOT NULL, version text NOT NULL, language text NOT NULL, text text NOT NULL, purposes text[] NOT NULL, hash text NOT NULL,
         published_at timestamptz NOT NULL, PRIMARY KEY (tenant, id, version)`,
        'SELECT, INSERT',
      ),
      tenantTable(
        'consent_record',
        `subject uuid NOT NULL, position bigint NOT NULL, id uuid NOT NULL, purpose text NOT NULL, decision text NOT NULL, channel text,
         collected_at timestamptz NOT NULL, recorded_at timestamptz NOT NULL, imported boolean NOT NULL, expires_at timestamptz,
         notice_id text NOT NULL, notice_version text NOT NULL, PRIMARY KEY (tenant, subject, position)`,
        'SELECT, INSERT, DELETE',
      ),
      'CREATE UNIQUE INDEX consent_record_id ON consent_record (tenant, id);',
    ].join('\n'),
  },
  {
    id: '0061-consent-expiry',
    sql: [
      // The last expiry that was looked at.
      tenantTable(
        'consent_expiry_mark',
        'at timestamptz NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant)',
        'SELECT, INSERT, UPDATE',
      ),
      'CREATE INDEX consent_record_expiry ON consent_record (tenant, expires_at, id) WHERE expires_at IS NOT NULL;',
    ].join('\n'),
  },
  {
    id: '0062-consent-expired-before',
    sql: [
      // The last consent looked at of those that had run out when they were imported: the mark above is past them.
      'ALTER TABLE consent_expiry_mark ADD COLUMN imported bigint NOT NULL DEFAULT -1;',
      `CREATE INDEX consent_record_expired_before ON consent_record (tenant, position) WHERE expires_at - recorded_at < interval '1 minute';`,
    ].join('\n'),
  },
];

const columns =
  'position, id, purpose, decision, channel, collected_at, recorded_at, imported, expires_at, notice_id, notice_version';
/** A decision of somebody who is no longer meant has no subject and is refused. */
const insert = `INSERT INTO consent_record (tenant, subject, ${columns})
         SELECT $1, ${stillMeant}, ${columns}
         FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::boolean[], $12::timestamptz[], $13::text[], $14::text[])
           AS n(subject, matches, ${columns})`;

/** Inline read model of the check (design section 3: `consent_state`). */
const consentRecordTable: InlineTable = {
  name: 'consent-record',
  columns: 13,
  text: insert,
  redo: insert.replace(stillMeant, 'n.subject'),
};

/**
 * The row of a decision; `offset` is its place among the events of the append, `matches` whom the person's identifiers led
 * to: none for somebody who was not found by any.
 */
export function consentRecordRow(one: ConsentRecorded, offset: number, matches: readonly SubjectId[] = []): InlineRow {
  return {
    into: consentRecordTable,
    row: (at) => [
      one.subject,
      matchesColumn(matches),
      at.firstPosition + offset,
      one.id,
      one.purpose,
      one.decision,
      one.channel,
      one.collectedAt,
      at.recordedAt,
      one.imported,
      one.expiresAt,
      one.notice.id,
      one.notice.version,
    ],
  };
}
