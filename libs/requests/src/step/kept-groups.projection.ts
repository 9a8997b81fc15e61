/** Groups of records that are still kept, by where they stand: who is told when a hold is released. Ids, codes and days only. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import type { CivilDate } from '#law';
import { Database, type Projection, type Query, type StoredEvent } from '#ledger';
import type { HoldReleased } from '#retention';
import { requestEvent, type RequestEvent } from '../request.js';

/** A group that is kept still. */
export interface KeptGroup {
  requestId: string;
  aftercareId: string;
  connectionId: string;
}

export class KeptGroupsProjection implements Projection {
  readonly name = 'request-kept-groups';
  readonly types = new Set(['AftercareScheduled.v1', 'AftercareDone.v1']);

  async apply(events: StoredEvent[], query: Query): Promise<void> {
    for (const stored of events) {
      const event = requestEvent(stored);
      if (event) await fold(query, stored.tenant, event);
    }
  }

  async reset(query: Query): Promise<void> {
    await query({ text: 'DELETE FROM request_kept_group' });
  }
}

async function fold(query: Query, tenant: TenantId, event: RequestEvent): Promise<void> {
  if (event.type === 'AftercareScheduled.v1') {
    const { aftercareId, requestId, connectionId, dataset, ruleId, until } = event.data;
    await query({
      name: 'kept-group-add',
      text: `INSERT INTO request_kept_group (tenant, id, request, connection, dataset, rule, until)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
      values: [tenant, aftercareId, requestId, connectionId, dataset, ruleId, until],
    });
  }
  if (event.type === 'AftercareDone.v1')
    await query({
      name: 'kept-group-end',
      text: 'DELETE FROM request_kept_group WHERE tenant = $1 AND id = $2',
      values: [tenant, event.data.aftercareId],
    });
}

@Injectable()
export class KeptGroups {
  constructor(private readonly database: Database) {}

  /**
   * What the hold may have stopped: groups that name it, and groups in its scope that another hold is named for or whose
   * day is over. More than was stopped, never less: each is asked again before anything is done.
   */
  async stoppedBy(
    tenant: TenantId,
    { id, scope }: Pick<HoldReleased, 'id' | 'scope'>,
    today: CivilDate,
  ): Promise<KeptGroup[]> {
    const { rows } = await this.database.fetch<{ id: string; request: string; connection: string }>(tenant, {
      name: 'kept-groups-stopped',
      text: `SELECT k.id, k.request, k.connection FROM request_kept_group k
             WHERE k.tenant = $1 AND (k.rule = $2 OR ((k.rule LIKE 'hold:%' OR k.until < $3)
               AND ($4::text IS NULL OR k.connection = $4) AND ($5::text IS NULL OR k.dataset = $5)))
             ORDER BY k.id`,
      values: [tenant, `hold:${id}`, today, scope.connectionId, scope.dataset],
    });
    return rows.map((row) => ({ aftercareId: row.id, requestId: row.request, connectionId: row.connection }));
  }
}
