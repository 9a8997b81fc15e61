/** Dead jobs that could not tell a system, and need nobody any more: it has answered, is retired, or somebody has vouched for it. */
import type { TenantId } from '#kernel';
import { cancelJobsIn, listDeadJobs } from '#jobs';
import type { Database } from '#ledger';
import { OBEY, obeyPayload } from '../obey-job.js';

/** Jobs a look. */
const MOST = 1_000;

/** Only when the projection has caught up: of a debt that it does not know nobody can say that it has ended. */
export async function endAnswered(database: Database, tenant: TenantId, now: Date): Promise<void> {
  const dead = await listDeadJobs(database, tenant, MOST);
  const told = dead.flatMap(({ id, queue, payload }) =>
    queue === OBEY ? [{ id, at: now, ...obeyPayload.parse(payload) }] : [],
  );
  if (told.length === 0) return;
  const { rows } = await database.fetch<{ debt: string }>(tenant, {
    name: 'propagation-owed',
    text: `SELECT p.position || '/' || p.system AS debt FROM unnest($2::bigint[], $3::text[]) AS d(position, system)
           JOIN propagation p ON p.tenant = $1 AND p.position = d.position AND p.system = d.system AND p.state = 'waiting'`,
    values: [tenant, told.map(({ position }) => position), told.map(({ systemId }) => systemId)],
  });
  const owed = new Set(rows.map(({ debt }) => debt));
  const answered = told.filter(({ position, systemId }) => !owed.has(`${position}/${systemId}`));
  await database.transaction(tenant, (query) => cancelJobsIn(query, tenant, answered));
}
