/** Projections and processes: run from the ledger with a durable cursor, never from an in-memory bus. */
import type { TenantId } from '#kernel';
import type { Query } from './database.js';
import { isKnownEvent, type StoredEvent } from './event.js';
import type { EventStore } from './event-store.js';

/** A read model that can be dropped and rebuilt. `apply` and the cursor commit together, so each event counts once. */
export interface Projection {
  name: string;
  apply(events: StoredEvent[], query: Query): Promise<void>;
  /** Empties the tenant's rows, before a rebuild. */
  reset(query: Query): Promise<void>;
}

/** Events in, commands out. At least once: what it sends must carry a key derived from the event. */
export interface Process {
  name: string;
  handle(event: StoredEvent): Promise<void>;
}

/** Where trouble is told; ids only. */
export type Trouble = (
  message: string,
  fields: { subscription: string; tenant: TenantId; position: number; cause: string },
) => void;

const BATCH = 500;
const POLL_MS = 200;
const MAX_BACKOFF_MS = 30_000;

interface Loop {
  run: Promise<void>;
  wake: () => void;
}

/** Runs every projection and process for every tenant; one replica at a time holds a cursor. */
export class Subscriptions {
  private readonly projections = new Map<string, Projection>();
  private readonly processes = new Map<string, Process>();
  private readonly loops = new Map<string, Loop>();
  private stopping = false;
  private unlisten: () => void = () => undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly tenants: () => Promise<TenantId[]>,
    private readonly trouble: Trouble,
  ) {}

  project(projection: Projection): void {
    this.projections.set(projection.name, projection);
  }

  process(process: Process): void {
    this.processes.set(process.name, process);
  }

  /** Starts all loops; `projections` only when this replica is no worker. */
  start(): void {
    this.unlisten = this.store.onCommit((tenant) => this.wake(tenant));
    const look = async (): Promise<void> => {
      for (const tenant of await this.tenants().catch(() => [])) this.follow(tenant);
      if (!this.stopping) this.timer = setTimeout(() => void look(), 1000);
    };
    void look();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.unlisten();
    clearTimeout(this.timer);
    for (const loop of this.loops.values()) loop.wake();
    await Promise.all([...this.loops.values()].map((loop) => loop.run));
  }

  /** Resolves true when the subscription has passed `position`, false when `timeoutMs` ran out. */
  async caughtUp(tenant: TenantId, name: string, position: number, timeoutMs = 5000): Promise<boolean> {
    const until = Date.now() + timeoutMs;
    while ((await this.cursor(tenant, name)) <= position) {
      if (Date.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return true;
  }

  /** Next position the subscription will read. */
  async cursor(tenant: TenantId, name: string): Promise<number> {
    const { rows } = await this.store.database.fetch<{ position: number }>(tenant, {
      name: 'cursor-read',
      text: 'SELECT position FROM cursor WHERE tenant = $1 AND name = $2',
      values: [tenant, name],
    });
    return rows[0]?.position ?? 0;
  }

  /** Empties a projection and reads the whole log again, in one transaction; names no projection = all. */
  async rebuild(tenant: TenantId, name?: string): Promise<{ name: string; events: number }[]> {
    const chosen = [...this.projections.values()].filter(
      (projection) => name === undefined || projection.name === name,
    );
    const done: { name: string; events: number }[] = [];
    for (const projection of chosen) {
      const events = await this.store.database.transaction(tenant, async (query) => {
        await lockCursor(query, tenant, projection.name, true);
        await projection.reset(query);
        return this.replay(tenant, projection, query);
      });
      done.push({ name: projection.name, events });
    }
    return done;
  }

  private async replay(tenant: TenantId, projection: Projection, query: Query): Promise<number> {
    let position = 0;
    for (;;) {
      const events = await this.store.read(tenant, position, BATCH);
      if (events.length === 0) break;
      await projection.apply(events, query);
      position = events.at(-1)!.position + 1;
    }
    await moveCursor(query, tenant, projection.name, position);
    return position;
  }

  private wake(tenant: TenantId): void {
    for (const name of [...this.projections.keys(), ...this.processes.keys()])
      this.loops.get(`${tenant}/${name}`)?.wake();
  }

  private follow(tenant: TenantId): void {
    for (const name of [...this.projections.keys(), ...this.processes.keys()]) {
      const key = `${tenant}/${name}`;
      if (this.stopping || this.loops.has(key)) continue;
      const loop: Loop = { wake: () => undefined, run: Promise.resolve() };
      this.loops.set(key, loop);
      loop.run = this.loop(tenant, name, loop);
    }
  }

  private async loop(tenant: TenantId, name: string, loop: Loop): Promise<void> {
    let failures = 0;
    while (!this.stopping) {
      let read = 0;
      try {
        read = await this.step(tenant, name);
        failures = 0;
      } catch (error) {
        failures += 1;
        const position = await this.cursor(tenant, name).catch(() => -1);
        this.trouble('subscription stopped at an event; it will be tried again', {
          subscription: name,
          tenant,
          position,
          cause: (error as Error).name,
        });
      }
      if (read === BATCH || this.stopping) continue;
      const pause = failures === 0 ? POLL_MS : Math.min(MAX_BACKOFF_MS, POLL_MS * 2 ** failures);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        loop.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  private async step(tenant: TenantId, name: string): Promise<number> {
    const projection = this.projections.get(name);
    const process = this.processes.get(name);
    const position = await this.cursor(tenant, name);
    if ((await this.store.read(tenant, position, 1)).length === 0) return 0;
    return this.store.database.transaction(tenant, async (query) => {
      const from = await lockCursor(query, tenant, name, false);
      if (from === undefined) return 0;
      const events = await this.store.read(tenant, from, BATCH);
      const unknown = events.find((event) => !isKnownEvent(event.type));
      if (unknown) throw new UnknownEvent(unknown.type);
      if (projection) await projection.apply(events, query);
      if (process) for (const event of events) await process.handle(event);
      if (events.length > 0) await moveCursor(query, tenant, name, events.at(-1)!.position + 1);
      return events.length;
    });
  }
}

/** This build is older than an event it reads: skipping it could drop a fact. */
export class UnknownEvent extends Error {
  constructor(type: string) {
    super(`event type ${type} is not known to this build`);
    this.name = `UnknownEvent(${type})`;
  }
}

/** The locked cursor, or undefined when another replica holds it. */
async function lockCursor(query: Query, tenant: TenantId, name: string, wait: boolean): Promise<number | undefined> {
  await query({
    name: 'cursor-create',
    text: 'INSERT INTO cursor (tenant, name, position, updated_at) VALUES ($1, $2, 0, now()) ON CONFLICT DO NOTHING',
    values: [tenant, name],
  });
  const { rows } = await query<{ position: number }>({
    text: `SELECT position FROM cursor WHERE tenant = $1 AND name = $2 FOR UPDATE ${wait ? '' : 'SKIP LOCKED'}`,
    values: [tenant, name],
  });
  return rows[0]?.position;
}

async function moveCursor(query: Query, tenant: TenantId, name: string, position: number): Promise<void> {
  await query({
    name: 'cursor-move',
    text: 'UPDATE cursor SET position = $3, updated_at = now() WHERE tenant = $1 AND name = $2',
    values: [tenant, name, position],
  });
}
