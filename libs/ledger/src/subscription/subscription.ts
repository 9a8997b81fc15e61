/** What subscribes to the ledger, and one step of it: read from the cursor, apply, move the cursor, in one transaction. */
import type { TenantId } from '#kernel';
import { lockCursor, moveCursor, takeCursor } from './cursor.queries.js';
import type { Database, Query } from '../database/database.js';
import { isKnownEvent, type StoredEvent } from '../event.js';
import { readFrom } from '../ledger.queries.js';

/** A read model that can be dropped and rebuilt. `apply` and the cursor commit together, so each event counts once. */
export interface Projection {
  name: string;
  apply(events: StoredEvent[], query: Query): Promise<void>;
  /** Empties the tenant's rows, before a rebuild. */
  reset(query: Query): Promise<void>;
  /** It looks at positions only, and so may pass events of types this build does not know. */
  anyType?: true;
  /** See `Process.types`. */
  types?: ReadonlySet<string>;
}

/** Events in, commands out. At least once: what it sends must carry a key derived from the event. */
export interface Process {
  name: string;
  /** What it acts on. It is told of other events too, a little later and many at once. Absent: every type is urgent. */
  types?: ReadonlySet<string>;
  /** `step` holds the events of one step, the same array for each of them: what is read for one serves the others. */
  handle(event: StoredEvent, step: readonly StoredEvent[]): Promise<void>;
}

/** This build is older than an event it reads: skipping it could drop a fact. */
export class UnknownEvent extends Error {
  constructor(type: string) {
    super(`event type ${type} is not known to this build`);
    this.name = `UnknownEvent(${type})`;
  }
}

/** An event is missing before one that is there: positions are dense, so somebody took it out. To pass over it could drop a fact. */
export class LogGap extends Error {
  override name = 'LogGap';
}

/** Events a projection applies in one transaction, and a process handles under one hold of its cursor. */
export const PROJECTION_BATCH = 500;
const PROCESS_BATCH = 50;

/** Where a step ended: the next position to read, or `held` when another replica has the cursor. */
export type Step = { next: number; full: boolean } | 'held';

/** Applies the next events of a projection, at most `batch`. Throws what `apply` throws, with nothing kept. */
export function stepProjection(
  database: Database,
  tenant: TenantId,
  projection: Projection,
  batch = PROJECTION_BATCH,
): Promise<Step> {
  return database.transaction(tenant, async (query): Promise<Step> => {
    const taken = await takeCursor(query, tenant, projection.name, batch);
    if (!taken) return 'held';
    const { from } = taken;
    const read = densePart(taken.events, from);
    const events = projection.anyType ? read : knownPart(read);
    if (events.length === 0) return { next: from, full: false };
    await projection.apply(events, query);
    const next = events.at(-1)!.position + 1;
    await moveCursor(query, tenant, projection.name, next);
    return { next, full: events.length < read.length || read.length === batch };
  });
}

/** Handles the next events of a process, one after another. The cursor keeps what was done before one that fails. */
export async function stepProcess(database: Database, tenant: TenantId, process: Process): Promise<Step> {
  let failure: { error: unknown } | undefined;
  const step = await database.transaction(tenant, async (query): Promise<Step> => {
    const taken = await takeCursor(query, tenant, process.name, PROCESS_BATCH);
    if (!taken) return 'held';
    const { from } = taken;
    const read = densePart(taken.events, from);
    const events = knownPart(read);
    let next = from;
    for (const event of events) {
      try {
        await process.handle(event, events);
      } catch (error) {
        failure = { error };
        break;
      }
      next = event.position + 1;
    }
    if (next > from) await moveCursor(query, tenant, process.name, next);
    return { next, full: events.length < read.length || read.length === PROCESS_BATCH };
  });
  if (failure) throw failure.error;
  return step;
}

/** Empties a projection and reads the whole log again, in one transaction. Returns the number of events read. */
export function rebuildProjection(database: Database, tenant: TenantId, projection: Projection): Promise<number> {
  return database.longTransaction(tenant, async (query) => {
    await lockCursor(query, tenant, projection.name);
    await projection.reset(query);
    let position = 0;
    for (;;) {
      const read = densePart(await readFrom(query, tenant, position, PROJECTION_BATCH), position);
      if (read.length === 0) break;
      const events = projection.anyType ? read : knownPart(read);
      await projection.apply(events, query);
      position = events.at(-1)!.position + 1;
    }
    await moveCursor(query, tenant, projection.name, position);
    return position;
  });
}

/** What stands before a gap; throws when the first event is not the next one. */
function densePart(read: StoredEvent[], from: number): StoredEvent[] {
  const gap = read.findIndex((event, at) => event.position !== from + at);
  if (gap === 0) throw new LogGap(`position ${from} is missing`);
  return gap < 0 ? read : read.slice(0, gap);
}

/** The events before the first of an unknown type; throws when that is the first one: it must stop there, loudly. */
function knownPart(events: StoredEvent[]): StoredEvent[] {
  const stop = events.findIndex((event) => !isKnownEvent(event.type));
  if (stop === 0) throw new UnknownEvent(events[0]!.type);
  return stop < 0 ? events : events.slice(0, stop);
}
