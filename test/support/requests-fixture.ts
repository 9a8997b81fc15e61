/** The request engine with its people, over databases that the specs of a file share; what is around it is in memory. */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { TestClock } from '#kernel';
import { jobsMigrations } from '#jobs';
import type { EventStore, Migration } from '#ledger';
import { People } from '#subjects';
import { requestsMigrations } from '../../libs/requests/src/requests.migrations.js';
import { fakePorts } from './fake-ports.js';
import type { FakeSystem } from './fake-systems.js';
import { deskOf } from './request-desk.js';
import { engineOf, startEngine, type Setting } from './request-engine.js';
import { openSubjects, type SubjectsFixture } from './subjects-fixture.js';

const START = '2026-11-02T09:00:00Z';

/** Each test has a tenant of its own in them. */
export interface SharedDatabases {
  base: SubjectsFixture;
  clock: TestClock;
}

/** @param more migrations of domains that a spec puts in a fake's place */
export async function openDatabases(more: Migration[] = []): Promise<SharedDatabases> {
  const clock = new TestClock(new Date(START));
  return { clock, base: await openSubjects(clock, [...jobsMigrations, ...requestsMigrations, ...more]) };
}

/** Everything a spec of the engine needs. `asBefore` writes facts as they were when files shared the person's key. */
export async function openRequests({ base, clock }: SharedDatabases, systems: FakeSystem[], { asBefore = false } = {}) {
  clock.set(new Date(START));
  const { keyStore, subjects } = base;
  const tenant = await base.newTenant();
  const store = asBefore ? likeBefore(base.store) : base.store;
  const ports = fakePorts(base, new People(base.ledger.database, base.sealer), systems);
  const setting: Setting = { base, clock, tenant, store, ports };
  const engine = engineOf(setting);
  const running = startEngine(setting, engine);
  const { rules, connected, erasure, office, collected, people } = ports;
  return {
    ...{ base, clock, tenant, store, keyStore, subjects, people },
    ...{ rules, connected, erasure, office, collected },
    ...running,
    ...{ requests: engine.requests, file: engine.file },
    ...deskOf(setting, engine),
    close: async () => {
      await running.worker.stop(500);
      await running.subscriptions.stop();
      await store.drained();
    },
  };
}

export type RequestsFixture = Awaited<ReturnType<typeof openRequests>>;

/** `openRequests` for the specs of the `describe` that calls this: what it opens ends with each, its databases after all. */
export function requestsPerSpec(more?: Migration[]) {
  const opened: RequestsFixture[] = [];
  let shared: SharedDatabases;
  beforeAll(async () => {
    shared = await openDatabases(more);
  });
  afterAll(() => shared.base.close());
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  return async (systems: FakeSystem[], how?: { asBefore: boolean }): Promise<RequestsFixture> => {
    const all = await openRequests(shared, systems, how);
    opened.push(all);
    return all;
  };
}

/** Leaves out of the facts what they did not say then. */
function likeBefore(store: EventStore): EventStore {
  const append: EventStore['append'] = async (one) => {
    const events = one.events.map(({ data, ...event }) => {
      const { keyHolder: _, subjects: __, ...rest } = data;
      return { ...event, data: rest };
    });
    return store.append({ ...one, events });
  };
  return Object.assign(Object.create(store) as EventStore, { append });
}
