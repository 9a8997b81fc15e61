/** Statements of the key store's own database. */
import type { SubjectId, TenantId } from '#kernel';
import type { Database, Query } from '#ledger';

/** The four classes of data key a person has; they end at different times (design section 4). */
export type KeyClass = 'identity' | 'consent' | 'access' | 'case';

/** Which key: of whom, and of which class. */
export interface KeyName {
  subject: SubjectId;
  class: KeyClass;
}

export interface KeyRow extends KeyName {
  epoch: string | null;
  wrapped: Buffer | null;
  shredded_at: Date | null;
}

export interface NewKeyRow extends KeyName {
  epoch: string;
  wrapped: Buffer;
}

export async function readKeys(database: Database, tenant: TenantId, names: readonly KeyName[]): Promise<KeyRow[]> {
  const { rows } = await database.fetch<KeyRow>(tenant, {
    name: 'subject-key-read',
    text: `SELECT k.subject, k.class, k.epoch, k.wrapped, k.shredded_at FROM unnest($2::uuid[], $3::text[]) AS n(subject, class)
           JOIN subject_key k ON k.tenant = $1 AND k.subject = n.subject AND k.class = n.class`,
    values: [tenant, names.map((name) => name.subject), names.map((name) => name.class)],
  });
  return rows;
}

/** Keys that another replica stored first are left as they are. */
export async function insertKeys(query: Query, tenant: TenantId, rows: NewKeyRow[], now: Date): Promise<void> {
  await query({
    name: 'subject-key-insert',
    text: `INSERT INTO subject_key (tenant, subject, class, epoch, wrapped, created_at)
           SELECT $1, s, c, e, w, $6 FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[]) AS n(s, c, e, w)
           ON CONFLICT DO NOTHING`,
    values: [tenant, ...columns(rows), now],
  });
}

/**
 * Holds an epoch for the rest of the transaction, so that it cannot be retired under it. False when it is retired already.
 * Without the lock a key could be wrapped under an epoch between the last look of a rotation and its destruction.
 */
export async function holdEpoch(query: Query, tenant: TenantId, epoch: string, now: Date): Promise<boolean> {
  const [, , held] = await Promise.all([
    query({
      name: 'key-epoch-note',
      text: 'INSERT INTO key_epoch (epoch, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      values: [epoch, now],
    }),
    query({
      name: 'key-epoch-tenant',
      text: 'INSERT INTO key_epoch_tenant (epoch, tenant) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      values: [epoch, tenant],
    }),
    query<{ retired_at: Date | null }>({
      name: 'key-epoch-hold',
      text: 'SELECT retired_at FROM key_epoch WHERE epoch = $1 FOR SHARE',
      values: [epoch],
    }),
  ]);
  return held.rows[0]?.retired_at === null;
}

/** Turns keys into marks without key; returns those that had one. */
export async function shredKeys(
  query: Query,
  tenant: TenantId,
  subject: SubjectId,
  classes: readonly KeyClass[],
  now: Date,
): Promise<{ had: KeyClass[]; rows: KeyRow[] }> {
  const had = await query<{ class: KeyClass }>({
    text: 'SELECT class FROM subject_key WHERE tenant = $1 AND subject = $2 AND class = ANY($3::text[]) AND wrapped IS NOT NULL FOR UPDATE',
    values: [tenant, subject, classes],
  });
  const { rows } = await query<KeyRow>({
    text: `INSERT INTO subject_key AS k (tenant, subject, class, epoch, wrapped, created_at, shredded_at)
           SELECT $1, $2, c, NULL, NULL, $4, $4 FROM unnest($3::text[]) AS n(c)
           ON CONFLICT (tenant, subject, class) DO UPDATE SET epoch = NULL, wrapped = NULL, shredded_at = COALESCE(k.shredded_at, excluded.shredded_at)
           RETURNING k.subject, k.class, k.epoch, k.wrapped, k.shredded_at`,
    values: [tenant, subject, classes, now],
  });
  return { had: had.rows.map((row) => row.class), rows };
}

/** Keys of an epoch that nobody else holds: waiting for one while holding others would be a deadlock with its shredding. */
export async function lockKeysOfEpoch(
  query: Query,
  tenant: TenantId,
  epoch: string,
  limit: number,
): Promise<NewKeyRow[]> {
  const { rows } = await query<NewKeyRow>({
    name: 'subject-key-of-epoch',
    text: 'SELECT subject, class, epoch, wrapped FROM subject_key WHERE tenant = $1 AND epoch = $2 AND wrapped IS NOT NULL LIMIT $3 FOR UPDATE SKIP LOCKED',
    values: [tenant, epoch, limit],
  });
  return rows;
}

/** True while a key of the tenant needs the epoch, held by somebody or not. */
export async function needsEpoch(database: Database, tenant: TenantId, epoch: string): Promise<boolean> {
  const { rows } = await database.fetch(tenant, {
    name: 'subject-key-left',
    text: 'SELECT FROM subject_key WHERE tenant = $1 AND epoch = $2 AND wrapped IS NOT NULL LIMIT 1',
    values: [tenant, epoch],
  });
  return rows.length > 0;
}

export async function replaceKeys(query: Query, tenant: TenantId, rows: NewKeyRow[]): Promise<void> {
  await query({
    name: 'subject-key-replace',
    text: `UPDATE subject_key k SET epoch = n.e, wrapped = n.w FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[]) AS n(s, c, e, w)
           WHERE k.tenant = $1 AND k.subject = n.s AND k.class = n.c`,
    values: [tenant, ...columns(rows)],
  });
}

function columns(rows: NewKeyRow[]): unknown[] {
  return [
    rows.map((row) => row.subject),
    rows.map((row) => row.class),
    rows.map((row) => row.epoch),
    rows.map((row) => row.wrapped),
  ];
}
