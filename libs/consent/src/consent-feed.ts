/** What this replica knows of changes elsewhere: a tail of the ledger that drops stale cache entries. */
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { EventStore, type NewEvent } from '#ledger';
import { LOGGER, type Logger } from '#platform';

/** Told whose decisions or standing changed, or that purposes or links did. */
export interface FeedListener {
  subjectChanged?(tenant: TenantId, subject: SubjectId): void;
  purposeChanged?(tenant: TenantId): void;
  linksChanged?(tenant: TenantId): void;
  /** The tail begins anew at the head: whatever was cached before may have missed changes. */
  startedAnew(tenant: TenantId): void;
}

interface Tail {
  /** Next position to read; everything before it has been applied. */
  next: number;
  contact: number;
  used: number;
  running: boolean;
  /** Something was committed here while it was reading. */
  again: boolean;
}

const POLL_MS = 50;
/** A tail that nobody asks about is dropped; the next question starts a new one at the head. */
const IDLE_MS = 60_000;
/** Silence after which a cached answer is no longer trusted. */
const SILENCE_MS = 2000;
const BATCH = 1000;

@Injectable()
export class ConsentFeed implements OnApplicationShutdown {
  private readonly tails = new Map<TenantId, Tail>();
  private readonly listeners: FeedListener[] = [];
  private readonly unlisten: () => void;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly store: EventStore,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.unlisten = store.onCommit((tenant, last, { appended }) => this.committed(tenant, last, appended));
    this.timer = setInterval(() => this.pollAll(), POLL_MS);
    this.timer.unref();
  }

  listen(listener: FeedListener): void {
    this.listeners.push(listener);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.unlisten();
  }

  /** True when a cached answer of this tenant may be given: the tail runs and was heard of lately. */
  trusted(tenant: TenantId): boolean {
    const tail = this.tails.get(tenant);
    if (!tail) {
      void this.open(tenant);
      return false;
    }
    tail.used = performance.now();
    return tail.contact > performance.now() - SILENCE_MS;
  }

  /** Position up to which changes have been applied here, or -1. */
  applied(tenant: TenantId): number {
    return (this.tails.get(tenant)?.next ?? 0) - 1;
  }

  private async open(tenant: TenantId): Promise<void> {
    const tail: Tail = {
      next: 0,
      contact: Number.NEGATIVE_INFINITY,
      used: performance.now(),
      running: true,
      again: false,
    };
    this.tails.set(tenant, tail);
    try {
      tail.next = (await this.store.head(tenant)).size;
      for (const listener of this.listeners) listener.startedAnew(tenant);
      tail.contact = performance.now();
    } catch {
      this.tails.delete(tenant);
    }
    tail.running = false;
  }

  private pollAll(): void {
    const now = performance.now();
    for (const [tenant, tail] of this.tails) {
      if (tail.used < now - IDLE_MS) this.tails.delete(tenant);
      else void this.advance(tenant);
    }
  }

  /** What this process wrote need not be read, unless something is between it and what was applied. */
  private committed(tenant: TenantId, last: number, appended: readonly NewEvent[]): void {
    const tail = this.tails.get(tenant);
    if (!tail) return;
    if (tail.running || tail.next !== last + 1 - appended.length) {
      tail.again = true;
      void this.advance(tenant);
      return;
    }
    for (const { type, data } of appended) this.apply(tenant, type, data);
    tail.next = last + 1;
    tail.contact = performance.now();
  }

  private async advance(tenant: TenantId): Promise<void> {
    const tail = this.tails.get(tenant);
    if (!tail || tail.running) return;
    tail.running = true;
    try {
      for (;;) {
        tail.again = false;
        const events = await this.store.read(tenant, tail.next, BATCH);
        for (const { type, data } of events) this.apply(tenant, type, data);
        tail.next += events.length;
        tail.contact = performance.now();
        if (events.length < BATCH && !tail.again) break;
      }
    } catch (error) {
      this.log.warn({ tenant, cause: (error as Error).name }, 'consent feed is silent');
    } finally {
      tail.running = false;
    }
  }

  private apply(tenant: TenantId, type: string, data: Record<string, unknown>): void {
    const subject = data['subject'] ?? data['subjectId'];
    for (const listener of this.listeners) {
      if (type === 'PurposeDefined.v1') listener.purposeChanged?.(tenant);
      else if (type === 'SubjectsLinked.v1' || type === 'SubjectsUnlinked.v1') listener.linksChanged?.(tenant);
      else if (typeof subject === 'string' && !leavesDecisionsAlone.has(type))
        listener.subjectChanged?.(tenant, subject as SubjectId);
    }
  }
}

/** Events that name a person and change nothing a check answers by; there are many of them. */
const leavesDecisionsAlone = new Set(['AccessRecorded.v1', 'LetheReadRecorded.v1']);
