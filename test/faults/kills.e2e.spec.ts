/** Acceptance 1: `kill -9` of the service, of its plugins and of both, in the middle of several people's requests at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openShop, type Shop } from '../support/connected-shop.js';
import {
  approve,
  approvedErasure,
  approveByTwo,
  byEmail,
  closed,
  connectShop,
  keepInvoices,
  openProven,
  outcomesOf,
  planOf,
} from '../support/connected-systems.js';
import { openCounting, type CountingSystem, type Keys } from '../support/counting-system.js';
import { passLeases } from '../support/pass-leases.js';
import { childrenOf, pluginsOf } from '../support/process-tree.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';
import { Chance } from '../simulation/chance.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FULL = process.env['LETHE_TEST_FULL'] === '1';
/** Or fewer, when the time is over. */
/** In full, forty of the service, of plugins and of both, and the spawner's beside them. */
const KILLS = FULL ? 54 : LONG ? 20 : 2;
const AT_MOST_MS = FULL ? 1_800_000 : LONG ? 40_000 : 30_000;
/** However slow the machine is, each victim is killed in the middle of the work. */
const AT_LEAST = FULL ? KILLS : LONG ? 4 : 2;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const chance = new Chance(SEED);
/** Requests under way at each kill: this many erasures, and one access. */
const ERASURES = 3;
const ORDERS = 8;
/** A change of one row takes this long, so that a kill can fall between two. */
const ROW_MS = 12;
const FINISH_MS = 120_000;

/** The spawner is the process that starts the plugins; they end with it. */
const victims = ['both', 'plugins', 'spawner', 'service'] as const;
type Victim = (typeof victims)[number];

let service: ServiceProcess;
let shop: Shop;
let shopId: string;
let nextPerson = 5000;
let undisturbedMs = 1000;
const restartedMs: number[] = [];
/** `midway`: kills after which some rows had been changed and some had not. */
const killed = { service: 0, plugins: 0, spawner: 0, processes: 0, midway: 0 };
let counting: CountingSystem | undefined;

interface Round {
  erased: { person: number; id: string }[];
  told: { person: number; id: string };
}

