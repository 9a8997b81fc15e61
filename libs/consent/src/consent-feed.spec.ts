/** What a replica caches is used only while it hears of changes; a tail that begins anew believes nothing from before. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SubjectId, TenantId } from '#kernel';
import type { CommitListener, Database, EventStore, Flushed, NewEvent } from '#ledger';
import { createLogger } from '#platform';
import { ConsentFeed } from './consent-feed.js';
import { ConsentRecords } from './consent-records.js';
import { Purposes } from './purposes.js';

const tenant = '01900000-0000-7000-8000-000000000001' as TenantId;
const subject = '01900000-0000-7000-8000-000000000002' as SubjectId;

/** A database and a log that another replica writes to. */
class Elsewhere {
  events: { type: string; data: object }[] = [];
  basis = 'legitimate-interest';
  recordRows = 1;
  reads = 0;
  deaf = false;
  /** Positions from which the log was read. */
  readonly tailReads: number[] = [];
  /** Runs while the log is read, after what it answers is fixed. */
  whileTailed: () => Promise<unknown> = () => Promise.resolve();
  private committed: CommitListener = () => undefined;
  /** Runs while a read of the database is under way. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();

  readonly database = {
    fetch: async (_tenant: TenantId, { name }: { name: string }) => {
      this.reads += 1;
      if (name === 'purposes-read') return { rows: [{ id: 'p', definition: { legalBasis: this.basis } }] };
      const rows = Array.from({ length: this.recordRows }, (_, position) => ({
        ...{ alias: subject, restricted: false, ever_restricted: false, id: String(position), position },
        ...{ collected_at: new Date(0), recorded_at: new Date(0), expires_at: null },
      }));
      await this.meanwhile();
      return { rows };
    },
  } as unknown as Database;

  readonly store = {
    onCommit: (listener: CommitListener) => {
      this.committed = listener;
      return () => undefined;
    },
    head: () => Promise.resolve({ size: this.events.length }),
    read: async (_tenant: TenantId, from: number) => {
      if (this.deaf) throw new Error('cut');
      this.tailReads.push(from);
      const found = this.events.slice(from);
      await this.whileTailed();
      return found;
    },
  } as unknown as EventStore;

  /** This replica commits. */
  commit(...events: { type: string; data: object }[]): void {
    this.events.push(...events);
    const appended = events as unknown as NewEvent[];
    const flushed: Flushed = { appended, seconds: 0, wrote: () => false };
    this.committed(tenant, this.events.length - 1, flushed);
  }
}

describe('what a replica caches', () => {
  let elsewhere: Elsewhere;
  let feed: ConsentFeed;
  let records: ConsentRecords;
  let purposes: Purposes;
  const passes = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  const look = async (): Promise<{ decisions: number; basis: string | undefined }> => ({
    decisions: (await records.of(tenant, subject)).records.length,
    basis: (await purposes.find(tenant, 'p'))?.legalBasis,
  });
  /** Another replica records a decision and redefines the purpose. */
  const change = (): void => {
    elsewhere.recordRows += 1;
    elsewhere.basis = 'consent';
    elsewhere.events.push({ type: 'ConsentRecorded.v1', data: { subject } }, { type: 'PurposeDefined.v1', data: {} });
  };

  beforeEach(async () => {
    jest.useFakeTimers({ now: 1_800_000_000_000 });
    elsewhere = new Elsewhere();
    feed = new ConsentFeed(elsewhere.store, createLogger('silent'));
    records = new ConsentRecords(elsewhere.database, feed, elsewhere.store);
    purposes = new Purposes(elsewhere.database, feed, elsewhere.store);
    await look();
    await passes(100);
    await look();
  });
  afterEach(() => {
    feed.onApplicationShutdown();
    jest.useRealTimers();
  });

  it('is used while the feed runs', async () => {
    elsewhere.reads = 0;
    expect(await look()).toEqual({ decisions: 1, basis: 'legitimate-interest' });
    expect(elsewhere.reads).toBe(0);
  });

  it('is dropped when the feed tells of a change', async () => {
    change();
    await passes(60);
    expect(await look()).toEqual({ decisions: 2, basis: 'consent' });
  });

  it('is dropped at once when this replica itself commits a change, without a read of the log', async () => {
    elsewhere.tailReads.length = 0;
    elsewhere.recordRows += 1;
    elsewhere.commit({ type: 'ConsentRecorded.v1', data: { subject } });
    expect(await look()).toMatchObject({ decisions: 2 });
    expect(elsewhere.tailReads).toEqual([]);
    expect(feed.applied(tenant)).toBe(0);
  });

  it('is dropped for what another replica committed before this one did', async () => {
    change();
    elsewhere.commit({ type: 'ConsentRecorded.v1', data: { subject: 'somebody else' } });
    await passes(1);
    expect(await look()).toEqual({ decisions: 2, basis: 'consent' });
    expect(feed.applied(tenant)).toBe(2);
  });

  it('is dropped for what this replica committed while the log was read', async () => {
    elsewhere.whileTailed = async () => {
      elsewhere.whileTailed = () => Promise.resolve();
      elsewhere.recordRows += 1;
      elsewhere.commit({ type: 'ConsentRecorded.v1', data: { subject } });
    };
    await passes(51);
    expect(elsewhere.recordRows).toBe(2);
    expect(feed.applied(tenant)).toBe(0);
    expect(await look()).toMatchObject({ decisions: 2 });
  });

  it('is kept although others decide while it is read, and not when she does herself', async () => {
    const readWhile = async (data: object): Promise<number> => {
      records.forget(tenant, subject);
      elsewhere.meanwhile = async () => {
        elsewhere.events.push({ type: 'ConsentRecorded.v1', data });
        await passes(60);
      };
      await records.of(tenant, subject);
      elsewhere.meanwhile = () => Promise.resolve();
      elsewhere.reads = 0;
      await records.of(tenant, subject);
      return elsewhere.reads;
    };
    expect(await readWhile({ subject: 'somebody else' })).toBe(0);
    expect(await readWhile({ subject })).toBe(1);
  });

  it('is not believed after a silence, though the clock was set back in it', async () => {
    elsewhere.deaf = true;
    jest.setSystemTime(1_800_000_000_000 - 86_400_000);
    await passes(2100);
    change();
    expect(await look()).toEqual({ decisions: 2, basis: 'consent' });
  });

  it('is not believed after a silence', async () => {
    elsewhere.deaf = true;
    await passes(2100);
    change();
    expect(await look()).toEqual({ decisions: 2, basis: 'consent' });
  });

  it('is not believed after nobody asked for so long that the feed was let go', async () => {
    await passes(61_000);
    change();
    await passes(1000);
    expect(await look()).toEqual({ decisions: 2, basis: 'consent' });
    await passes(100);
    expect(await look()).toEqual({ decisions: 2, basis: 'consent' });
  });
});
