/** One tenant never sees or alters another's: every route of /openapi.json with the other's ids in path, body and cursors. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '#kernel';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import { operationsOf, valueOf, type OpenApi, type Operation } from './openapi-inputs.js';
import { controllersOf, mayCall, routesOf, type Route } from './route-table.js';
import { everythingOf, fillTenant, idsIn, referencesOf, type Filled } from './two-tenants.js';

const CALLS = process.env['LETHE_TEST_LONG'] === '1' ? 400 : 24;
const SEED = Number(process.env['LETHE_TEST_SEED'] ?? Date.now() % 1_000_000_007);
const OURS = 'aurora';
const THEIRS = 'borealis';

describe('a tenant', () => {
  let lethe: TestServer;
  let other: BootstrappedTenant;
  let theirs: Filled;
  let theirIds: string[];
  let operations: Operation[];
  let document: OpenApi;
  let routes: Map<string, Route>;

  beforeAll(async () => {
    lethe = await startTestServer();
    other = await bootstrapTenant(lethe.server.app, { name: THEIRS, mode: 'test' });
    await fillTenant(lethe, lethe.tenant.keys, OURS);
    theirs = await fillTenant(lethe, other.keys, THEIRS);
    document = (await lethe.get('/openapi.json')).body as OpenApi;
    operations = operationsOf(document).filter((operation) => operation.path.startsWith('/v1/'));
    routes = new Map(routesOf(controllersOf(lethe.server.app)).map((route) => [route.name, route]));
    await settled(lethe, other.tenant.id);
    theirIds = [...idsIn((await everythingOf(lethe.superuser, other.tenant.id)).values(), other.tenant.id)];
  });
  afterAll(() => lethe.close());

  /** The principal of ours that gets furthest. */
  const keyFor = (operation: Operation): string => {
    const needs = routes.get(operation.operationId)?.needs;
    const { keys } = lethe.tenant;
    if (mayCall({ role: 'privacy-officer' }, needs)) return keys.officer;
    if (mayCall({ role: 'admin' }, needs)) return keys.admin;
    return mayCall({ role: 'auditor' }, needs) ? keys.auditor : keys.system;
  };

  const send = (method: string, path: string, body: Json, key: string): Promise<TestAnswer> => {
    if (method === 'GET') return lethe.get(path, { key });
    return method === 'PUT' ? lethe.put(path, body, { key }) : lethe.post(path, body, { key });
  };

  /** Values of the other tenant wherever a name says that an id, cursor or token goes there. */
  const swap = (value: Json, name: string, pick: (from: readonly string[]) => string): Json => {
    if (Array.isArray(value)) return value.map((member) => swap(member, name, pick));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, swap(member, key, pick)]));
    if (typeof value !== 'string') return value;
    if (/cursor|after/i.test(name)) return pick(theirs.cursors);
    if (/token|atLeast/i.test(name)) return pick(theirs.tokens);
    if (/ids?$/i.test(name) || name === 'connection') return pick(theirIds);
    return name === 'value' ? `${THEIRS}@example.test` : value;
  };

  const callsOf = (operation: Operation, at: number): { path: string; body: Json }[] => {
    const picks = fc.infiniteStream(fc.nat(1_000_000));
    const bodies = fc.sample(fc.tuple(valueOf(document, operation.body), picks), { numRuns: CALLS, seed: SEED + at });
    return bodies.map(([body, stream]) => {
      const pick = (from: readonly string[]): string => from[Number(stream.next().value) % from.length] ?? '';
      const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        name === 'logId' ? other.tenant.logId : /position|level|path|^n$/.test(name) ? '0' : pick(theirIds),
      );
      const query = operation.parameters
        .filter((one) => one.in === 'query')
        .map(({ name }) => `${name}=${name === 'from' ? 1 : 2}`);
      return { path: query.length > 0 ? `${path}?${query.join('&')}` : path, body: swap(body, '', pick) };
    });
  };

  it(`sees and alters nothing of another on any route, seed ${SEED}`, async () => {
    expect(theirIds.length).toBeGreaterThan(20);
    expect(theirs.cursors.length).toBeGreaterThan(0);
    const before = await storedOf(lethe, other.tenant.id);
    const leaks: string[] = [];
    const statuses = new Map<number, number>();
    for (const [at, operation] of operations.entries()) {
      for (const { path, body } of callsOf(operation, at)) {
        const answer = await send(operation.method, path, body, keyFor(operation));
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
        const sent = `${path} ${JSON.stringify(body)}`;
        const seen = [...theirIds, THEIRS].filter((id) => text.includes(id) && !sent.includes(id));
        if (seen.length > 0 || answer.status >= 500)
          leaks.push(
            `${operation.operationId} ${answer.status}: ${seen.slice(0, 3).join()} in ${text.slice(0, 200)} <- ${sent.slice(0, 300)}`,
          );
      }
    }
    process.stdout.write(
      `tenant isolation: ${operations.length} routes x ${CALLS}, ${theirIds.length} foreign ids; ${[...statuses].map(([status, count]) => `${status}: ${count}`).join(', ')}\n`,
    );
    expect(leaks.slice(0, 10)).toEqual([]);
    expect(statuses.get(404)).toBeGreaterThan(operations.length);
    const after = await storedOf(lethe, other.tenant.id);
    expect([...after].filter(([table, text]) => text !== before.get(table)).map(([table]) => table)).toEqual([]);
  }, 600_000);

  it('keeps no reference to what belongs to another', async () => {
    // Texts may be names of the caller's own choice, such as the id of a purpose; a UUID column is a reference.
    const ours = await referencesOf(lethe.superuser, lethe.tenant.tenant.id);
    expect(ours.length).toBeGreaterThan(20);
    expect(ours.filter(({ id }) => theirIds.includes(id))).toEqual([]);
  });

  it('finds its own by the same routes: what is refused is refused because it is foreign', async () => {
    const found = await lethe.post(
      '/v1/subjects/lookup',
      { identifiers: [{ type: 'email', value: `${THEIRS}@example.test` }] },
      { key: other.keys.officer },
    );
    const { subjectId } = found.body.items[0];
    expect(theirIds).toContain(subjectId);
    expect((await lethe.get(`/v1/subjects/${subjectId}/consents`, { key: other.keys.officer })).status).toBe(200);
    expect((await lethe.get(`/v1/subjects/${subjectId}/consents`)).status).toBe(404);
  });

  it('cannot hold a person of another', async () => {
    const found = { identifiers: [{ type: 'email', value: `${THEIRS}@example.test` }] };
    const person = (await lethe.post('/v1/subjects/lookup', found, { key: other.keys.officer })).body.items[0];
    const hold = { ground: 'gdpr-17-3-e', reason: 'r', owner: 'o', reviewOn: '2031-01-01' };
    const { status } = await lethe.post('/v1/holds', { ...hold, scope: { subjectId: person.subjectId } });
    expect(status).toBe(404);
  });

  it('is not crossed by another on shared connections: 256 calls at once, each answered for its own tenant', async () => {
    const person = { identifiers: [{ type: 'email', value: 'same@example.test' }] };
    const sides = [
      { keys: lethe.tenant.keys, mark: OURS, decision: 'given' },
      { keys: other.keys, mark: THEIRS, decision: 'withdrawn' },
    ].map((side) => ({ ...side, subjectId: '' }));
    const decide = (side: (typeof sides)[number]): Promise<TestAnswer> =>
      lethe.post(
        '/v1/consents',
        {
          ...{
            subject: person,
            decisions: [{ purpose: `${side.mark}-insight`, decision: side.decision }],
            notice: { id: side.mark, version: '1' },
          },
          ...{ method: side.mark, collectedAt: lethe.clock.now().toISOString(), evidence: { of: side.mark } },
        },
        { key: side.keys.system },
      );
    for (const side of sides) side.subjectId = (await decide(side)).body.subjectId;
    const crossings: string[] = [];
    const ask = async (number: number): Promise<void> => {
      const side = sides[number % 2]!;
      const kind = (number >> 1) % 4;
      const by = { key: kind === 0 ? side.keys.system : side.keys.officer };
      const mine = async (): Promise<boolean> => {
        if (kind === 0) return (await decide(side)).body.subjectId === side.subjectId;
        if (kind === 1) {
          const { body } = await lethe.post(
            '/v1/consents/check',
            { subject: person, purpose: `${side.mark}-insight` },
            by,
          );
          return body.decision === (side.decision === 'given' ? 'permit' : 'deny');
        }
        if (kind === 2) {
          const { body } = await lethe.get(`/v1/subjects/${side.subjectId}/consents/history`, by);
          return (
            body.items.length > 0 &&
            body.items.every((item: { notice: { id: string } }) => item.notice.id === side.mark)
          );
        }
        const { body } = await lethe.post('/v1/subjects/lookup', { identifiers: person.identifiers }, by);
        return body.items.length === 1 && body.items[0].subjectId === side.subjectId;
      };
      if (!(await mine())) crossings.push(`${side.mark} ${kind}`);
    };
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 256 }, (_, number) => ask(number)));
    expect(crossings).toEqual([]);
  }, 120_000);
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
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