/** False when it had ended by itself. */
function end(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

const firstOrder = (person: number): number => 10_000 + (person - 5000) * ORDERS;

/** What the planted trigger must have seen of a person: each row deleted or stripped, once. */
function changesOf(person: number): string[] {
  const orders = [person, ...Array.from({ length: ORDERS }, (_, n) => firstOrder(person) + n)];
  const others = [`customers/${person} DELETE`, `invoices/${person} UPDATE`, `reviews/${person} UPDATE`];
  return [...orders.map((id) => `orders/${id} DELETE`), ...others];
}

/** Each of these changes was made, none twice, and no other. */
function expectOnce(seen: Record<string, number>, changes: readonly string[]): void {
  expect(seen).toEqual(Object.fromEntries(changes.map((name) => [name, 1])));
}

/** Rows that come to be noted by nobody, and at once: the planted trigger is slow. */
async function quietly(work: () => Promise<unknown>): Promise<void> {
  await shop.sql.query('SET session_replication_role = replica');
  await work();
  await shop.sql.query('RESET session_replication_role');
}

async function populate(person: number): Promise<void> {
  const { sql } = shop;
  await sql.query(
    `INSERT INTO orders SELECT $1::int + n, $2::int, NULL, '2024-01-01', 1 FROM generate_series(0, ${ORDERS - 1}) n`,
    [firstOrder(person), person],
  );
  await sql.query(`INSERT INTO reviews VALUES ($1, $1, 'P.', 'good')`, [person]);
  await sql.query(`INSERT INTO invoices VALUES ($1, $1, 'Person', 1, 'p@example.test', '1990-01-01', '2024-03-12')`, [
    person,
  ]);
}

async function begin(): Promise<Round> {
  const people = Array.from({ length: ERASURES + 1 }, () => nextPerson++);
  await quietly(async () => {
    for (const person of people) await populate(person);
  });
  await shop.takeChanges();
  const [last, ...others] = people.reverse() as [number, ...number[]];
  const told = { person: last, id: await openProven(service, 'access', [byEmail(`p${last}@example.test`)]) };
  const erased: Round['erased'] = [];
  const plans: string[] = [];
  for (const person of others) {
    const id = await openProven(service, 'erasure', [byEmail(`p${person}@example.test`)]);
    erased.push({ person, id });
    plans.push((await planOf(service, id)).hash);
  }
  expect((await approve(service, told.id, (await planOf(service, told.id)).hash)).status).toBe(200);
  await Promise.all(erased.map(({ id }, n) => approveByTwo(service, id, plans[n] ?? '')));
  return { erased, told };
}

const allOf = ({ erased }: Round): number => erased.length * changesOf(0).length;

async function changed(): Promise<number> {
  return (await shop.sql.query<{ n: number }>('SELECT count(*)::int AS n FROM planted_changes')).rows[0]!.n;
}

/** A moment in the middle of the changes for the first kills, so that they surely hit; then any moment of the whole. */
async function moment(round: Round, n: number): Promise<void> {
  if (Math.floor(n / victims.length) % 2 === 1) {
    await sleep(chance.next() * undisturbedMs);
    return;
  }
  const wanted = 1 + Math.floor((chance.next() * allOf(round)) / 2);
  await until(`${wanted} changed rows`, async () => (await changed()) >= wanted, FINISH_MS);
}

async function kill(victim: Victim, round?: Round): Promise<void> {
  const hit = victim === 'service' ? [] : victim === 'spawner' ? childrenOf(service.pid) : pluginsOf(service.pid);
  for (const pid of hit) if (end(pid)) killed.processes += 1;
  const lives = victim === 'plugins' || victim === 'spawner';
  if (!lives) await service.end('SIGKILL');
  const done = await changed();
  if (round && done > 0 && done < allOf(round)) killed.midway += 1;
  if (lives) {
    killed[victim] += 1;
    return;
  }
  killed.service += 1;
  // The long form waits until the leases of the dead have run out.
  if (!LONG && !FULL) await passLeases(service);
  const start = performance.now();
  await service.start();
  restartedMs.push(performance.now() - start);
}

/** Every request ended, nothing was done twice, nothing is left of whom it is said, and nobody else was touched. */
async function expectDone({ erased, told }: Round): Promise<void> {
  for (const { id } of erased)
    expect((await closed(service, id, FINISH_MS)).resolution).toBe('fulfilled-with-retention');
  const access = await closed(service, told.id, FINISH_MS);
  expect(access.resolution).toBe('fulfilled');
  const orders = `orders provided ${ORDERS + 1}`;
  expect(outcomesOf(access, shopId)).toEqual(expect.arrayContaining(['customers provided 1', orders]));
  expectOnce(
    await shop.takeChanges(),
    erased.flatMap(({ person }) => changesOf(person)),
  );
  const people = erased.map(({ person }) => person);
  const left =
    'SELECT id FROM customers WHERE id = ANY($1) UNION ALL SELECT id FROM orders WHERE customer_id = ANY($1)';
  expect((await shop.sql.query(left, [people])).rows).toEqual([]);
}

beforeAll(async () => {
  service = await ServiceProcess.prepare();
  await service.start();
  shop = await openShop({ slowMs: ROW_MS });
  shopId = await connectShop(service, shop);
  await keepInvoices(service, shopId);
  // Room for everybody: the planted crowd has two hundred.
  await quietly(async () => {
    await shop.sql.query(
      `INSERT INTO customers SELECT n, 'Person ' || n, 'p' || n || '@example.test', '9' || n, NULL, 'LOY-' || n, NULL
       FROM generate_series(5200, 5999) n`,
    );
    await shop.sql.query(
      `INSERT INTO orders SELECT n, n, 'p' || n || '@example.test', '2024-01-01', 1 FROM generate_series(5200, 5999) n`,
    );
  });
}, 240_000);

afterAll(async () => {
  await service.close();
  await counting?.close();
  await shop.drop();
});

describe(`requests of four people, killed at random moments (LETHE_TEST_SEED=${SEED})`, () => {
  it('take their time undisturbed, so that there is a middle to hit', async () => {
    const round = await begin();
    const start = performance.now();
    await expectDone(round);
    undisturbedMs = performance.now() - start;
    expect(undisturbedMs).toBeGreaterThan(ORDERS * ROW_MS);
  }, 240_000);

  it(
    'all end, each row changed once, none falsely fulfilled',
    async () => {
      const start = Date.now();
      for (let n = 0; n < KILLS && (n < AT_LEAST || Date.now() - start < AT_MOST_MS); n++) {
        const round = await begin();
        await moment(round, n);
        await kill(victims[n % victims.length]!, round);
        // A plugin that ends five times in ten minutes is set aside; between two kills more time passes than here.
        await service.superusers.ledger.query('DELETE FROM plugin_failure');
        await expectDone(round);
      }
    },
    AT_MOST_MS + 600_000,
  );

  it('(control) a change that is made twice would be counted', async () => {
    const person = nextPerson++;
    await populate(person);
    await shop.takeChanges();
    for (let n = 0; n < 2; n++) await shop.sql.query(`UPDATE reviews SET words = 'gone' WHERE id = $1`, [person]);
    expect(await shop.takeChanges()).toEqual({ [`reviews/${person} UPDATE`]: 2 });
  });

  it('(control) a plugin that acts under a new key per attempt acts twice, and only the count of the rows sees it', async () => {
    const rows: Record<Keys, number> = { steady: 8001, fresh: 8002 };
    await quietly(async () => {
      for (const id of Object.values(rows))
        await shop.sql.query(`INSERT INTO reviews VALUES ($1, NULL, 'C.', '')`, [id]);
    });
    const email = 'counted@example.test';
    counting = await openCounting(service, email, (keys) =>
      shop.sql.query(`UPDATE reviews SET words = words || '!' WHERE id = $1`, [rows[keys]]),
    );
    counting.held = true;
    await shop.takeChanges();
    const id = await approvedErasure(service, [byEmail(email)]);
    // Each has happened in the system, and nobody has heard of it.
    await until('both acts', () => counting!.asked.steady > 0 && counting!.asked.fresh > 0, FINISH_MS);
    await kill('both');
    counting.held = false;
    expect((await closed(service, id, FINISH_MS)).resolution).toMatch(/^fulfilled/);
    expect(counting.asked).toEqual({ steady: 2, fresh: 2 });
    const seen = await shop.takeChanges();
    expect(seen).toEqual({ [`reviews/${rows.steady} UPDATE`]: 1, [`reviews/${rows.fresh} UPDATE`]: 2 });
    // The judgement of the rounds above is red about it.
    expect(() => expectOnce(seen, Object.keys(seen))).toThrow();
  }, 240_000);

  it('were really hit', () => {
    expect(killed.service).toBeGreaterThan(0);
    expect(killed.processes).toBeGreaterThan(0);
    expect(killed.midway).toBeGreaterThan(0);
    const [best, worst] = [Math.min(...restartedMs), Math.max(...restartedMs)].map(Math.round);
    console.info(
      `${killed.service} kills of the service, ${killed.spawner} of the spawner, ${killed.processes} processes beside it; ready again in ${best} to ${worst} ms`,
    );
  });
});
