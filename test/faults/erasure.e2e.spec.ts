/** Acceptance 4: `kill -9` of the service in the middle of an erasure; every row is still changed exactly once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  approveByTwo,
  byEmail,
  closed,
  connectSystems,
  openProven,
  planOf,
  type Systems,
} from '../support/connected-systems.js';
import { ServiceProcess } from '../support/service-process.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const KILLS = LONG ? 5 : 2;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** After the restart, until the request is closed. */
const FINISH_MS = 20_000;
/** Rows of each person beside the account; a change of one takes this long, so that a kill can fall between two. */
const ORDERS = 30;
const ROW_MS = 15;

/** Mulberry32: the same moments for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let service: ServiceProcess;
let systems: Systems;
let undisturbedMs = 0;
const random = randomFrom(SEED);

const firstOrder = (person: number): number => 10_000 + (person - 5000) * ORDERS;

/** What the trigger must have seen of a person: each row deleted, anonymised or stripped, once. */
function changesOf(person: number): Record<string, number> {
  const orders = [person, ...Array.from({ length: ORDERS }, (_, n) => firstOrder(person) + n)];
  const others = [`customers/${person} DELETE`, `invoices/${person} UPDATE`, `reviews/${person} UPDATE`];
  return Object.fromEntries([...orders.map((id) => `orders/${id} DELETE`), ...others].map((name) => [name, 1]));
}

async function approved(person: number): Promise<string> {
  await systems.shop.sql.query(
    `INSERT INTO orders SELECT $1::int + n, $2::int, NULL, '2024-01-01', 1 FROM generate_series(0, ${ORDERS - 1}) n`,
    [firstOrder(person), person],
  );
  await systems.shop.sql.query(`INSERT INTO reviews VALUES ($1, $1, 'P.', 'good')`, [person]);
  await systems.shop.sql.query(
    `INSERT INTO invoices VALUES ($1, $1, 'Person', 1, 'p@example.test', '1990-01-01', '2024-01-01')`,
    [person],
  );
  await systems.shop.takeChanges();
  const id = await openProven(service, 'erasure', [byEmail(`p${person}@example.test`)]);
  const plan = await planOf(service, id);
  await approveByTwo(service, id, plan.hash);
  return id;
}

async function expectGone(person: number, id: string, waitMs: number): Promise<void> {
  const request = await closed(service, id, waitMs);
  expect(request.resolution).toBe('fulfilled-with-retention');
  const seen = await systems.shop.takeChanges();
  expect(seen).toEqual(changesOf(person));
  const warehouse = await systems.warehouse.snapshot();
  expect([warehouse.has(`dim_people/${person}`), warehouse.has(`clicks/${person}`)]).toEqual([false, false]);
  expect([warehouse.has('dim_people/5199'), warehouse.has('clicks/5199')]).toEqual([true, true]);
}

beforeAll(async () => {
  service = await ServiceProcess.prepare();
  await service.start();
  systems = await connectSystems(service, { slowMs: ROW_MS });
}, 60_000);

afterAll(async () => {
  await service.close();
  await systems.close();
});

describe(`an erasure whose service is killed ${KILLS} times (LETHE_TEST_SEED=${SEED})`, () => {
  it('takes its time undisturbed, so that there is a middle to hit', async () => {
    const id = await approved(5000);
    const start = performance.now();
    await expectGone(5000, id, FINISH_MS);
    undisturbedMs = performance.now() - start;
    expect(undisturbedMs).toBeGreaterThan(ORDERS * ROW_MS);
  }, 60_000);

  it.each(Array.from({ length: KILLS }, (_, n) => 5001 + n))(
    'finishes within 20 s of the restart, each row changed once (person %i)',
    async (person) => {
      const id = await approved(person);
      await sleep(random() * undisturbedMs);
      await service.end('SIGKILL');
      await service.start();
      await expectGone(person, id, FINISH_MS);
    },
    60_000,
  );
});
