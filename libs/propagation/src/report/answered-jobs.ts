/** Dead jobs that could not tell a system, and need nobody any more: it has answered, is retired, or somebody has vouched for it. */
import type { TenantId } from '#kernel';
import { deadPages, settleDeadIn } from '#jobs';
import type { Database } from '#ledger';
import { debtOf, OBEY } from '../obey-job.js';

type Told = NonNullable<ReturnType<typeof debtOf>> & { id: string };

/** Only when the projection has caught up: of a debt that it does not know nobody can say that it has ended. */
export async function endAnswered(database: Database, tenant: TenantId, now: Date): Promise<void> {
  for await (const page of deadPages(database, tenant, OBEY)) {
    const told = page.flatMap(({ id, dedupeKey }): Told[] => {
      const debt = debtOf(dedupeKey);
      return debt ? [{ id, ...debt }] : [];
    });
    const owed = await owedOf(database, tenant, told);
    const answered = told.filter(({ position, systemId }) => !owed.has(`${position}/${systemId}`));
    const deaths = answered.map(({ id }) => ({ id, after: 'over' as const }));
    await database.transaction(tenant, (query) => settleDeadIn(query, tenant, deaths, now));
  }
}

async function owedOf(database: Database, tenant: TenantId, told: readonly Told[]): Promise<Set<string>> {
  const { rows } = await database.fetch<{ debt: string }>(tenant, {
    name: 'propagation-owed',
    text: `SELECT p.position || '/' || p.system AS debt FROM unnest($2::bigint[], $3::text[]) AS d(position, system)
           JOIN propagation p ON p.tenant = $1 AND p.position = d.position AND p.system = d.system AND p.state = 'waiting'`,
    values: [tenant, told.map(({ position }) => position), told.map(({ systemId }) => systemId)],
  });
  return new Set(rows.map(({ debt }) => debt));
}
