/** One tenant never sees or alters another's: every route of /openapi.json × every role, bound keys and nobody, with the other's real ids. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Json } from '#kernel';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { openShop, type Shop } from '../support/connected-shop.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { fillTenant } from './fill-tenant.js';
import type { Filled } from './filling.js';
import { foreignCalls, invented, ownPath, prefixesOf, type Call } from './foreign-calls.js';
import { operationsOf, type OpenApi, type Operation } from './openapi-inputs.js';
import { controllersOf, mayCall, routesOf, type Route } from './route-table.js';
import { everythingOf, idsIn, referencesOf } from './two-tenants.js';

const LONG = process.env['LETHE_TEST_LONG'] === '1';
const RUNS = LONG ? 12 : 2;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const OURS = 'aurora';
const THEIRS = 'borealis';
const WHO = ['admin', 'officer', 'auditor', 'system', 'our inbox key', 'our cursor key', 'nobody'] as const;

/** Routes for which nothing foreign is ever more than a 400, and why. */
const NEVER_BEYOND: Record<string, string> = {
  ...Object.fromEntries(
    ['searchRefusals', 'readEvents', 'readConsentSnapshot', 'acknowledgeEvents', 'listPropagations'].map((name) => [
      name,
      'takes a cursor and no id; a foreign one is cursor-invalid',
    ]),
  ),
  settlePropagation: "takes a place in the caller's own log and the caller's own name for a system",
};

