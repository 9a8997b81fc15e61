/** The queue of one tenant: what arrives while a flush is under way shares the next commit (group commit). */
import { performance } from 'node:perf_hooks';
import type { PoolClient } from 'pg';
import { canonicalize, type Clock, type TenantId } from '#kernel';
import { redoStatement } from '../archive/archive-redo.js';
import { admit, keyOf, type Admission } from './admit.js';
import { LedgerOverloaded, type Append, type Appended, type InlineTable } from './append.js';
import { advance, concernsAll, mayRepeat, prepareBatch, unknownStreams, type Belief, type Member } from './batch.js';
import type { Database, Query } from '../database/database.js';
import { draftLeaf, type NewEvent } from '../event.js';
import { breaksConnection, HeadMoved, send, type Prepared } from './flush.js';
import { flushLocked } from './locked-flush.js';
import { readVersions } from '../ledger.queries.js';

/** One commit, as its sender saw it. */
export interface Flushed {
  /** The events as they were handed in, in the order of their positions. */
  appended: readonly NewEvent[];
  /** From the first statement until the answer to COMMIT. */
  seconds: number;
  /** True when rows went into this inline table with the events, or side statements may have written there. */
  wrote: (table: InlineTable) => boolean;
}

/** A flush that was sent and not yet answered. */
interface Flight {
  members: Member[];
  prepared: Prepared;
  sentAt: number;
  landed: Promise<Error | undefined>;
}

const MAX_BATCH = 500;
const MAX_QUEUE = 20_000;
const MAX_KNOWN_STREAMS = 20_000;
/** While one flush is written, the next is decided and waits behind it on the same connection. */
const MAX_IN_FLIGHT = 2;
/** Fewer than this wait for the flush before them: each flush costs a commit, whatever its size. */
const WORTH_A_FLIGHT = 32;
/** After a lost race, this many flushes lock the head first: two busy replicas then take turns. */
const LOCKED_AFTER_A_MISS = 16;
const MAX_REPEATS = 5;

export class Lane {
  private queue: Member[] = [];
  private flights: Flight[] = [];
  private belief: Belief | undefined;
  private draining = false;
  private lockedNext = 0;
  private crowded: () => void = () => undefined;

  constructor(
    private readonly database: Database,
    private readonly tenant: TenantId,
    private readonly clock: Clock,
    private readonly committed: (tenant: TenantId, lastPosition: number, flush: Flushed) => void,
    private readonly keepsRedo: boolean,
  ) {}

  append(append: Append): Promise<Appended> {
    if (this.queue.length >= MAX_QUEUE) return Promise.reject(new LedgerOverloaded());
    return new Promise((resolve, reject) => {
      if (append.events.length === 0) throw new RangeError('an append has at least one event');
      // What is no text for the database is refused here, at the door, and never reaches a batch.
      if (append.expect) canonicalize(append.expect);
      const drafts = append.events.map((event) => draftLeaf(this.tenant, append.actorRef, event));
      this.queue.push({ append, drafts, resolve, reject });
      if (this.queue.length === WORTH_A_FLIGHT) this.crowded();
      if (this.draining) return;
      this.draining = true;
      // Let everything that is ready in this turn of the event loop join the same commit.
      setImmediate(() => void this.drain());
    });
  }

  /** Appends that wait for a flush. */
  get queued(): number {
    return this.queue.length;
  }

