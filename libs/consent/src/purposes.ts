/** Purposes and notices of a tenant, cached while this replica hears of changes. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { ConsentFeed } from './consent-feed.js';
import { purposeStream, type Notice, type Purpose } from './purpose.js';

interface PurposeRow {
  id: string;
  definition: Omit<Purpose, 'id'>;
}

@Injectable()
export class Purposes {
  private readonly purposes = new Map<TenantId, Map<string, Purpose>>();
  private readonly notices = new Map<string, Notice>();

  private readonly loading = new Map<TenantId, { changes: number; run: Promise<Map<string, Purpose>> }>();
  /** Counts changes: what was read before one must not be cached after it. */
  private changes = 0;

  constructor(
    private readonly database: Database,
    private readonly feed: ConsentFeed,
    private readonly store: EventStore,
  ) {
    feed.listen({
      purposeChanged: (tenant) => this.forget(tenant),
      startedAnew: (tenant) => this.forget(tenant),
    });
  }

  async find(tenant: TenantId, id: string): Promise<Purpose | undefined> {
    const known = this.feed.trusted(tenant) ? this.purposes.get(tenant)?.get(id) : undefined;
    return known ?? (await this.load(tenant)).get(id);
  }

  /** All purposes, by id. */
  async all(tenant: TenantId): Promise<Purpose[]> {
    return [...(await this.load(tenant)).values()];
  }

  /** A purpose as it was defined when the ledger had reached a position: what a person decided on then. */
  async at(tenant: TenantId, id: string, position: number): Promise<Purpose | undefined> {
    const defined = await this.store.load(tenant, purposeStream(id));
    const last = defined.filter((event) => event.position < position).at(-1);
    return last && { id, ...(last.data['after'] as unknown as Omit<Purpose, 'id'>) };
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
    this.changes += 1;
    this.purposes.delete(tenant);
  }

  /** Questions that arrive together share one read, unless a change lies between them. */
  private load(tenant: TenantId): Promise<Map<string, Purpose>> {
    const running = this.loading.get(tenant);
    if (running?.changes === this.changes) return running.run;
    const started = { changes: this.changes, run: this.read(tenant) };
    this.loading.set(tenant, started);
    const over = (): void => {
      if (this.loading.get(tenant) === started) this.loading.delete(tenant);
    };
    started.run.then(over, over);
    return started.run;
  }

  private async read(tenant: TenantId): Promise<Map<string, Purpose>> {
    const changes = this.feed.trusted(tenant) ? this.changes : -1;
    const { rows } = await this.database.fetch<PurposeRow>(tenant, {
      name: 'purposes-read',
      text: 'SELECT id, definition FROM purpose WHERE tenant = $1 ORDER BY id',
      values: [tenant],
    });
    const loaded = new Map(rows.map((row) => [row.id, { id: row.id, ...row.definition }]));
    if (changes === this.changes) this.purposes.set(tenant, loaded);
    return loaded;
  }
}
