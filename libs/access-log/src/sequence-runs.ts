/** Which sequence numbers of a source have arrived, as runs without a gap: one row for most sources, however long they report. */
import type { TenantId } from '#kernel';
import type { Query } from '#ledger';

/** All numbers of a source from `first` to `last`. */
export interface Run {
  source: string;
  first: number;
  last: number;
}

const inOrder = (a: Run, b: Run): number => a.source.localeCompare(b.source) || a.first - b.first;

/** The same numbers in as few runs as there can be. */
export function joined(runs: readonly Run[]): Run[] {
  const done: Run[] = [];
  for (const run of [...runs].sort(inOrder)) {
    const before = done.at(-1);
    if (before?.source === run.source && run.first <= before.last + 1) before.last = Math.max(before.last, run.last);
    else done.push({ ...run });
  }
  return done;
}

/** How many numbers are in runs that do not overlap, by source. */
export function counted(runs: readonly Run[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { source, first, last } of runs) counts.set(source, (counts.get(source) ?? 0) + last - first + 1);
  return counts;
}

/** Adds runs to what arrived before; returns how many numbers of each source are new. */
export async function addRuns(query: Query, tenant: TenantId, arrived: readonly Run[]): Promise<Map<string, number>> {
  const fresh = joined(arrived);
  if (fresh.length === 0) return new Map();
  const touched = await touchedBy(query, tenant, fresh);
  const merged = joined([...touched, ...fresh]);
  const begins = new Set(merged.map(nameOf));
  const absorbed = touched.filter((run) => !begins.has(nameOf(run)));
  if (absorbed.length > 0)
    await query({
      name: 'access-run-absorb',
      text: `DELETE FROM access_run WHERE tenant = $1 AND (source, first) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))`,
      values: [tenant, absorbed.map(({ source }) => source), absorbed.map(({ first }) => first)],
    });
  await query({
    name: 'access-run-write',
    text: `INSERT INTO access_run (tenant, source, first, last) SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[])
           ON CONFLICT (tenant, source, first) DO UPDATE SET last = excluded.last`,
    values: [tenant, ...columnsOf(merged)],
  });
  const known = counted(touched);
  return new Map([...counted(merged)].map(([source, numbers]) => [source, numbers - (known.get(source) ?? 0)]));
}

/** What is there already and overlaps one of these runs, or ends right before or begins right behind it. */
async function touchedBy(query: Query, tenant: TenantId, runs: readonly Run[]): Promise<Run[]> {
  const { rows } = await query<Run>({
    name: 'access-run-touched',
    text: `SELECT DISTINCT r.source, r.first, r.last FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS n(source, first, last)
           CROSS JOIN LATERAL (
             (SELECT source, first, last FROM access_run WHERE tenant = $1 AND source = n.source AND first < n.first
              ORDER BY first DESC LIMIT 1)
             UNION ALL
             (SELECT source, first, last FROM access_run WHERE tenant = $1 AND source = n.source
                AND first BETWEEN n.first AND n.last + 1 OFFSET 0)) r
           WHERE r.last >= n.first - 1`,
    values: [tenant, ...columnsOf(runs)],
  });
  return rows;
}

const nameOf = ({ source, first }: Run): string => `${source}/${first}`;

function columnsOf(runs: readonly Run[]): [string[], number[], number[]] {
  return [runs.map(({ source }) => source), runs.map(({ first }) => first), runs.map(({ last }) => last)];
}
