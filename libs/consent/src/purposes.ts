/** Purposes and notices of a tenant, cached until this replica hears of a change. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { Database } from '#ledger';
import type { Notice, Purpose } from './purpose.js';

interface PurposeRow {
  id: string;
  definition: Omit<Purpose, 'id'>;
}

@Injectable()
export class Purposes {
  private readonly purposes = new Map<TenantId, Map<string, Purpose>>();
  private readonly notices = new Map<string, Notice>();

  constructor(private readonly database: Database) {}

  async find(tenant: TenantId, id: string): Promise<Purpose | undefined> {
    const known = this.purposes.get(tenant)?.get(id);
    return known ?? (await this.load(tenant)).get(id);
  }

  /** All purposes, by id. */
  async all(tenant: TenantId): Promise<Purpose[]> {
    return [...(await this.load(tenant)).values()];
  }

  /** One published version; versions never change, so they are cached for good. */
  async notice(tenant: TenantId, id: string, version: string): Promise<Notice | undefined> {
    const key = `${tenant}/${id}/${version}`;
    const known = this.notices.get(key);
    if (known) return known;
    const { rows } = await this.database.fetch<Notice>(tenant, {
      name: 'notice-read',
      text: 'SELECT id, version, language, purposes, hash FROM notice WHERE tenant = $1 AND id = $2 AND version = $3',
      values: [tenant, id, version],
    });
    if (rows[0] && this.notices.size < 10_000) this.notices.set(key, rows[0]);
    return rows[0];
  }

  /** Forgets cached purposes of a tenant, after a change here or one heard of from the feed. */
  forget(tenant: TenantId): void {
    this.purposes.delete(tenant);
  }

  private async load(tenant: TenantId): Promise<Map<string, Purpose>> {
    const { rows } = await this.database.fetch<PurposeRow>(tenant, {
      name: 'purposes-read',
      text: 'SELECT id, definition FROM purpose WHERE tenant = $1 ORDER BY id',
      values: [tenant],
    });
    const loaded = new Map(rows.map((row) => [row.id, { id: row.id, ...row.definition }]));
    this.purposes.set(tenant, loaded);
    return loaded;
  }
}
