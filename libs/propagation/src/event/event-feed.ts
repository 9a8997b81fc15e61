/** Events by cursor: a page of what one system may know, waiting for news when there is none. */
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, KeyProvider, openCursor, sealCursor, type Caller } from '#platform';
import { eventNames } from './event-id.js';
import { EventPage, eventView, type EventQuery } from './event-view.js';
import { cursorExpired, cursorOfLostEvents, cursorOfOtherFilter } from '../propagation.errors.js';
import { usualTypes, type PublicEvent, type PublicType } from './public-event.js';
import { PublicEvents } from './public-events.js';
import { mustObey } from '../system.js';
import { Systems } from '../systems.js';

/** How long events stay readable. The ledger keeps them for ever; a consumer this far behind is better off with the state. */
export const READABLE_DAYS = 90;
const DAY_MS = 86_400_000;
const BATCH = 1_000;
/** Ledger entries that one call looks through: a page may be empty and yet move on. */
const SCAN = 10_000;
/** Commits of this replica wake a waiter at once; those of others are found by looking. */
const LOOK_MS = 300;
const CURSOR = 'events';

/** A place in the log; a later epoch uses positions again that a restore had lost. */
export interface LogPlace {
  epoch: number;
  position: number;
}

/** Where a consumer stands: the next position it has not been told about, and what it asks for. */
export interface FeedPlace extends LogPlace {
  types: PublicType[];
}

interface Scanned {
  items: PublicEvent[];
  next: number;
  caughtUp: boolean;
}

@Injectable()
export class EventFeed implements OnModuleDestroy {
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: EventStore,
    private readonly events: PublicEvents,
    private readonly systems: Systems,
    private readonly keys: KeyProvider,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Waiters go home before the server waits for them. */
  onModuleDestroy(): void {
    this.stopping.abort();
  }

  /** Throws 403 `system-not-bound`, 400 `cursor-invalid`, 410 `cursor-expired`. */
  async page(by: Caller, query: EventQuery): Promise<z.infer<typeof EventPage>> {
    await this.systems.ofKey(by);
    const place = await this.begin(by, query);
    const until = Date.now() + query.wait * 1000;
    let scanned = await this.scan(by, place, query.limit);
    while (scanned.items.length === 0 && scanned.caughtUp && (await this.news(by.tenant, until)))
      scanned = await this.scan(by, { ...place, position: scanned.next }, query.limit);
    const names = await eventNames(this.store, by.tenant);
    return {
      items: scanned.items.map((event) => eventView(names, event)),
      next: this.seal(by, { ...place, position: scanned.next }),
      caughtUp: scanned.caughtUp,
    };
  }

  /** A cursor for `next`, and for a snapshot to end with. */
  seal(by: Caller, { epoch, position, types }: FeedPlace): string {
    return sealCursor(this.keys, by, CURSOR, {}, [String(position), types.join(' '), String(epoch)]);
  }

  /**
   * Throws 400 `cursor-invalid` for a cursor of another tenant, principal or list, 410 `cursor-expired` for one of before a
   * restore that lost what it has passed, or may have: it would pass over what stands there now.
   */
  async open(by: Caller, cursor: string): Promise<FeedPlace> {
    const [position = '', types = '', epoch = '1'] = openCursor(this.keys, by, CURSOR, {}, cursor);
    const place = { epoch: Number(epoch), position: Number(position), types: types.split(' ') as PublicType[] };
    const head = await this.store.head(by.tenant);
    if (place.epoch !== head.epoch || place.position > head.size) throw cursorOfLostEvents();
    return place;
  }

  private async begin(by: Caller, { after, types }: EventQuery): Promise<FeedPlace> {
    const oldest = new Date(this.clock.now().getTime() - READABLE_DAYS * DAY_MS).toISOString();
    if (after === undefined) return { ...(await this.firstFrom(by.tenant, oldest)), types: types ?? usualTypes };
    const place = await this.open(by, after);
    if (types !== undefined && types.join(' ') !== place.types.join(' ')) throw cursorOfOtherFilter();
    const [next] = await this.store.read(by.tenant, place.position, 1);
    if (next && next.recordedAt < oldest) throw cursorExpired();
    return place;
  }

  /** The first place recorded at `instant` or later: times never run backwards along the log. */
  private async firstFrom(tenant: TenantId, instant: string): Promise<LogPlace> {
    const { epoch, size } = await this.store.head(tenant);
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [event] = await this.store.read(tenant, middle, 1);
      if (event && event.recordedAt < instant) low = middle + 1;
      else high = middle;
    }
    return { epoch, position: low };
  }

  private async scan(by: Caller, place: FeedPlace, limit: number): Promise<Scanned> {
    const items: PublicEvent[] = [];
    let next = place.position;
    while (next - place.position < SCAN) {
      const read = await this.store.read(by.tenant, next, BATCH);
      const passing = await this.passing(by, await this.events.of(read), place);
      const taken = passing.slice(0, limit - items.length);
      items.push(...taken);
      const last = taken.at(-1);
      if (items.length === limit && last) return { items, next: last.position + 1, caughtUp: false };
      next += read.length;
      if (read.length < BATCH) return { items, next, caughtUp: true };
    }
    return { items, next, caughtUp: false };
  }

  /**
   * What the key's system must obey, by a declaration that is read after the events: one of before the wait would pass over
   * what a purpose binds that was declared meanwhile, and the cursor would acknowledge it.
   */
  private async passing(by: Caller, events: PublicEvent[], { types }: FeedPlace): Promise<PublicEvent[]> {
    const asked = events.filter(({ type }) => types.includes(type));
    if (asked.length === 0) return [];
    const system = await this.systems.ofKey(by);
    return asked.filter(({ purpose }) => mustObey(system, purpose));
  }

  /** Resolves true when it is worth looking again, false when time is up or the process stops. */
  private async news(tenant: TenantId, until: number): Promise<boolean> {
    const left = until - Date.now();
    const { signal } = this.stopping;
    if (left <= 0 || signal.aborted) return false;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(LOOK_MS, left));
      const unlisten = this.store.onCommit((committed) => void (committed === tenant && end()));
      signal.addEventListener('abort', end, { once: true });
    });
    return !signal.aborted;
  }
}
