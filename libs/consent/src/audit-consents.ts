/** Looks for decisions that were changed behind the service: a check reads rows, and only the leaves are sealed. */
import { isDeepStrictEqual } from 'node:util';
import type { TenantId } from '#kernel';
import { readOfType, stepsOfType, type Database, type LogFault, type StoredEvent } from '#ledger';
import type { ConsentRecorded } from './consent.js';

/** Positions, and rows, that are looked at at once. */
const STEP = 1_000;
/** More than these do not fit into a leaf; the rest stays named. */
const RUNS = 1_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * The first row of `consent_record` that is missing, that is not what its leaf says, and that has no leaf: where a restore left
 * rows missing, what is changed later is named all the same. `from`: the leaf to begin at; from 0 rows without a leaf are looked
 * for as well; nor is a row missed that a replay gave up. Only as good as the log: to be asked once that was found sound.
 */
export async function auditConsents(database: Database, tenant: TenantId, from = 0): Promise<LogFault[]> {
  const first = new Map<string, LogFault>();
  const name = (what: string, where: string): void => void (first.has(what) || first.set(what, { where, what }));
  const lost = await givenUp(database, tenant);
  for await (const { said, row } of compared(database, tenant, from)) {
    const where = `consent_record of leaf ${said.position}`;
    if (row && !isDeepStrictEqual({ ...row }, said)) name('is not what the leaf says', where);
    if (!row && !isIn(lost, said.position)) name('is missing', where);
  }
  const stray = from === 0 ? await firstStray(database, tenant) : undefined;
  if (stray !== undefined) name('has no leaf', `consent_record ${stray}`);
  return [...first.values()];
}

/** Leaves of decisions, by position: the first and the last, and none between them whose row is there. */
export type MissingConsents = Record<'from' | 'to', number>;

/** Decisions whose rows are missing, for a replay that goes on without them and says so; not those of an earlier one. */
export async function missingConsents(database: Database, tenant: TenantId): Promise<MissingConsents[]> {
  const lost = await givenUp(database, tenant);
  const missing: MissingConsents[] = [];
  let run: MissingConsents | undefined;
  for await (const { said, row } of compared(database, tenant, 0)) {
    const { position } = said;
    if (row || isIn(lost, position)) run = undefined;
    else if (run) run.to = position;
    else if (missing.push((run = { from: position, to: position })) === RUNS) break;
  }
  return missing;
}

async function givenUp(database: Database, tenant: TenantId): Promise<MissingConsents[]> {
  const replays = await readOfType(database, tenant, 'ErasuresReplayed.v1');
  return replays.flatMap(({ data }) => (data['missingConsents'] ?? []) as unknown as MissingConsents[]);
}

function isIn(runs: readonly MissingConsents[], position: number): boolean {
  return runs.some(({ from, to }) => from <= position && position <= to);
}

/** Each decision as its leaf says it, and its row. */
async function* compared(
  database: Database,
  tenant: TenantId,
  from: number,
): AsyncGenerator<{ said: Row; row: Row | undefined }> {
  for await (const leaves of stepsOfType(database, tenant, 'ConsentRecorded.v1', { from, window: STEP })) {
    const rows = await rowsOf(database, tenant, leaves);
    for (const said of leaves.map(rowOf)) yield { said, row: rows.get(said.id) };
  }
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
