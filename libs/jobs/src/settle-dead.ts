/** What becomes of jobs nobody tries any more: those that need nobody are ended, so that the others are seen. */
import type { TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import { listDeadJobs, type DeadJob } from './dead-letters.js';
import { enqueueIn } from './enqueue-job.js';
import { againKey, type NewJob } from './job.js';

/**
 * What follows from a death: somebody has to decide (`waits`), nobody does (`over`), or this job does the work again and
 * ends the dead one with itself; its key is an `againKey`.
 */
export type AfterDeath = 'waits' | 'over' | NewJob;

/** Says of some dead jobs of one tenant, by id, what follows. It must be safe to repeat. */
export type DeadJudge = (tenant: TenantId, dead: DeadJob[]) => Promise<{ id: string; after: AfterDeath }[]>;

const PAGE = 500;

/** Only what is still dead: an officer may have had it tried again meanwhile. */
const text = `
  UPDATE job SET state = 'cancelled', lease_until = NULL, finished_at = $4
  FROM unnest($2::uuid[], $3::text[]) AS d(id, successor)
  WHERE job.tenant = $1 AND job.id = d.id AND job.state = 'dead' AND (d.successor IS NULL OR EXISTS
    (SELECT 1 FROM job s WHERE s.tenant = $1 AND s.dedupe_key = d.successor AND s.state NOT IN ('ready', 'running')))`;

/** How long after its death what nobody may leave undone is tried anew. */
const AGAIN_MS = 3_600_000;

/** Judge of work that nobody decides about and that must be done: it is tried anew every hour. */
export const tryAgain: DeadJudge = async (_, dead) =>
  dead.map(({ id, queue, key, payload, dedupeKey, diedAt }) => {
    const runAt = new Date(diedAt.getTime() + AGAIN_MS);
    return { id, after: { queue, key, payload, runAt, dedupeKey: againKey(dedupeKey ?? queue, id) } };
  });

/** Ends those that are over or whose successor has ended, and enqueues successors that are not there. A repeat changes nothing. */
export async function settleDeadIn(
  query: Query,
  tenant: TenantId,
  deaths: { id: string; after: AfterDeath }[],
  now: Date,
): Promise<void> {
  const settled = deaths.filter(({ after }) => after !== 'waits');
  if (settled.length === 0) return;
  const successors = settled.map(({ after }) => (typeof after === 'string' ? undefined : after));
  await enqueueIn(
    query,
    tenant,
    successors.filter((one) => one !== undefined),
    now,
  );
  const keys = successors.map((one) => one?.dedupeKey ?? null);
  await query({ name: 'job-dead-end', text, values: [tenant, settled.map(({ id }) => id), keys, now] });
}

/** Who judges which queue's dead jobs. What nobody judges waits for a human. */
export class DeadJobs {
  private readonly judges = new Map<string, DeadJudge>();

  /** Registers the judge of a queue; in `onModuleInit`. */
  judge(queue: string, judge: DeadJudge): void {
    this.judges.set(queue, judge);
  }

  /** Looks at all dead jobs of one tenant again: what was left by a build before, or has become nobody's since. */
  async settle(database: Database, tenant: TenantId, now: Date): Promise<void> {
    for (const [queue, judge] of this.judges)
      for await (const page of deadPages(database, tenant, queue)) {
        const deaths = await judge(tenant, page);
        await database.transaction(tenant, (query) => settleDeadIn(query, tenant, deaths, now));
      }
  }
}

/** All dead jobs of a queue, oldest first, however many there are. */
export async function* deadPages(database: Database, tenant: TenantId, queue: string): AsyncGenerator<DeadJob[]> {
  for (let after: string | undefined, more = true; more;) {
    const page = await listDeadJobs(database, tenant, {
      queue,
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    const dead = page.filter(({ state }) => state === 'dead');
    if (dead.length > 0) yield dead;
    after = page.at(-1)?.id;
    more = page.length === PAGE;
  }
}
