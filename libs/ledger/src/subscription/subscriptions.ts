/** Projections and processes: run from the ledger with a durable cursor, never from an in-memory bus. */
import type { TenantId } from '#kernel';
import { pointsToOutage } from '../database/connection-pool.js';
import { readCursor } from './cursor.queries.js';
import { codeOf } from '../database/database.js';
import type { NewEvent } from '../event.js';
import type { EventStore } from '../store/event-store.js';
import { readSize } from '../ledger.queries.js';
import { Pace, Signal, Turnstile } from './signal.js';
import {
  LogGap,
  PROJECTION_BATCH,
  rebuildProjection,
  stepProcess,
  stepProjection,
  UnknownEvent,
  type Process,
  type Projection,
  type Step,
} from './subscription.js';

/** Where trouble is told; ids only. */
export type Trouble = (
  message: string,
  fields: { subscription: string; tenant: TenantId; position: number; cause: string },
) => void;

const TENANTS_MS = 1000;
/** How often a tenant's head is looked at: other replicas append too. It grows while nothing happens. */
const LOOK_MS = 100;
const MAX_LOOK_MS = 1000;
const HELD_MS = 500;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 30_000;
/** On a busy log a step reads what several flushes brought; the steps of one request follow each other at once. */
const BURST = 20;
const GATHER_MS = 50;
/** Class of SQLSTATE: disk, memory or connections are used up. */
const NO_ROOM = '53';
/** Steps hold a transaction; more at once would leave none to the commands that handlers send. */
const STEPS_AT_ONCE = 4;

/** How late, and how far behind, a subscription may be that finds nothing to act on. */
const PASS_OVER_MS = 500;
const PASS_OVER_EVENTS = 200;

/** One subscription of one tenant. */
interface Loop {
  signal: Signal;
  /** Size of the log up to which there may be something for it to act on. */
  wanted: number;
  run: Promise<void>;
}

/** One tenant's log as the loops know it. */
interface Watched {
  size: number;
  loops: Map<string, Loop>;
}

/** Runs every projection and process for every tenant; one replica at a time holds a cursor. */
export class Subscriptions {
  private readonly projections = new Map<string, Projection>();
  private readonly processes = new Map<string, Process>();
  private readonly watched = new Map<TenantId, Watched>();
  private readonly turnstile = new Turnstile(STEPS_AT_ONCE);
  private readonly looks: Promise<void>[] = [];
  private readonly pauses = new Set<() => void>();
  private stopping = false;
  private unlisten: () => void = () => undefined;

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

  /** True for a subscription of this process; a cursor may be of one that a build or a setting has ended. */
  has(name: string): boolean {
    return this.projections.has(name) || this.processes.has(name);
  }

  /** Starts all loops, for tenants that exist and those that come. */
  start(): void {
    this.unlisten = this.store.onCommit((tenant, last, { appended }) => this.grew(tenant, last + 1, appended));
    this.looks.push(this.lookForTenants());
  }

