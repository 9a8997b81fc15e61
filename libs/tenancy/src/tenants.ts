/** Tenants: creating one opens its log; reading them is cheap and cached. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, notFound, type Clock, type TenantId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { CLOCK, KeyProvider } from '#platform';
import { tenantStream, type Tenant } from './tenant.js';

/** What a new tenant needs. `territory` is ISO 3166-2, `timeZone` an IANA zone. */
export interface NewTenant {
  name: string;
  mode: 'test' | 'live';
  territory?: string;
  timeZone?: string;
}

interface TenantRow {
  id: TenantId;
  name: string;
  mode: 'test' | 'live';
  territory: string | null;
  time_zone: string;
  log_id: string;
}

@Injectable()
export class Tenants {
  private readonly cache = new Map<string, Tenant>();

  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Creates a tenant and its log; the genesis leaf commits the hash of the next log key (design section 3, rule 7). */
  async create(wanted: NewTenant): Promise<Tenant> {
    const id = newId() as TenantId;
    const tenant: Tenant = {
      id,
      name: wanted.name,
      mode: wanted.mode,
      territory: wanted.territory ?? null,
      timeZone: wanted.timeZone ?? 'UTC',
      logId: id,
    };
    // One transaction: a tenant without a log would stop every worker that visits all tenants.
    await this.database.transaction(id, async (query) => {
      await query({
        text: 'INSERT INTO tenant (id, name, mode, territory, time_zone, log_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
        values: [id, tenant.name, tenant.mode, tenant.territory, tenant.timeZone, tenant.logId, this.clock.now()],
      });
      await this.store.open(query, id, tenant.logId);
    });
    const nextLogKeyHash = (await this.keys.nextLogKeyHash(id)).toString('hex');
    await this.store.append({
      tenant: id,
      actorRef: 'system',
      events: [
        {
          stream: tenantStream,
          type: 'TenantCreated.v1',
          data: {
            mode: tenant.mode,
            territory: tenant.territory,
            timeZone: tenant.timeZone,
            logId: tenant.logId,
            nextLogKeyHash,
          },
        },
      ],
      expect: { [tenantStream]: 0 },
    });
    return tenant;
  }

  /** One tenant; 404 when unknown. Name, mode and territory never change after creation. */
  async get(id: TenantId): Promise<Tenant> {
    const known = this.cache.get(id) ?? (await this.all()).find((tenant) => tenant.id === id);
    if (!known) throw notFound('tenant');
    return known;
  }

  /** All tenants, oldest first. */
  async all(): Promise<Tenant[]> {
    const { rows } = await this.database.global<TenantRow>({
      name: 'tenants',
      text: 'SELECT * FROM tenant ORDER BY id',
    });
    const tenants = rows.map((row) => ({
      id: row.id,
      name: row.name,
      mode: row.mode,
      territory: row.territory,
      timeZone: row.time_zone,
      logId: row.log_id,
    }));
    for (const tenant of tenants) this.cache.set(tenant.id, tenant);
    return tenants;
  }
}
