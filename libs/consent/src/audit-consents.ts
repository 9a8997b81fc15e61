/** Looks for decisions that were changed behind the service: a check reads rows, and only the leaves are sealed. */
import { isDeepStrictEqual } from 'node:util';
import type { TenantId } from '#kernel';
import { stepsOfType, type Database, type LogFault, type StoredEvent } from '#ledger';
import type { ConsentRecorded } from './consent.js';

/** Positions, and rows, that are looked at at once. */
const STEP = 1_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * The first row of `consent_record` that is missing, that is not what its leaf says, and that has no leaf: where a restore left
 * rows missing, what is changed later is named all the same. `from`: the leaf to begin at; from 0 rows without a leaf are looked
 * for as well. Only as good as the log: to be asked once that was found sound.
 */
export async function auditConsents(database: Database, tenant: TenantId, from = 0): Promise<LogFault[]> {
  const first = new Map<string, LogFault>();
  const name = (what: string, where: string): void => void (first.has(what) || first.set(what, { where, what }));
  for await (const leaves of stepsOfType(database, tenant, 'ConsentRecorded.v1', { from, window: STEP })) {
    const rows = await rowsOf(database, tenant, leaves);
    for (const said of leaves.map(rowOf)) {
      const row = rows.get(said.id);
      const where = `consent_record of leaf ${said.position}`;
      if (!row) name('is missing', where);
      else if (!isDeepStrictEqual({ ...row }, said)) name('is not what the leaf says', where);
    }
  }
  const stray = from === 0 ? await firstStray(database, tenant) : undefined;
  if (stray !== undefined) name('has no leaf', `consent_record ${stray}`);
  return [...first.values()];
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

/** A row whose place in the log is another's, or nobody's, was added. */
async function firstStray(database: Database, tenant: TenantId): Promise<string | undefined> {
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
    if (stray || rows.length < STEP) return stray?.id;
    from = rows.at(-1)!.id;
  }
}
