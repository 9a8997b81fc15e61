/** The list of sources that are silent or have gaps: counted from the ledger as entries come, so that no log is too long for it. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { DomainError, type Clock, type TenantId } from '#kernel';
import { EventStore, Subscriptions, type Projection, type Query, type StoredEvent } from '#ledger';
import { CLOCK } from '#platform';
import type { AccessRecorded } from './access-entry.js';
import { addRuns, type Run } from './sequence-runs.js';

export const SourceList = z
  .strictObject({
    items: z.array(
      z.strictObject({
        source: z.string(),
        entries: z.number().int(),
        lastAt: z.string(),
        lastSequence: z.number().int().nullable(),
        missing: z.number().int(),
        silent: z.boolean(),
      }),
    ),
    next: z.null(),
  })
  .meta({ id: 'AccessSources' });

/** What one step brings of a source. */
interface Brought {
  entries: number;
  lastAt: string;
}

const NAME = 'access-sources';
/** A source that reported nothing for a day is silent: a seal cannot show an access that nobody reported. */
const SILENT_MS = 24 * 3_600_000;
/** What may not be counted yet: a second or two of a busy log. Behind by more, it would call a lively source silent. */
const MAX_BEHIND = { events: 10_000, ms: 5 * 60_000 };

export class AccessSourcesProjection implements Projection {
  readonly name = NAME;
  /** Nothing is urgent to it: reports come in streams, and their writers must not wait for a count. */
  readonly types = new Set<string>();

  async apply(events: StoredEvent[], query: Query): Promise<void> {
    const reported = events.filter(({ type }) => type === 'AccessRecorded.v1');
    const [first] = reported;
    if (!first) return;
    const brought = new Map<string, Brought>();
    const runs: Run[] = [];
    for (const { data, recordedAt } of reported) {
      const { source, sequence } = data as unknown as AccessRecorded;
      brought.set(source, { entries: (brought.get(source)?.entries ?? 0) + 1, lastAt: recordedAt });
      if (sequence !== null) runs.push({ source, first: sequence, last: sequence });
    }
    await this.count(query, first.tenant, brought, await addRuns(query, first.tenant, runs));
  }

  async reset(query: Query): Promise<void> {
    await query({ text: 'DELETE FROM access_run' });
    await query({ text: 'DELETE FROM access_source' });
  }

  private async count(
    query: Query,
    tenant: TenantId,
    brought: Map<string, Brought>,
    numbers: Map<string, number>,
  ): Promise<void> {
    const sources = [...brought];
    await query({
      name: 'access-source-count',
      text: `INSERT INTO access_source AS s (tenant, source, entries, last_at, numbers)
             SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::bigint[])
             ON CONFLICT (tenant, source) DO UPDATE SET entries = s.entries + excluded.entries,
               last_at = greatest(s.last_at, excluded.last_at), numbers = s.numbers + excluded.numbers`,
      values: [
        tenant,
        sources.map(([source]) => source),
        sources.map(([, { entries }]) => entries),
        sources.map(([, { lastAt }]) => lastAt),
        sources.map(([source]) => numbers.get(source) ?? 0),
      ],
    });
  }
}

interface Row {
  source: string;
  entries: number;
  last_at: Date;
  numbers: number;
  first_sequence: number | null;
  last_sequence: number | null;
}

@Injectable()
export class AccessSources {
  constructor(
    private readonly store: EventStore,
    private readonly subscriptions: Subscriptions,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Every source with its gaps: sequence numbers between its first and last that never arrived. Errors: 503 `sources-behind`. */
  async list(tenant: TenantId): Promise<z.infer<typeof SourceList>> {
    if (await this.isBehind(tenant))
      throw new DomainError(503, 'sources-behind', {
        detail: 'The entries of the log are still being counted. Repeat later.',
        ...{ retryable: true, retryAfter: 30 },
      });
    const { rows } = await this.store.database.fetch<Row>(tenant, {
      name: 'access-sources',
      text: `SELECT s.source, s.entries, s.last_at, s.numbers,
                    (SELECT first FROM access_run WHERE tenant = $1 AND source = s.source ORDER BY first LIMIT 1) AS first_sequence,
                    (SELECT last FROM access_run WHERE tenant = $1 AND source = s.source ORDER BY first DESC LIMIT 1) AS last_sequence
             FROM access_source s WHERE s.tenant = $1 ORDER BY s.source`,
      values: [tenant],
    });
    const oldest = this.clock.now().getTime() - SILENT_MS;
    return { items: rows.map((row) => itemOf(row, oldest)), next: null };
  }

  /** By many events, or by one for long: a projection that stands still, and not one that has much to do. */
  private async isBehind(tenant: TenantId): Promise<boolean> {
    const [{ size }, counted] = await Promise.all([this.store.head(tenant), this.subscriptions.cursor(tenant, NAME)]);
    if (size - counted > MAX_BEHIND.events) return true;
    const [next] = await this.store.read(tenant, counted, 1);
    return next !== undefined && this.clock.now().getTime() - Date.parse(next.recordedAt) > MAX_BEHIND.ms;
  }
}

function itemOf(row: Row, oldest: number): z.infer<typeof SourceList>['items'][number] {
  const { source, entries, first_sequence: first, last_sequence: last } = row;
  return {
    ...{ source, entries, lastAt: row.last_at.toISOString(), lastSequence: last },
    missing: first === null || last === null ? 0 : last - first + 1 - row.numbers,
    silent: row.last_at.getTime() < oldest,
  };
}
