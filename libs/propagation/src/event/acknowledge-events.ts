/** A system's word that it has acted on everything before a cursor: forward only, and a fact in the ledger. */
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import { Database, declareEvents, EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { EventFeed } from './event-feed.js';
import type { Acknowledged } from './event-view.js';
import { filterTooNarrow } from '../propagation.errors.js';
import { obeyTypes } from './public-event.js';
import { Systems } from '../systems.js';

declareEvents('EventsAcknowledged.v1');

type Acknowledged = z.infer<typeof Acknowledged>;

/** Another acknowledgement went further meanwhile. */
class Overtaken extends Error {}

@Injectable()
export class AcknowledgeEvents {
  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly systems: Systems,
    private readonly feed: EventFeed,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws 403 `system-not-bound`, 400 `cursor-invalid`, 410 `cursor-expired`, 422 `filter-too-narrow`. */
  async acknowledge(by: Caller, cursor: string): Promise<Acknowledged> {
    const system = await this.systems.ofKey(by);
    const { position, types } = await this.feed.open(by, cursor);
    if (!obeyTypes.every((type) => types.includes(type))) throw filterTooNarrow();
    const before = await this.standing(by.tenant, system.id);
    if (position <= before) return { systemId: system.id, upTo: before, moved: false };
    try {
      await this.move(by, system.id, before, position);
      return { systemId: system.id, upTo: position, moved: true };
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      return { systemId: system.id, upTo: await this.standing(by.tenant, system.id), moved: false };
    }
  }

  private async standing(tenant: TenantId, system: string): Promise<number> {
    const { rows } = await this.database.fetch<{ up_to: number }>(tenant, {
      name: 'event-acknowledgement',
      text: 'SELECT up_to FROM event_acknowledgement WHERE tenant = $1 AND system = $2',
      values: [tenant, system],
    });
    return rows[0]?.up_to ?? 0;
  }

  private async move(by: Caller, systemId: string, before: number, upTo: number): Promise<void> {
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [
        { stream: `connected-system/${systemId}`, type: 'EventsAcknowledged.v1', data: { systemId, before, upTo } },
      ],
      side: async (query) => {
        const { rowCount } = await query({
          text: `INSERT INTO event_acknowledgement (tenant, system, up_to, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant, system) DO UPDATE SET up_to = excluded.up_to, at = excluded.at
                 WHERE event_acknowledgement.up_to < excluded.up_to`,
          values: [by.tenant, systemId, upTo, this.clock.now()],
        });
        if (rowCount === 0) throw new Overtaken();
      },
    });
  }
}