describe('a tenant', () => {
  let lethe: TestServer;
  let other: BootstrappedTenant;
  let shop: Shop;
  let ours: Filled;
  let theirs: Filled & { all: string[]; mark: string };
  let operations: Operation[];
  let document: OpenApi;
  let routes: Map<string, Route>;

  beforeAll(async () => {
    lethe = await startTestServer();
    shop = await openShop();
    other = await bootstrapTenant(lethe.server.app, { name: THEIRS, mode: 'test', territory: 'DE-BE' });
    ours = await fillTenant(lethe, { keys: lethe.tenant.keys, logId: lethe.tenant.tenant.logId }, OURS, shop);
    const filled = await fillTenant(lethe, { keys: other.keys, logId: other.tenant.logId }, THEIRS, shop);
    document = (await lethe.get('/openapi.json')).body as OpenApi;
    operations = operationsOf(document).filter((operation) => operation.path.startsWith('/v1/'));
    routes = new Map(routesOf(controllersOf(lethe.server.app)).map((route) => [route.name, route]));
    await settled(lethe, other.tenant.id);
    const all = [...idsIn((await everythingOf(lethe.superuser, other.tenant.id)).values(), other.tenant.id)];
    theirs = { ...filled, all, mark: THEIRS };
  }, 120_000);
  afterAll(async () => {
    await lethe.close();
    await shop.drop();
  });

  const keysOf = (who: (typeof WHO)[number]): string => {
    const { inbox, cursor } = ours.keys;
    return { ...lethe.tenant.keys, 'our inbox key': inbox, 'our cursor key': cursor, nobody: 'none' }[who];
  };

  const send = (method: string, path: string, body: Json, key: string): Promise<TestAnswer> => {
    if (method === 'GET') return lethe.get(path, { key });
    return method === 'PUT' ? lethe.put(path, body, { key }) : lethe.post(path, body, { key });
  };

  /** What belongs to them and stands in a call. */
  const isForeign = ({ path, body }: Call): boolean => {
    const sent = decodeURIComponent(path) + JSON.stringify(body);
    const { all, cursors, tokens } = theirs;
    return [...all, ...cursors, ...tokens, other.tenant.logId, `${THEIRS}@`].some((one) => sent.includes(one));
  };

  /** Ids of theirs that an answer tells although the call did not. */
  const leaked = (answer: TestAnswer, { path, body }: Call): string[] => {
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    const sent = `${path} ${JSON.stringify(body)}`;
    return [...theirs.all, THEIRS].filter((id) => text.includes(id) && !sent.includes(id));
  };

  /** What is somebody else's is not there: a path that names it is answered with no success and no conflict. */
  const answersForeign = ({ status }: TestAnswer, { path }: Call): boolean =>
    (status < 300 || status === 409) &&
    [...theirs.all, other.tenant.logId].some((id) => path.split('?')[0]!.includes(id));

  it('has a real id for every parameter of every route, or a reason why not', () => {
    const missing = operations.flatMap((operation) =>
      prefixesOf(operation.path)
        .filter((prefix) => [ours, theirs].some(({ ids }) => (ids.get(prefix) ?? []).length === 0))
        .filter((prefix) => invented[prefix] === undefined)
        .map((prefix) => `${operation.operationId}: nobody has a real id for ${prefix}`),
    );
    expect(missing).toEqual([]);
    expect(theirs.all.length).toBeGreaterThan(60);
    expect(theirs.cursors.length).toBeGreaterThan(2);
  });

  it('reads its own by the same paths: what is refused below is refused because it is foreign', async () => {
    const reading = operations.filter(
      ({ method, path }) =>
        method === 'GET' && path.includes('{') && prefixesOf(path).every((one) => invented[one] === undefined),
    );
    const unread: string[] = [];
    for (const operation of reading) {
      const needs = routes.get(operation.operationId)?.needs;
      const key = mayCall({ role: 'privacy-officer' }, needs) ? other.keys.officer : other.keys.admin;
      const { status } = await lethe.get(ownPath(operation, theirs), { key });
      if (status >= 300) unread.push(`${operation.operationId} ${status}`);
    }
    expect(unread).toEqual([]);
    expect(reading.length).toBeGreaterThan(12);
  });

  it(`sees and alters nothing of another on any route in any role, seed ${SEED}`, async () => {
    const before = await storedOf(lethe, other.tenant.id);
    const leaks: string[] = [];
    const statuses = new Map<number, number>();
    const tried = new Map<string, boolean>();
    let sent = 0;
    for (const [at, operation] of operations.entries()) {
      const calls = foreignCalls(document, operation, ours, theirs, { runs: RUNS, seed: SEED + at });
      for (const who of WHO)
        for (const call of calls) {
          const answer = await send(operation.method, call.path, call.body, keysOf(who));
          sent += 1;
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          if (isForeign(call)) {
            const beyond = ![400, 401, 403].includes(answer.status);
            tried.set(operation.operationId, beyond || (tried.get(operation.operationId) ?? false));
          }
          const seen = leaked(answer, call);
          const open = who === 'nobody' && answer.status !== 401;
          if (seen.length > 0 || answer.status >= 500 || open || answersForeign(answer, call))
            leaks.push(
              `${operation.operationId} as ${who} ${answer.status}: ${seen.slice(0, 3).join()} <- ${call.path} ${JSON.stringify(call.body)?.slice(0, 300)} ${answer.status >= 500 ? JSON.stringify(answer.body) : ''}`,
            );
        }
    }
    const told = [...statuses].map(([status, count]) => `${status}: ${count}`).join(', ');
    process.stdout.write(
      `tenant isolation: ${operations.length} routes x ${WHO.length} callers, ${sent} calls, ${theirs.all.length} foreign ids, seed ${SEED}; ${told}; leaks ${leaks.length}\n`,
    );
    expect(leaks.slice(0, 10)).toEqual([]);
    const stuck = [...tried].filter(([, beyond]) => !beyond).map(([name]) => name);
    expect(stuck).toEqual(expect.arrayContaining(Object.keys(NEVER_BEYOND)));
    // A few calls of a route with several parameters may all bring a foreign cursor, which is a 400.
    expect(stuck.length - Object.keys(NEVER_BEYOND).length).toBeLessThanOrEqual(LONG ? 0 : 2);
    expect(tried.size).toBeGreaterThan(90);
    const after = await storedOf(lethe, other.tenant.id);
    expect([...after].filter(([table, text]) => text !== before.get(table)).map(([table]) => table)).toEqual([]);
  }, 600_000);

  it('(control) an answer that held one foreign id would be seen', async () => {
    const call = { path: '/v1/purposes', body: null };
    expect(leaked(await lethe.get(call.path, { key: other.keys.officer }), call)).toContain(THEIRS);
    expect(leaked(await lethe.get(call.path), call)).toEqual([]);
  });

  it('is given no page by a link or a cursor of another', async () => {
    const links = new Set<string>();
    for (const operation of operations.filter(({ method }) => method === 'GET')) {
      const { body } = await lethe.get(ownPath(operation, theirs), { key: other.keys.officer });
      for (const [link] of JSON.stringify(body).matchAll(/\/(?:v1|privacy|console)\/[^"\s\\]+/g)) links.add(link);
    }
    for (const link of links) {
      const answer = await lethe.get(link);
      expect([link, answer.status >= 400 || leaked(answer, { path: link, body: null }).length === 0]).toEqual([
        link,
        true,
      ]);
    }
    const refused = { status: 400, body: { code: 'cursor-invalid' } };
    const bound = { key: ours.keys.cursor };
    for (const cursor of theirs.cursors) {
      for (const path of ['/v1/access-log/search', '/v1/requests/search', '/v1/admin/refusals/search'])
        expect(await lethe.post(path, { limit: 1, cursor })).toMatchObject(refused);
      expect(await lethe.post('/v1/events/ack', { cursor }, bound)).toMatchObject(refused);
      for (const path of ['/v1/events?after', '/v1/events/snapshot?cursor'])
        expect(await lethe.get(`${path}=${encodeURIComponent(cursor)}`, bound)).toMatchObject(refused);
    }
  });

  it('works for its own systems by the keys that are bound to them', async () => {
    const [claimed, open] = ours.ids.get('/v1/tasks') ?? [];
    const connectionId = ours.ids.get('/v1/admin/connections')?.at(-1);
    const inbox = { key: ours.keys.inbox };
    const { body } = await lethe.get(`/v1/tasks?connectionId=${connectionId}`, inbox);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([open]);
    expect((await lethe.post(`/v1/tasks/${claimed}/heartbeat`, { fence: 1 }, inbox)).status).toBe(200);
    const bound = { key: ours.keys.cursor };
    const snapshot = await lethe.get('/v1/events/snapshot', bound);
    expect([snapshot.status, snapshot.body.items.length > 0]).toEqual([200, true]);
    const [cursor] = ours.cursors;
    expect((await lethe.post('/v1/events/ack', { cursor }, bound)).status).toBe(200);
  });

  it('is told of a person of another what it is told of nobody', async () => {
    const purpose = 'same-name';
    const subject = { identifiers: [{ type: 'email', value: `${THEIRS}-agrees@example.test` }] };
    const decided = {
      ...{ subject, decisions: [{ purpose, decision: 'given' }], notice: { id: THEIRS, version: '1' } },
      ...{ method: 'web-form', collectedAt: lethe.clock.now().toISOString(), evidence: {} },
    };
    const given = (await lethe.post('/v1/consents', decided, { key: other.keys.system })).body;
    const theirSubject = { subjectId: given.subjectId };
    // A tenant's cache is trusted a moment after it was asked first: the second turn is answered from it.
    for (const who of ['system', 'officer', 'system', 'officer'] as const) {
      const check = async (question: object, key = lethe.tenant.keys[who]): Promise<unknown> => {
        const one = await lethe.post('/v1/consents/check', { purpose, ...question }, { key });
        const items = [{ ref: 'one', purpose, ...question }];
        const batch = await lethe.post('/v1/consents/check-batch', { items }, { key });
        for (const answer of [one.body, ...batch.body.items])
          for (const name of ['token', 'instance']) delete answer[name];
        return [one.status, one.body, batch.status, batch.body.items];
      };
      const told = (decision: string): object => [200, { decision }, 200, [{ decision }]];
      // Asked by the other tenant first, and so kept.
      for (const person of [theirSubject, { subject }])
        expect(await check(person, other.keys[who])).toMatchObject(told('permit'));
      const nobody = await check({ subjectId: randomUUID() });
      expect(nobody).toMatchObject(told('deny'));
      for (const person of [theirSubject, { subject }]) expect(await check(person)).toEqual(nobody);
      const foreign = { ...theirSubject, purpose: `${THEIRS}-news` };
      expect(await check(foreign)).toEqual(await check({ ...theirSubject, purpose: 'nobodys-news' }));
      const late = await lethe.post(
        '/v1/consents/check',
        { purpose, ...theirSubject, atLeast: given.token },
        { as: who },
      );
      expect([late.status, late.body.code]).toEqual([400, 'token-invalid']);
      await sleep(200);
    }
  });

  it('keeps no reference to what belongs to another', async () => {
    // Texts may be names of the caller's own choice, such as the id of a purpose; a UUID column is a reference.
    const references = await referencesOf(lethe.superuser, lethe.tenant.tenant.id);
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter(({ id }) => theirs.all.includes(id))).toEqual([]);
  });

  it('cannot let a key of another read or work for a system of its own', async () => {
    const [keyId] = theirs.ids.get('/v1/admin/api-keys') ?? [];
    expect(keyId).toMatch(/^[0-9a-f]{16}$/);
    const obeying = { name: 'x', purposes: ['*'], acknowledgeWithin: 'PT15M', channel: 'cursor', keyId };
    const pulling = { name: 'x', legalEntity: 'x', country: 'DE', keyId, datasets: [{ name: 'x', title: 'x' }] };
    for (const answer of [
      await lethe.put('/v1/systems/foreign-key', obeying, { as: 'admin' }),
      await lethe.post('/v1/admin/inboxes', pulling, { as: 'admin' }),
    ])
      expect([answer.status, answer.body.code]).toEqual([422, 'key-unusable']);
  });

  it('cannot hold a person of another', async () => {
    const found = { identifiers: [{ type: 'email', value: `${THEIRS}@example.test` }] };
    const person = (await lethe.post('/v1/subjects/lookup', found, { key: other.keys.officer })).body.items[0];
    expect(theirs.all).toContain(person.subjectId);
    const hold = { ground: 'gdpr-17-3-e', reason: 'r', owner: 'o', reviewOn: '2031-01-01' };
    const { status } = await lethe.post('/v1/holds', { ...hold, scope: { subjectId: person.subjectId } });
    expect(status).toBe(404);
  });
});

/** Tables that a tenant's own workers write whenever they like. */
const workers = ['cursor', 'job', 'job_due', 'tile', 'checkpoint'];

async function storedOf(lethe: TestServer, tenant: string): Promise<Map<string, string>> {
  const all = await everythingOf(lethe.superuser, tenant);
  for (const table of workers) all.delete(table);
  return all;
}

/** Waits until the tenant's projections have caught up with what was just filled in. */
async function settled(lethe: TestServer, tenant: string): Promise<void> {
  for (let last = '', quiet = 0; quiet < 3;) {
    const now = [...(await storedOf(lethe, tenant)).values()].join('\n');
    quiet = now === last ? quiet + 1 : 0;
    last = now;
    await sleep(300);
  }
}
