/** Acceptance 11: two whole services over one database share the work of many requests, and each piece is done once. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startBuild, thisBuild, type BuildProcess } from '../support/build-process.js';
import { openShop, type Shop } from '../support/connected-shop.js';
import { approvedErasure, byEmail, closed, connectShop } from '../support/connected-systems.js';
import { pluginsOf } from '../support/process-tree.js';
import { ServiceProcess } from '../support/service-process.js';
import { until } from '../support/until.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1' || process.env['LETHE_TEST_FULL'] === '1';
const REQUESTS = LONG ? 12 : 6;
/** A change of one row takes this long, so that a replica cannot do all before the other has looked. */
const ROW_MS = 60;
/** The lease of a job, and what a crowded machine needs besides. */
const FINISH_MS = 120_000;
/** A replica that was not asked for a while looks once a second: it may miss a round, and not all of them. */
const ROUNDS = 6;

let service: ServiceProcess;
let second: BuildProcess;
let shop: Shop;
let nextPerson = 5000;

/** Erasures that are approved at about the same time. */
async function begin(): Promise<{ people: number[]; ids: string[] }> {
  const people = Array.from({ length: REQUESTS }, () => nextPerson++);
  await shop.takeChanges();
  // Half of them come in at each replica, which looks for work at once when it has made some.
  const other = Object.create(service, { baseUrl: { value: second.baseUrl } }) as ServiceProcess;
  const ids = await Promise.all(
    people.map((person, n) => approvedErasure(n % 2 ? other : service, [byEmail(`p${person}@example.test`)])),
  );
  return { people, ids };
}

/** All end (Lethe itself keeps what its epoch holds), and no row was touched twice, nor anybody else's. */
async function expectOnce({ people, ids }: { people: number[]; ids: string[] }): Promise<void> {
  for (const id of ids) expect((await closed(service, id, FINISH_MS)).resolution).toBe('fulfilled-with-retention');
  const once = people.flatMap((person) => [`customers/${person} DELETE`, `orders/${person} DELETE`]);
  expect(await shop.takeChanges()).toEqual(Object.fromEntries(once.map((change) => [change, 1])));
}

beforeAll(async () => {
  service = await ServiceProcess.prepare();
  await service.start();
  shop = await openShop({ slowMs: ROW_MS });
  await connectShop(service, shop);
  second = await startBuild(thisBuild, service.environment);
}, 240_000);

afterAll(async () => {
  await second.end('SIGKILL');
  await service.close();
  await shop.drop();
});

describe(`${REQUESTS} erasures over two replicas`, () => {
  it('are shared, and every row is changed once', async () => {
    const busy = new Set<number>();
    const look = setInterval(() => {
      for (const pid of [service.pid, second.pid]) if (pluginsOf(pid).length > 0) busy.add(pid);
    }, 20);
    try {
      for (let round = 0; round < ROUNDS && busy.size < 2; round += 1) await expectOnce(await begin());
    } finally {
      clearInterval(look);
    }
    expect([...busy].sort((one, other) => one - other)).toEqual(
      [service.pid, second.pid].sort((one, other) => one - other),
    );
  }, 600_000);

  it('are finished by the other when one is killed in the middle, and every row is still changed once', async () => {
    const round = await begin();
    // In the middle: some rows are gone, and more are not. (Both replicas have their plugin by now.)
    const changed = async (): Promise<number> => (await shop.sql.query('SELECT FROM planted_changes')).rowCount ?? 0;
    await until('some changed rows', async () => (await changed()) > 1, FINISH_MS);
    await second.end('SIGKILL');
    await expectOnce(round);
  }, 600_000);
});
