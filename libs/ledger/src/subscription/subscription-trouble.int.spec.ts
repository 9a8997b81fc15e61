/** What a subscription does about its own faults and the log's: it stays where it is, loudly, and passes over nothing. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { counted, openLog } from '../../../../test/support/ledger-fixture.js';
import { noting, Subscribers } from '../../../../test/support/subscribers.js';
import { until } from '../../../../test/support/until.js';
import type { StoredEvent } from '../event.js';
import type { Process, Projection } from './subscription.js';

let all: Subscribers;
beforeAll(async () => {
  all = await Subscribers.open();
});
afterAll(() => all.close());

describe('a subscription in trouble', () => {
  it('keeps a projection at its event, without a storm, until it is repaired', async () => {
    const tenant = await openLog(all.store);
    let fails = true;
    let tries = 0;
    const fragile: Projection = {
      name: 'fragile',
      apply: async (events) => {
        tries += 1;
        if (fails && events.some(({ position }) => position === 3)) throw new RangeError('no');
        return Promise.resolve();
      },
      reset: () => Promise.resolve(),
    };
    const subscriptions = all.subscribe(all.store, [tenant], fragile);
    for (let at = 0; at < 40; at += 1) {
      await all.store.append(counted(tenant, 'f'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until('the trouble is told', () => all.troubles.some(({ subscription }) => subscription === 'fragile'));
    expect(tries).toBeLessThan(20);
    expect(await subscriptions.cursor(tenant, 'fragile')).toBeLessThanOrEqual(3);
    expect(all.troubles.find(({ subscription }) => subscription === 'fragile')?.cause).toBe('RangeError');
    fails = false;
    expect(await subscriptions.caughtUp(tenant, 'fragile', 39)).toBe(true);
  });

  it('applies what stands before the event that a projection fails at, and names that one', async () => {
    const tenant = await openLog(all.store);
    const rows = noting('guilty');
    let fails = true;
    const projection: Projection = {
      ...rows,
      apply: async (events, query) => {
        if (fails && events.some(({ position }) => position === 13)) throw new RangeError('planted');
        await rows.apply(events, query);
      },
    };
    for (let at = 0; at < 20; at += 1) await all.store.append(counted(tenant, 'g'));
    const subscriptions = all.subscribe(all.store, [tenant], projection);
    await until('the trouble is told', () => all.troubles.some(({ subscription }) => subscription === 'guilty'));
    expect(all.troubles.find(({ subscription }) => subscription === 'guilty')?.position).toBe(13);
    expect(await all.noted(tenant)).toHaveLength(13);
    fails = false;
    expect(await subscriptions.caughtUp(tenant, 'guilty', 19)).toBe(true);
    expect(await all.noted(tenant)).toHaveLength(20);
  });

  it('stops loudly before an event that somebody took out, and does not pass over it', async () => {
    const tenant = await openLog(all.store);
    for (let at = 0; at < 10; at += 1) await all.store.append(counted(tenant, 'h'));
    await all.db.superuser.query('DELETE FROM event WHERE tenant = $1 AND position = 5', [tenant]);
    const handled: number[] = [];
    const process: Process = {
      name: 'gap-process',
      handle: ({ position }) => Promise.resolve(void handled.push(position)),
    };
    const subscriptions = all.subscribe(all.store, [tenant], noting('gap'), process);
    for (const name of ['gap', 'gap-process']) {
      await until('the trouble is told', () => all.troubles.some(({ subscription }) => subscription === name));
      const { position, cause } = all.troubles.find(({ subscription }) => subscription === name)!;
      expect([position, cause]).toEqual([5, 'LogGap']);
    }
    expect(await all.noted(tenant)).toHaveLength(5);
    expect(handled).toEqual([0, 1, 2, 3, 4]);
    await expect(subscriptions.rebuild(tenant, 'gap')).rejects.toThrow('position 5 is missing');
  });

  it('keeps what a process did before the event that failed, and repeats only that', async () => {
    const tenant = await openLog(all.store);
    const handled: number[] = [];
    const broken = new Set([5]);
    const process: Process = {
      name: 'stumbling',
      handle: (event: StoredEvent) => {
        handled.push(event.position);
        return broken.delete(event.position) ? Promise.reject(new Error('once')) : Promise.resolve();
      },
    };
    for (let at = 0; at < 10; at += 1) await all.store.append(counted(tenant, 'p'));
    const subscriptions = all.subscribe(all.store, [tenant], process);
    expect(await subscriptions.caughtUp(tenant, 'stumbling', 9)).toBe(true);
    expect(handled).toEqual([0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]);
  });

  it('stops loudly at an event of a type that this build does not know, and not before', async () => {
    const tenant = await openLog(all.store);
    await all.store.append(counted(tenant, 'u'));
    await all.store.append({
      tenant,
      actorRef: 'staff-1',
      events: [{ stream: 'u', type: 'FromTheFuture.v9', data: {} }],
    });
    await all.store.append(counted(tenant, 'u'));
    const subscriptions = all.subscribe(all.store, [tenant], noting('old-build'));
    await until('the trouble is told', () => all.troubles.some(({ cause }) => cause.startsWith('UnknownEvent')));
    expect(await subscriptions.cursor(tenant, 'old-build')).toBe(1);
    expect(await all.noted(tenant)).toHaveLength(1);
  });

  it('cannot starve the service of connections: 40 busy subscriptions append and read inside their steps', async () => {
    const tenants = await Promise.all(Array.from({ length: 8 }, () => openLog(all.store)));
    const done = new Map<string, number>();
    const chatty = (at: number): Process => ({
      name: `chatty-${at}`,
      handle: async (event) => {
        await all.store.load(event.tenant, event.stream);
        if (event.stream === 'start') await all.store.append(counted(event.tenant, `from/${at}`));
        done.set(`${event.tenant}/${at}`, event.position);
      },
    });
    all.subscribe(all.store, tenants, ...Array.from({ length: 5 }, (_, at) => chatty(at)));
    await Promise.all(tenants.map((tenant) => all.store.append(counted(tenant, 'start'))));
    await until(
      'all have handled everything',
      () => [...done.values()].filter((position) => position === 5).length === 40,
      20_000,
    );
    expect(done.size).toBe(40);
  });
});
