/** Whose turn it is in a lane: one message is under way at a time, even when a human has replaced the job that sends it. */
import type { TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import { firstOfLane, type DeliveryRow } from './deliveries.js';

/** A lane in the hands of a job. */
export interface LaneOfJob {
  endpoint: string;
  lane: string;
  job: string;
}

/**
 * `send`: this delivery, and nobody else sends meanwhile. `busy`: a job that was replaced is still sending. `wait`: nothing
 * is due. `left`: nothing is there, or the lane is another job's by now.
 */
export type Turn =
  { kind: 'send'; delivery: DeliveryRow } | { kind: 'wait'; until: Date } | { kind: 'busy' } | { kind: 'left' };

/** Longer than an attempt may take; after it a sender that says nothing is dead. In the database's time. */
const SENDING_S = 15;

interface LaneRow {
  job: string | null;
  sender: string | null;
  sending: boolean | null;
}

/**
 * Takes the turn. `notBefore` says in the same transaction when the delivery may start, undefined = now. Whoever sends a
 * message again by hand locks the lane too: it is seen here, or it replaces a job that waits.
 */
export function takeTurn(
  database: Database,
  tenant: TenantId,
  { endpoint, lane, job }: LaneOfJob,
  notBefore: (query: Query, delivery: DeliveryRow) => Promise<Date | undefined>,
): Promise<Turn> {
  return database.transaction(tenant, async (query): Promise<Turn> => {
    const at = [tenant, endpoint, lane];
    const { rows } = await query<LaneRow>({
      name: 'webhook-lane-lock',
      text: `SELECT job, sender, sending_until > clock_timestamp() AS sending FROM webhook_lane
             WHERE tenant = $1 AND endpoint = $2 AND lane = $3 FOR UPDATE`,
      values: at,
    });
    const [row] = rows;
    if (row?.job !== job) return { kind: 'left' };
    // Its own mark is of an attempt that a crash has ended: a job is worked by one worker at a time.
    if (row.sender !== null && row.sender !== job && row.sending === true) return { kind: 'busy' };
    const delivery = await firstOfLane(query, tenant, endpoint, lane);
    const until = delivery && (await notBefore(query, delivery));
    const sends = delivery !== undefined && until === undefined;
    await query({
      name: 'webhook-lane-turn',
      text: `UPDATE webhook_lane SET job = $4, sender = $5, sending_until = clock_timestamp() + $6 * interval '1 second'
             WHERE tenant = $1 AND endpoint = $2 AND lane = $3`,
      values: [...at, delivery ? job : null, sends ? job : null, SENDING_S],
    });
    if (!delivery) return { kind: 'left' };
    return until ? { kind: 'wait', until } : { kind: 'send', delivery };
  });
}

/** The attempt is over; before its delivery is written, in the same transaction. */
export async function endTurn(query: Query, tenant: TenantId, { endpoint, lane, job }: LaneOfJob): Promise<void> {
  await query({
    name: 'webhook-lane-sent',
    text: 'UPDATE webhook_lane SET sender = NULL WHERE tenant = $1 AND endpoint = $2 AND lane = $3 AND sender = $4',
    values: [tenant, endpoint, lane, job],
  });
}

/** Leaves what is pending lying, for whoever starts the lane next. A lane that is another job's stays that job's. */
export async function leaveLane(
  database: Database,
  tenant: TenantId,
  { endpoint, lane, job }: LaneOfJob,
): Promise<void> {
  await database.transaction(tenant, (query) =>
    query({
      name: 'webhook-lane-leave',
      text: 'UPDATE webhook_lane SET job = NULL, sender = NULL WHERE tenant = $1 AND endpoint = $2 AND lane = $3 AND job = $4',
      values: [tenant, endpoint, lane, job],
    }),
  );
}
