/** Random sequences of valid calls in five roles: never a 5xx, history only grows, checks agree with what was recorded. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startMailServer, type MailServer } from '../support/mail-server.js';
import { allowing, startReceiver, type Receiver } from '../support/receiver.js';
import { startTestServer, type TestServer } from '../support/test-server.js';
import { chanceOf, Routes, Walk } from './call-sequences.js';
import { Known } from './known-things.js';
import { plantSample } from './moves-of-systems.js';
import { operationsOf, type OpenApi } from './openapi-inputs.js';
import { controllersOf, mayCall, routesOf } from './route-table.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const FULL = process.env['LETHE_TEST_FULL'] === '1';
/** `COSTLY`: successes of each route that starts a process. */
const [WALKS, STEPS, COSTLY] = FULL ? [100, 1000, Infinity] : LONG ? [6, 600, 10] : [3, 350, 2];
/** Lie behind what a system could not do, or behind a plan that two made: only the full form always gets there. */
const FAR = /^((retry|accept)RequestTarget|handleRequestTargetManually|approveRetentionPlan) /;
const SLOWEST_MS = 2_000;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);

const roles = {
  officer: 'privacy-officer',
  officer2: 'privacy-officer',
  admin: 'admin',
  auditor: 'auditor',
} as const;
const scopes = ['consents:write', 'consents:check', 'requests:open'];

describe('valid calls in any order', () => {
  let lethe: TestServer;
  let mails: MailServer;
  let hook: Receiver;
  let document: OpenApi;
  let routes: Routes;

  beforeAll(async () => {
    [mails, hook] = [await startMailServer(), await startReceiver()];
    lethe = await startTestServer({ environment: { LETHE_SMTP_URL: mails.url, ...allowing([hook]) } });
    plantSample(lethe.dataDir);
    document = (await lethe.get('/openapi.json')).body as OpenApi;
    const needs = new Map(routesOf(controllersOf(lethe.server.app)).map((route) => [route.name, route.needs]));
    routes = new Routes(
      operationsOf(document).filter(({ path }) => path.startsWith('/v1/')),
      (who, { operationId }) =>
        who === 'system'
          ? scopes.some((scope) => mayCall({ scope }, needs.get(operationId)))
          : mayCall({ role: roles[who] }, needs.get(operationId)),
    );
    const walking = { name: 'Walking', legalBasis: 'consent', model: 'opt-in' };
    expect((await lethe.put('/v1/purposes/walking', walking, { as: 'admin' })).status).toBeLessThan(300);
    const notice = { id: 'walk', version: '1', language: 'en', text: 'Walk.', purposes: ['walking'] };
    expect((await lethe.post('/v1/notices', notice)).status).toBe(201);
  });
  afterAll(async () => {
    await lethe.close();
    await mails.close();
    await hook.close();
  });

  it(`answer no 5xx, keep every record, and agree with a model, seed ${SEED}`, async () => {
    const known = new Known(chanceOf(SEED), () => lethe.clock.now().toISOString(), hook.url, SEED);
    let wrong: string[] = [];
    const missing = (): string[] => routes.list('never').filter((line) => FULL || !FAR.test(line));
    // Chance may leave a route out, now and then twice: it is given as much time again until it is walked, three times at most.
    for (let walk = 0; wrong.length === 0 && walk < (missing().length > 0 ? 4 : 1) * WALKS; walk++) {
      // Every walk knows its own people: another seed, other decisions.
      const walker = new Walk(lethe, document, routes, known, SEED + walk, COSTLY);
      await walker.run(STEPS);
      wrong = walker.wrong.map((said) => `seed ${SEED + walk}: ${said}`);
    }
    const { statuses, slowest, calls, all } = routes;
    const never = routes.list('never');
    const told = [...statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stdout.write(
      `call sequences: ${calls} calls, ${all.length - never.length} of ${all.length} routes with success, slowest ${slowest.name} ${Math.round(slowest.ms)} ms; ${told}\n  not reached: ${never.join(', ')}\n`,
    );
    if (wrong.length + missing().length > 0) process.stdout.write(`  ${routes.list('all').join('\n  ')}\n`);
    expect(wrong).toEqual([]);
    // Every route is on somebody's way.
    expect(missing()).toEqual([]);
    expect(statuses.get(200)! + statuses.get(201)!).toBeGreaterThan(calls / 2);
    // A machine that is busy with other suites is slow by itself.
    if (FULL) expect(slowest.ms).toBeLessThan(SLOWEST_MS);
    // The control: what its list does not show is missed.
    known.put('endpoint', { id: 'nowhere' });
    known.shown('endpoint', (await lethe.get('/v1/webhook-endpoints')).body);
    expect(known.lost).toEqual(['endpoint not in its list: nowhere']);
  }, 7_200_000);
});
