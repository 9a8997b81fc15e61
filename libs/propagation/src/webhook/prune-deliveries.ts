/** Forgets deliveries that arrived a month ago, lanes of people to whom nothing is to be told, and what no endpoint is left for. */
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Housekeeping } from '#jobs';
import type { TenantId } from '#kernel';
import { Database, type Query } from '#ledger';
import { CONFIG, type Config } from '#platform';
import { eachTenant, Tenants } from '#tenancy';
import { removeDeliveries } from './deliveries.js';

const DAY = 86_400_000;
/** Long enough to look up why a receiver says it never got a message, and to send it once more. */
const DELIVERED_DAYS = 30;
/** Rows a transaction. */
const BATCH = 5_000;

/** What was given up stays: a human may still send it, and nothing else says which message it was. */
@Injectable()
export class PruneDeliveries implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly tenants: Tenants,
    private readonly chores: Housekeeping,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    if (this.config.LETHE_ROLES.includes('worker')) this.chores.every('deliveries-pruned', DAY, (now) => this.run(now));
  }

  async run(now: Date): Promise<void> {
    await eachTenant(this.tenants, async (id) => {
      await this.repeat(id, (query) => pruneDelivered(query, id, new Date(now.getTime() - DELIVERED_DAYS * DAY)));
      await this.repeat(id, (query) => pruneLanes(query, id));
      await this.database.transaction(id, (query) => pruneOrphans(query, id));
    });
  }

  private async repeat(tenant: TenantId, prune: (query: Query) => Promise<number>): Promise<void> {
    while ((await this.database.transaction(tenant, prune)) === BATCH);
  }
}

async function pruneDelivered(query: Query, tenant: TenantId, before: Date): Promise<number> {
  const { rowCount } = await query({
    name: 'webhook-delivered-prune',
    text: `DELETE FROM webhook_delivery WHERE tenant = $1 AND state = 'delivered' AND delivered_at < $2 AND id = ANY(ARRAY(
             SELECT id FROM webhook_delivery WHERE tenant = $1 AND state = 'delivered' AND delivered_at < $2 ORDER BY delivered_at LIMIT ${BATCH}))`,
    values: [tenant, before],
  });
  return rowCount ?? 0;
}

/** Whoever starts a lane waits for this, and makes its row anew; one that is being started is not free. */
async function pruneLanes(query: Query, tenant: TenantId): Promise<number> {
  const { rowCount } = await query({
    name: 'webhook-lanes-prune',
    text: `DELETE FROM webhook_lane WHERE tenant = $1 AND job IS NULL AND (endpoint, lane) IN (
             SELECT endpoint, lane FROM webhook_lane l WHERE tenant = $1 AND job IS NULL AND NOT EXISTS (
               SELECT FROM webhook_delivery d WHERE d.tenant = $1 AND d.endpoint = l.endpoint AND d.lane = l.lane AND d.state = 'pending')
             LIMIT ${BATCH})`,
    values: [tenant],
  });
  return rowCount ?? 0;
}

/** Left by a release before the lanes did this themselves. */
async function pruneOrphans(query: Query, tenant: TenantId): Promise<void> {
  const { rows } = await query<{ endpoint: string }>({
    name: 'webhook-orphans',
    text: `SELECT DISTINCT endpoint FROM webhook_delivery d WHERE tenant = $1 AND state = 'pending' AND NOT EXISTS (
             SELECT FROM webhook_endpoint e WHERE e.tenant = $1 AND e.id = d.endpoint)`,
    values: [tenant],
  });
  for (const { endpoint } of rows) await removeDeliveries(query, tenant, endpoint);
}