  get idle(): boolean {
    return !this.draining && this.queue.length === 0;
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      try {
        const client = await this.database.lendForFlush();
        let broken: Error | undefined = new Error('a flush did not end as it should');
        try {
          broken = await this.flushAll(client);
        } finally {
          client.release(broken);
        }
      } catch (error) {
        // There is no connection: whoever waits is told now, and can repeat.
        for (const member of this.queue.splice(0)) member.reject(error);
      }
    }
    this.draining = false;
  }

  /**
   * Flushes until nothing waits, or another tenant wants the connection; once at least. Never rejects; resolves to what
   * broke the connection.
   */
  private async flushAll(client: PoolClient): Promise<Error | undefined> {
    let broken: Error | undefined;
    for (let flushes = 0; !broken && this.queue.length + this.flights.length > 0;) {
      const yielding = flushes > 0 && this.database.use.flushes.waiting > 0;
      if (yielding && this.flights.length === 0) return undefined;
      const room = this.flights.length < MAX_IN_FLIGHT && this.queue.length >= WORTH_A_FLIGHT;
      const goes = !yielding && (this.flights.length === 0 || room);
      broken = goes ? await this.flushNext(client) : await this.landOrCrowd(client);
      if (goes) flushes += 1;
    }
    // Flights of a broken connection have failed with it: their members are told.
    while (this.flights.length > 0) broken = (await this.land(client, broken)) ?? broken;
    return broken;
  }

  private async flushNext(client: PoolClient): Promise<Error | undefined> {
    const members = this.take();
    const mustLock = this.lockedNext > 0 || members.some(({ append, suspect }) => append.side !== undefined || suspect);
    if (mustLock || !this.belief) return this.locked(client, members);
    const { accepted, stale } = await this.decide(this.belief, members);
    if (accepted.length > 0) await this.launch(client, this.belief, accepted);
    if (stale.length > 0)
      return this.locked(
        client,
        stale.map(({ member }) => member),
      );
    // Nothing was sent, so what was deferred waits for the answer to a flight.
    return accepted.length === 0 ? this.land(client) : undefined;
  }

  /** Appends with side statements and suspects go alone, so that their failure concerns nobody else. */
  private take(): Member[] {
    const alone = this.queue.findIndex(({ append, suspect }) => append.side !== undefined || suspect === true);
    if (alone === 0) return this.queue.splice(0, 1);
    const upTo = alone < 0 ? this.queue.length : alone;
    // A crowd goes as two flights, so that this process and the database work at the same time.
    const share = this.flights.length === 0 && upTo >= 2 * WORTH_A_FLIGHT ? Math.ceil(upTo / 2) : upTo;
    return this.queue.splice(0, Math.min(MAX_BATCH, share));
  }

  /**
   * Who may join the next flush, from what is believed and what the database says of streams not yet known. Idempotency
   * keys are not looked for: their caller has just done so, and one kept since makes the flush fail and be done again.
   */
  private async decide({ versions }: Belief, members: Member[]): Promise<Admission<Member>> {
    const streams = unknownStreams(members, versions);
    const query: Query = (statement) => this.database.fetch(this.tenant, statement);
    try {
      const found = streams.length > 0 ? await readVersions(query, this.tenant, streams) : [];
      for (const stream of streams) versions.set(stream, 0);
      for (const row of found) versions.set(row.stream, row.version);
      const admission = admit(members, versions, new Map(), this.keysOnTheirWay());
      for (const { member, error } of admission.answered) member.reject(error);
      this.queue.unshift(...admission.deferred);
      return admission;
    } catch (error) {
      for (const member of members) member.reject(error);
      return { accepted: [], answered: [], stale: [], deferred: [] };
    }
  }

  private keysOnTheirWay(): Set<string> {
    return new Set(this.flights.flatMap(({ members }) => members.flatMap(({ append }) => keyOf(append) ?? [])));
  }

  private async launch(client: PoolClient, belief: Belief, members: Member[]): Promise<void> {
    try {
      const { prepared, sent } = prepareBatch(this.tenant, belief, members, this.clock.now());
      if (!prepared) return;
      this.belief = advance(belief, prepared);
      if (this.keepsRedo) prepared.statements.push(redoStatement(this.tenant, prepared, []));
      const sentAt = performance.now();
      const { landed } = await send(client, this.tenant, prepared);
      this.flights.push({ members: sent, prepared, sentAt, landed });
    } catch (error) {
      this.belief = undefined;
      for (const member of members) member.reject(error);
    }
  }

  /** Waits for the oldest flight's answer, or, with room for another flight, until enough wait for one. */
  private async landOrCrowd(client: PoolClient): Promise<Error | undefined> {
    const [oldest] = this.flights;
    if (!oldest || this.flights.length >= MAX_IN_FLIGHT) return this.land(client);
    const crowd = new Promise<boolean>((resolve) => (this.crowded = () => resolve(false)));
    const landed = await Promise.race([oldest.landed.then(() => true), crowd]);
    if (landed) return this.land(client);
    await new Promise((resolve) => setImmediate(resolve));
    return undefined;
  }

  /** Settles the oldest flight. When it failed, those behind it were built on it and have missed: all are done again. */
  private async land(client: PoolClient, broken?: Error): Promise<Error | undefined> {
    const flight = this.flights.shift();
    if (!flight) return undefined;
    const error = await flight.landed;
    if (!error) return this.settle(flight);
    this.belief = undefined;
    const failed = [{ ...flight, error }];
    for (const behind of this.flights.splice(0)) {
      const missed = await behind.landed;
      if (missed) failed.push({ ...behind, error: missed });
      else this.settle(behind);
    }
    let dead = broken ?? failed.map((one) => one.error).find(breaksConnection);
    for (const one of failed) dead = (await this.recover(client, one.members, one.error, dead)) ?? dead;
    return dead;
  }

  /** Decides and writes a batch under the lock of the head, after all that was sent before. */
  private async locked(client: PoolClient, members: Member[], repeats = 0): Promise<Error | undefined> {
    let broken: Error | undefined;
    while (this.flights.length > 0) broken = (await this.land(client, broken)) ?? broken;
    if (broken) return this.putBack(members, broken);
    if (this.lockedNext > 0) this.lockedNext -= 1;
    const sentAt = performance.now();
    const done = await flushLocked(client, this.tenant, members, this.belief, {
      now: () => this.clock.now(),
      keepsRedo: this.keepsRedo,
    });
    this.belief = done.belief;
    for (const { member, error } of done.refused) member.reject(error);
    this.queue.unshift(...done.deferred);
    if (done.prepared) return this.settle({ members: done.accepted, prepared: done.prepared, sentAt });
    if (!done.error) return undefined;
    if (mayRepeat(done.error) && repeats < MAX_REPEATS && !done.broken)
      return this.locked(client, done.accepted, repeats + 1);
    return this.recover(client, done.accepted, done.error, done.broken, MAX_REPEATS);
  }

  /** A batch is never poisoned by one member: after an error of its own it is halved down to the guilty one. */
  private async recover(
    client: PoolClient,
    members: Member[],
    error: Error,
    broken?: Error,
    repeats = 0,
  ): Promise<Error | undefined> {
    if (error instanceof HeadMoved) this.lockedNext = LOCKED_AFTER_A_MISS;
    if (mayRepeat(error) && repeats < MAX_REPEATS) {
      return broken ? this.putBack(members, broken) : this.locked(client, members, repeats + 1);
    }
    if (members.length === 1 || concernsAll(error)) {
      for (const member of members) member.reject(error);
      return broken;
    }
    if (broken) {
      for (const member of members) member.suspect = true;
      return this.putBack(members, broken);
    }
    const middle = members.length >> 1;
    const dead = await this.locked(client, members.slice(0, middle));
    return dead ? this.putBack(members.slice(middle), dead) : this.locked(client, members.slice(middle));
  }

  private putBack(members: Member[], broken: Error): Error {
    this.queue.unshift(...members);
    return broken;
  }

  private settle({ members, prepared, sentAt }: Omit<Flight, 'landed'>): undefined {
    members.forEach((member, index) => member.resolve(prepared.placed[index]!));
    const appended = members.flatMap(({ append }) => append.events);
    const seconds = (performance.now() - sentAt) / 1000;
    const wrote = (table: InlineTable): boolean =>
      members.some(({ append }) => append.side !== undefined || append.rows?.some(({ into }) => into === table));
    this.committed(this.tenant, prepared.next.frontier.size - 1, { appended, seconds, wrote });
    const { belief } = this;
    // What is known of streams may be forgotten only while nothing is on its way that the database does not know yet.
    if (belief && this.flights.length === 0 && belief.versions.size > MAX_KNOWN_STREAMS) belief.versions.clear();
    return undefined;
  }
}
