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
import { passLeases } from '../support/pass-leases.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';
import { Chance } from '../simulation/chance.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const KILLS = LONG ? 5 : 1;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** After the restart, until the request is closed, beside what the same work takes undisturbed on this machine. */
const FINISH_MS = 20_000;
const PATIENCE_MS = 120_000;
/** Rows of each person beside the account; a change of one takes this long, so that a kill can fall between two. */
const ORDERS = 30;
const ROW_MS = 15;

let service: ServiceProcess;
let systems: Systems;
let undisturbedMs = 0;
const chance = new Chance(SEED);

const firstOrder = (person: number): number => 10_000 + (person - 5000) * ORDERS;

/** What the trigger must have seen of a person: each row deleted, anonymised or stripped, once. */
function changesOf(person: number): Record<string, number> {
  const orders = [person, ...Array.from({ length: ORDERS }, (_, n) => firstOrder(person) + n)];
  const others = [`customers/${person} DELETE`, `invoices/${person} UPDATE`, `reviews/${person} UPDATE`];
  return Object.fromEntries([...orders.map((id) => `orders/${id} DELETE`), ...others].map((name) => [name, 1]));
}

async function approved(person: number): Promise<string> {
  const { sql } = systems.shop;
  // Rows that come are noted by nobody, and at once: the planted trigger is slow.
  await sql.query('SET session_replication_role = replica');
  await sql.query(
    `INSERT INTO orders SELECT $1::int + n, $2::int, NULL, '2024-01-01', 1 FROM generate_series(0, ${ORDERS - 1}) n`,
    [firstOrder(person), person],
  );
  await sql.query(`INSERT INTO reviews VALUES ($1, $1, 'P.', 'good')`, [person]);
  await sql.query(`INSERT INTO invoices VALUES ($1, $1, 'Person', 1, 'p@example.test', '1990-01-01', '2024-01-01')`, [
    person,
  ]);
  await sql.query('RESET session_replication_role');
  await systems.shop.takeChanges();
  const id = await openProven(service, 'erasure', [byEmail(`p${person}@example.test`)]);
  const plan = await planOf(service, id);
  await approveByTwo(service, id, plan.hash);
  return id;
}

/** Resolves when some of the person's rows were changed and some were not. */
async function midway(person: number): Promise<void> {
  const wanted = 1 + chance.below(Object.keys(changesOf(person)).length / 2);
  const { sql } = systems.shop;
  await until(
    `${wanted} changed rows`,
    async () => (await sql.query('SELECT 1 FROM planted_changes')).rows.length >= wanted,
    PATIENCE_MS,
  );
}

async function expectGone(person: number, id: string): Promise<void> {
  const request = await closed(service, id, PATIENCE_MS);
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
}, 240_000);

afterAll(async () => {
  await service.close();
  await systems.close();
});

describe(`an erasure whose service is killed ${KILLS} times (LETHE_TEST_SEED=${SEED})`, () => {
  it('takes its time undisturbed, so that there is a middle to hit', async () => {
    const id = await approved(5000);
    const start = performance.now();
    await expectGone(5000, id);
    undisturbedMs = performance.now() - start;
    expect(undisturbedMs).toBeGreaterThan(ORDERS * ROW_MS);
  }, 240_000);

  it.each(Array.from({ length: KILLS }, (_, n) => 5001 + n))(
    'finishes within 20 s of the restart, each row changed once (person %i)',
    async (person) => {
      const id = await approved(person);
      // Surely between two rows at first; later at any moment, before and after as well.
      if (person < 5003) await midway(person);
      else await sleep(chance.next() * undisturbedMs);
      await service.end('SIGKILL');
      // The long form waits until the leases of the dead have run out.
      if (!LONG) await passLeases(service);
      await service.start();
      const ready = performance.now();
      await expectGone(person, id);
      expect(performance.now() - ready - undisturbedMs).toBeLessThan(FINISH_MS);
    },
    240_000,
  );
});
