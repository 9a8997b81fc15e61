/** Ids of events across all tenants: the log an event stands in, and where; also of those behind a restore that lost some. */
import type { TenantId } from '#kernel';
import { logStream, type EventStore } from '#ledger';

/** What names the events of one log. */
export interface EventNames {
  logId: string;
  idAt(position: number): string;
}

/** Positions that were lost for good are used again: from the first of them on the epoch stands in the id. */
export async function eventNames(store: EventStore, tenant: TenantId): Promise<EventNames> {
  const { logId, epoch } = await store.head(tenant);
  const told = epoch === 1 ? [] : await store.load(tenant, logStream);
  const begun = told
    .filter(({ type }) => type === 'LogEpochBegun.v1')
    .map(({ data }) => data as unknown as { epoch: number; lost: { from: number } });
  return {
    logId,
    idAt: (position) => {
      const last = begun.findLast(({ lost }) => lost.from <= position);
      return last ? `${logId}.${last.epoch}-${position}` : `${logId}-${position}`;
    },
  };
}
