/** What a busy log costs its subscriptions: steps are shared among flushes, and what is nobody's business waits. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { counted, createLedgerDatabase, openLog, replica } from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { until } from '../../../../test/support/until.js';
import { declareEvents } from '../event.js';
import { EventStore } from '../store/event-store.js';
import { Pace } from './signal.js';
import type { Process } from './subscription.js';
import { Subscriptions } from './subscriptions.js';

declareEvents('Awaited.v1');

let db: TestDatabase;
let store: EventStore;
let other: EventStore;
const running: Subscriptions[] = [];
beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock);
  other = replica(db);
});
afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await other.database.close();
  await db.drop();
});

/** Notes how many events each step brought, and when each was seen. */
class Noting implements Process {
  readonly steps: (readonly unknown[])[] = [];
  readonly seen: { position: number; at: number }[] = [];

  declare readonly types?: ReadonlySet<string>;

  constructor(
    readonly name: string,
    types?: ReadonlySet<string>,
  ) {
    if (types) this.types = types;
  }

  async handle({ position }: { position: number }, step: readonly unknown[]): Promise<void> {
    if (!this.steps.includes(step)) this.steps.push(step);
    this.seen.push({ position, at: performance.now() });
  }
}

function subscribe(tenant: TenantId, ...processes: Process[]): Subscriptions {
  const subscriptions = new Subscriptions(
    store,
    () => Promise.resolve([tenant]),
    () => undefined,
  );
  for (const process of processes) subscriptions.process(process);
  subscriptions.start();
  running.push(subscriptions);
  return subscriptions;
}

const awaited = (tenant: TenantId): Parameters<EventStore['append']>[0] => ({
  tenant,
  actorRef: 'staff-1',
  events: [{ stream: 'awaited', type: 'Awaited.v1', data: {} }],
});

/** One append after another, as callers make them. */
async function stream(tenant: TenantId, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await store.append(counted(tenant, 'busy'));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Half seconds in the middle one of these waits: who is not hurried needs one, and a crowded machine slows but a few. */
function halfSeconds(waits: readonly number[]): number {
  return Math.floor([...waits].sort((a, b) => a - b)[waits.length >> 1]! / 480);
}

describe('a subscription of a busy log', () => {
  it('reads in one step what many flushes brought, once its burst is spent', async () => {
    const tenant = await openLog(store);
    const all = new Noting('all');
    const subscriptions = subscribe(tenant, all);
    await stream(tenant, 300);
    expect(await subscriptions.caughtUp(tenant, 'all', 299)).toBe(true);
    expect(all.seen.map(({ position }) => position)).toEqual(Array.from({ length: 300 }, (_, at) => at));
    expect(all.steps.length).toBeLessThan(100);
  });

  it('passes over what it does not act on, late and many at once, and is told at once of what it acts on', async () => {
    const tenant = await openLog(store);
    const named = new Noting('named', new Set(['Awaited.v1']));
    const subscriptions = subscribe(tenant, named);
    const began = performance.now();
    await stream(tenant, 100);
    // Nothing for it is there: it may lie behind, by half a second.
    expect(named.steps.length).toBeLessThan(3 + (performance.now() - began) / 400);
    await until('the rest was passed over', async () => (await subscriptions.cursor(tenant, 'named')) === 100, 5_000);
    const waits: number[] = [];
    for (let position = 100; position < 120; position++) {
      const appended = performance.now();
      await store.append(awaited(tenant));
      await until('it was told', () => named.seen.length > position, 5_000);
      waits.push(performance.now() - appended);
    }
    expect(halfSeconds(waits)).toBe(0);
    expect(named.seen.map(({ position }) => position)).toEqual(Array.from({ length: 120 }, (_, at) => at));
  });

  it('hears of what another process wrote, whose types nobody has told', async () => {
    const tenant = await openLog(store);
    const named = new Noting('from-elsewhere', new Set(['Awaited.v1']));
    subscribe(tenant, named);
    await other.append(awaited(tenant));
    await store.append(counted(tenant, 'after'));
    await until('both were seen', () => named.seen.length === 2, 5_000);
    expect(named.seen.map(({ position }) => position)).toEqual([0, 1]);
  });

  it('hurries for somebody who waits for it', async () => {
    const tenant = await openLog(store);
    const named = new Noting('hurried', new Set(['Awaited.v1']));
    const subscriptions = subscribe(tenant, named);
    await store.append(awaited(tenant));
    await until('it runs', () => named.seen.length === 1, 5_000);
    const waits: number[] = [];
    for (let n = 1; n <= 20; n++) {
      await store.append(counted(tenant, 'hurry'));
      const asked = performance.now();
      expect(await subscriptions.caughtUp(tenant, 'hurried', n)).toBe(true);
      waits.push(performance.now() - asked);
    }
    expect(halfSeconds(waits)).toBe(0);
  });
});

describe('a pace', () => {
  it('lets a burst pass and then one turn at a time', () => {
    const pace = new Pace(3, 10_000);
    const waits = Array.from({ length: 5 }, () => Math.round(pace.spend() / 1_000));
    expect(waits).toEqual([0, 0, 0, 10, 20]);
  });
});