  /** Lets running steps end. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.unlisten();
    for (const end of this.pauses) end();
    const loops = [...this.watched.values()].flatMap((tenant) => [...tenant.loops.values()]);
    for (const { signal } of loops) signal.raise();
    await Promise.all([...loops.map(({ run }) => run), ...this.looks]);
  }

  /** Resolves true when the subscription has passed `position`, false when `timeoutMs` ran out. */
  async caughtUp(tenant: TenantId, name: string, position: number, timeoutMs = 5000): Promise<boolean> {
    const until = Date.now() + timeoutMs;
    const loop = this.watched.get(tenant)?.loops.get(name);
    if (loop) want(loop, position + 1);
    while ((await this.cursor(tenant, name)) <= position) {
      if (Date.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return true;
  }

  /** Next position the subscription will read. */
  cursor(tenant: TenantId, name: string): Promise<number> {
    return readCursor((statement) => this.store.database.fetch(tenant, statement), tenant, name);
  }

  /** Empties a projection and reads the whole log again, in one transaction; names no projection = all. */
  async rebuild(tenant: TenantId, name?: string): Promise<{ name: string; events: number }[]> {
    const chosen = [...this.projections.values()].filter(
      (projection) => name === undefined || projection.name === name,
    );
    const done: { name: string; events: number }[] = [];
    for (const projection of chosen) {
      done.push({ name: projection.name, events: await rebuildProjection(this.store.database, tenant, projection) });
    }
    return done;
  }

  private async lookForTenants(): Promise<void> {
    while (!this.stopping) {
      for (const tenant of await this.tenants().catch(() => [])) this.follow(tenant);
      await this.pause(TENANTS_MS);
    }
  }

  private follow(tenant: TenantId): void {
    let watched = this.watched.get(tenant);
    if (!watched) {
      watched = { size: 0, loops: new Map() };
      this.watched.set(tenant, watched);
      this.looks.push(this.lookAtHead(tenant));
    }
    for (const name of [...this.projections.keys(), ...this.processes.keys()]) {
      if (this.stopping || watched.loops.has(name)) continue;
      const loop: Loop = { signal: new Signal(), wanted: watched.size, run: Promise.resolve() };
      loop.run = this.loop(tenant, name, watched, loop);
      watched.loops.set(name, loop);
    }
  }

  /** One cheap read a tenant, whatever number of subscriptions it has. */
  private async lookAtHead(tenant: TenantId): Promise<void> {
    let wait = LOOK_MS;
    while (!this.stopping) {
      const before = this.watched.get(tenant)?.size ?? 0;
      const size = await readSize((statement) => this.store.database.fetch(tenant, statement), tenant).catch(
        () => before,
      );
      wait = size > before ? LOOK_MS : Math.min(MAX_LOOK_MS, wait * 1.5);
      this.grew(tenant, size);
      await this.pause(wait);
    }
  }

  /** `appended`: the last events, when this process wrote them. What another one wrote may concern everybody. */
  private grew(tenant: TenantId, size: number, appended: readonly NewEvent[] = []): void {
    const watched = this.watched.get(tenant);
    if (!watched || size <= watched.size) return;
    const unseen = size - watched.size > appended.length;
    watched.size = size;
    for (const [name, loop] of watched.loops) {
      const types = (this.projections.get(name) ?? this.processes.get(name))?.types;
      if (unseen || !types || appended.some(({ type }) => types.has(type))) want(loop, size);
      else if (size - loop.wanted > PASS_OVER_EVENTS) want(loop, size);
      else loop.signal.raiseIn(PASS_OVER_MS);
    }
  }

  private async loop(tenant: TenantId, name: string, watched: Watched, own: Loop): Promise<void> {
    let failures = 0;
    let next = 0;
    let batch = PROJECTION_BATCH;
    const pace = new Pace(BURST, GATHER_MS);
    while (!this.stopping) {
      if (next >= own.wanted) {
        await own.signal.wait(MAX_BACKOFF_MS);
        if (next >= watched.size) continue;
        // What is to be passed over is tried until it is.
        own.wanted = watched.size;
      }
      try {
        const step = await this.turnstile.pass(() => this.step(tenant, name, batch));
        failures = 0;
        batch = Math.min(PROJECTION_BATCH, 2 * batch);
        if (step === 'held') await this.pause(HELD_MS);
        else if (step.full) {
          next = Math.min(step.next, watched.size - 1);
          own.wanted = watched.size;
        } else {
          next = step.next;
          const rest = pace.spend();
          if (rest > 0) await this.pause(rest);
        }
      } catch (error) {
        if (!this.store.writable || pointsToOutage(error) || codeOf(error).startsWith(NO_ROOM)) {
          // The event is not to blame, and the outage is told once by who noticed it.
          await this.pause(HELD_MS);
          continue;
        }
        if (batch > 1 && this.projections.has(name) && !standsAtCursor(error)) {
          // The events before the guilty one are applied, and it is named: the batch is halved down to it.
          batch >>= 1;
          continue;
        }
        failures += 1;
        await this.report(tenant, name, error);
        // Commits do not cut this short: an event that fails would be tried at every one of them.
        await this.pause(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1)));
      }
    }
  }

  private async step(tenant: TenantId, name: string, batch: number): Promise<Step> {
    const { database } = this.store;
    const projection = this.projections.get(name);
    const process = this.processes.get(name);
    // What a process would do may have been taken back by a restore; projections only read.
    if (this.stopping || (process && !this.store.writable)) return 'held';
    if (projection) return stepProjection(database, tenant, projection, batch);
    return process ? stepProcess(database, tenant, process) : 'held';
  }

  private async report(tenant: TenantId, name: string, error: unknown): Promise<void> {
    const position = await this.cursor(tenant, name).catch(() => -1);
    const cause = `${error instanceof Error ? error.name : 'not an error'} ${codeOf(error)}`.trimEnd();
    this.trouble('subscription stopped at an event; it will be tried again', {
      subscription: name,
      tenant,
      position,
      cause,
    });
  }

  /** Waits, unless and until the subscriptions stop. */
  private async pause(milliseconds: number): Promise<void> {
    if (this.stopping) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      this.pauses.add(end);
    });
  }
}

/** The subscription has to read up to `size`, now. */
function want(loop: Loop, size: number): void {
  loop.wanted = Math.max(loop.wanted, size);
  loop.signal.raise();
}

/** What stops at the very event the cursor stands at, whatever the batch. */
function standsAtCursor(error: unknown): boolean {
  return error instanceof UnknownEvent || error instanceof LogGap;
}
