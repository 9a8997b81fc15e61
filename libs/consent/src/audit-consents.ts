/** Looks for decisions that were changed behind the service: a check reads rows, and only the leaves are sealed. */
import { isDeepStrictEqual } from 'node:util';
import type { TenantId } from '#kernel';
import { stepsOfType, type Database, type LogFault, type StoredEvent } from '#ledger';
import type { ConsentRecorded } from './consent.js';

/** Positions, and rows, that are looked at at once. */
const STEP = 1_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * The first row of `consent_record` that is not what its leaf says, or none. `from`: the leaf to begin at; from 0 rows that
 * no leaf has are looked for as well. Only as good as the log: to be asked once that was found sound.
 */
export async function auditConsents(database: Database, tenant: TenantId, from = 0): Promise<LogFault[]> {
  for await (const leaves of stepsOfType(database, tenant, 'ConsentRecorded.v1', { from, window: STEP })) {
    const rows = await rowsOf(database, tenant, leaves);
    for (const leaf of leaves) {
      const where = `consent_record of leaf ${leaf.position}`;
      const said = rowOf(leaf);
      const row = rows.get(said.id);
      if (!row) return [{ where, what: 'is missing' }];
      if (!isDeepStrictEqual({ ...row }, said)) return [{ where, what: 'is not what the leaf says' }];
    }
  }
  return from === 0 ? strays(database, tenant) : [];
}

/** Dates are compared as such: a row may hold one that no leaf can. */
type Row = ReturnType<typeof rowOf>;

function rowOf({ position, recordedAt, data }: StoredEvent) {
  const { id, subject, purpose, decision, channel, imported, collectedAt, expiresAt, notice } =
    data as unknown as ConsentRecorded;
  return {
    ...{ id, subject, position, purpose, decision, channel, imported },
    collected_at: new Date(collectedAt),
    recorded_at: new Date(recordedAt),
    expires_at: expiresAt === null ? null : new Date(expiresAt),
    notice_id: notice.id,
    notice_version: notice.version,
  };
}

async function rowsOf(database: Database, tenant: TenantId, leaves: StoredEvent[]): Promise<Map<string, Row>> {
  const { rows } = await database.fetch<Row>(tenant, {
    name: 'consent-audit-rows',
    text: `SELECT id, subject, position, purpose, decision, channel, imported, collected_at, recorded_at, expires_at, notice_id, notice_version
           FROM consent_record WHERE tenant = $1 AND id = ANY($2::uuid[])`,
    values: [tenant, leaves.map(({ data }) => data['id'])],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** Each leaf has its row: what has another place in the log, or none, was added. */
async function strays(database: Database, tenant: TenantId): Promise<LogFault[]> {
  let from = FIRST_ID;
  for (;;) {
    const { rows } = await database.fetch<{ id: string; stray: boolean }>(tenant, {
      name: 'consent-audit-strays',
      text: `SELECT c.id, e.type IS DISTINCT FROM 'ConsentRecorded.v1' OR e.stream <> 'consent/' || c.subject AS stray
             FROM (SELECT id, subject, position FROM consent_record WHERE tenant = $1 AND id >= $2 ORDER BY id LIMIT ${STEP}) c
             LEFT JOIN event e ON e.tenant = $1 AND e.position = c.position ORDER BY c.id`,
      values: [tenant, from],
    });
    const stray = rows.find((row) => row.stray);
    if (stray) return [{ where: `consent_record ${stray.id}`, what: 'has no leaf' }];
    if (rows.length < STEP) return [];
    from = rows.at(-1)!.id;
  }
}
