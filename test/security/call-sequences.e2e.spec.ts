/** Random sequences of valid calls in five roles: never a 5xx, history only grows, checks agree with what was recorded. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { Walk } from './call-sequences.js';
import { operationsOf, type OpenApi, type Operation } from './openapi-inputs.js';
import { controllersOf, mayCall, routesOf, type Route } from './route-table.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FULL = process.env['LETHE_TEST_FULL'] === '1';
const [WALKS, STEPS] = FULL ? [200, 500] : LONG ? [15, 200] : [3, 100];
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

const roles = {
  officer: 'privacy-officer',
  officer2: 'privacy-officer',
  admin: 'admin',
  auditor: 'auditor',
} as const;

describe('valid calls in any order', () => {
  let lethe: TestServer;
  let document: OpenApi;
  let operations: Operation[];
  let routes: Map<string, Route>;

  beforeAll(async () => {
    lethe = await startTestServer();
    document = (await lethe.get('/openapi.json')).body as OpenApi;
    // Writing to the installation's plugins and to other machines has suites of its own.
    operations = operationsOf(document).filter(({ path }) => path.startsWith('/v1/'));
    routes = new Map(routesOf(controllersOf(lethe.server.app)).map((route) => [route.name, route]));
    const walking = { name: 'Walking', legalBasis: 'consent', model: 'opt-in' };
    expect((await lethe.put('/v1/purposes/walking', walking, { as: 'admin' })).status).toBeLessThan(300);
    const notice = { id: 'walk', version: '1', language: 'en', text: 'Walk.', purposes: ['walking'] };
    expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
  });
  afterAll(() => lethe.close());

  it(`answer no 5xx, keep every record, and agree with a model, seed ${SEED}`, async () => {
    const totals = { calls: 0, slowestMs: 0, statuses: new Map<number, number>(), routes: new Set<string>() };
    for (let walk = 0; walk < WALKS; walk++) {
      const walker = new Walk(
        lethe,
        document,
        operations,
        (who, operation) => {
          const needs = routes.get(operation.operationId)?.needs;
          return who === 'system'
            ? ['consents:write', 'consents:check', 'requests:open'].some((scope) => mayCall({ scope }, needs))
            : mayCall({ role: roles[who] }, needs);
        },
        SEED + walk,
      );
      // Every walk knows its own people: another seed, other decisions.
      await walker.run(STEPS);
      expect([`seed ${SEED + walk}`, walker.wrong]).toEqual([`seed ${SEED + walk}`, []]);
      totals.calls += walker.calls;
      totals.slowestMs = Math.max(totals.slowestMs, walker.slowestMs);
      for (const [status, count] of walker.statuses)
        totals.statuses.set(status, (totals.statuses.get(status) ?? 0) + count);
      for (const name of walker.routes.keys()) totals.routes.add(name);
    }
    const told = [...totals.statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stdout.write(
      `call sequences: ${WALKS} walks, ${totals.calls} calls, ${totals.routes.size} routes, slowest ${Math.round(totals.slowestMs)} ms; ${told}\n`,
    );
    expect(totals.statuses.get(200)! + totals.statuses.get(201)!).toBeGreaterThan(totals.calls / 4);
  }, 7_200_000);
});
