/** Every route is denied by default, audited, and open to whom docs/who-may-what.md says: asked one by one over HTTP. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import prettier from 'prettier';
import { newId } from '#kernel';
import { startTestServer, type TestAnswer, type TestServer } from '../support/test-server.js';
import {
  callerKinds,
  controllersOf,
  faultsOf,
  mayCall,
  routesOf,
  whoMayWhat,
  type CallerKind,
  type Route,
} from './route-table.js';

/** An operation of the OpenAPI document. */
type Documented = { operationId: string; parameters?: { name: string; required: boolean }[] };

const TABLE = 'docs/who-may-what.md';

@Controller('v1/planted')
class PlantedController {
  @Get('open')
  forgotten(): void {
    // Answers nothing: the test looks at its decorators only.
  }

  @Post(':id')
  alsoForgotten(): void {
    // Likewise.
  }
}

describe('every route', () => {
  let lethe: TestServer;
  let routes: Route[];
  const keys = new Map<string, string>();

  beforeAll(async () => {
    lethe = await startTestServer();
    routes = routesOf(controllersOf(lethe.server.app));
    const people = { admin: 'admin', 'privacy-officer': 'officer', auditor: 'auditor' } as const;
    for (const [role, name] of Object.entries(people)) keys.set(role, lethe.tenant.keys[name]);
    for (const kind of callerKinds) {
      if (!('scope' in kind)) continue;
      const body = { kind: 'system', label: kind.scope, scopes: [kind.scope] };
      keys.set(kind.scope, (await lethe.post('/v1/admin/api-keys', body, { as: 'admin' })).body.key);
    }
  });
  afterAll(() => lethe.close());

  const call = (route: Route, key: string, headers: Record<string, string> = {}): Promise<TestAnswer> => {
    const path = route.path.replaceAll(/\{[^}]+\}/g, newId());
    if (route.method === 'GET') return lethe.get(path, { key, headers });
    return route.method === 'PUT' ? lethe.put(path, {}, { key, headers }) : lethe.post(path, {}, { key, headers });
  };

  it('names what it needs and what it leaves in the log', () => {
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.flatMap(faultsOf)).toEqual([]);
  });

  it('would be found if it did not', () => {
    expect(routesOf([PlantedController]).flatMap(faultsOf)).toEqual([
      'PlantedController.forgotten (GET /v1/planted/open) has no @Can',
      'PlantedController.forgotten (GET /v1/planted/open) has no @Audited',
      'PlantedController.alsoForgotten (POST /v1/planted/{id}) has no @Can',
      'PlantedController.alsoForgotten (POST /v1/planted/{id}) has no @Audited',
    ]);
  });

  it('has an operationId of its own and stands in the OpenAPI document, which holds no other', async () => {
    expect(routes.map((route) => route.name).filter((name, at, all) => all.indexOf(name) !== at)).toEqual([]);
    const { body } = await lethe.get('/openapi.json');
    const documented = Object.entries(body.paths as Record<string, Record<string, { operationId: string }>>).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
    );
    expect(documented.sort()).toEqual(routes.map(({ name, method, path }) => `${name} ${method} ${path}`).sort());
  });

  it('says there what it does, as the log calls it', async () => {
    const paths = (await lethe.get('/openapi.json')).body.paths as Record<string, Record<string, { summary: string }>>;
    const summaries = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ summary }) => summary));
    expect(summaries).toContain('request: send code');
    expect(summaries.filter((one) => !one)).toEqual([]);
  });

  it('is a route of a controller: nothing is registered beside them but the OpenAPI document', () => {
    const instance = lethe.server.app.getHttpAdapter().getInstance() as unknown as { printRoutes(of: object): string };
    const known = new Set(routes.map(({ method, path }) => `${method} ${path.replaceAll(/\{([^}]+)\}/g, ':$1')}`));
    const printed = registered(instance.printRoutes({ commonPrefix: false }));
    const beside = printed.filter((route) => !spellingsOf(route).some((one) => known.has(one)));
    // The router prints the two tile routes, which end in a wildcard, as one line.
    expect(beside).toEqual(['GET /openapi.json', 'GET *']);
  });

  it('stands in docs/who-may-what.md', async () => {
    const table = await prettier.format(whoMayWhat(routes), {
      ...(await prettier.resolveConfig(TABLE)),
      parser: 'markdown',
    });
    if (process.env['LETHE_TEST_UPDATE']) writeFileSync(TABLE, table);
    const kept = existsSync(TABLE) ? readFileSync(TABLE, 'utf8') : '';
    expect(kept === table ? '' : `${TABLE} is outdated: run it with LETHE_TEST_UPDATE=1`).toBe('');
  });

  it('answers every kind of caller as the table says, the denied by whom it needs, and 401 without one', async () => {
    const wrong: string[] = [];
    const nameOf = (kind: CallerKind): string => ('role' in kind ? kind.role : kind.scope);
    let calls = 0;
    const ask = async (
      route: Route,
      who: string,
      key: string,
      expected: 'denied' | 'allowed' | 'unknown',
    ): Promise<void> => {
      const { status, body } = await call(route, key);
      calls += 1;
      const got = status === 401 ? 'unknown' : status === 403 && body.code === 'forbidden' ? 'denied' : 'allowed';
      if (got !== expected || status >= 500)
        wrong.push(`${route.name} as ${who}: ${status} ${body.code ?? ''}, expected ${expected}`);
      if (got === 'denied' && callerKinds.some((kind) => isNamed(kind, body.detail) !== mayCall(kind, route.needs)))
        wrong.push(`${route.name} as ${who}: ${body.detail}`);
    };
    for (const route of routes) {
      const open = route.needs === 'anyone';
      await Promise.all([
        ask(route, 'nobody', 'none', open ? 'allowed' : 'unknown'),
        ...callerKinds.flatMap((kind) => {
          const key = keys.get(nameOf(kind));
          return key ? [ask(route, nameOf(kind), key, mayCall(kind, route.needs) ? 'allowed' : 'denied')] : [];
        }),
      ]);
    }
    expect(wrong).toEqual([]);
    expect(calls).toBe(routes.length * (keys.size + 1));
  });

  it('that changes something by POST asks for an Idempotency-Key, and no other is documented to', async () => {
    const changing = routes.filter(
      (route) => route.method === 'POST' && route.audit?.kind === 'change' && route.needs !== 'anyone',
    );
    expect(changing.length).toBeGreaterThan(5);
    const answers = await Promise.all(
      changing.map(async (route) => {
        const kind = callerKinds.find((one) => keys.has(nameOfKind(one)) && mayCall(one, route.needs))!;
        const { status, body } = await call(route, keys.get(nameOfKind(kind))!, { 'idempotency-key': '' });
        return `${route.name} ${status} ${body.code}`;
      }),
    );
    expect(answers).toEqual(changing.map((route) => `${route.name} 400 idempotency-key-missing`));
    const paths = (await lethe.get('/openapi.json')).body.paths as Record<string, Record<string, Documented>>;
    const documented = Object.values(paths).flatMap((methods) => Object.values(methods));
    const demanded = documented.filter(({ parameters = [] }) =>
      parameters.some((one) => one.name === 'Idempotency-Key' && one.required),
    );
    expect(demanded.map((one) => one.operationId).sort()).toEqual(changing.map((route) => route.name).sort());
  });

  it('is not reached around authentication by another spelling of its path', async () => {
    for (const path of [
      '/%76%31/whoami',
      '/v1//whoami',
      '/v1/%77hoami',
      '//v1/whoami',
      '/V1/whoami',
      '/v1/whoami/',
      '/v1/./whoami',
    ]) {
      const { status } = await lethe.get(path, { key: 'none' });
      expect([path, [401, 404].includes(status)]).toEqual([path, true]);
    }
  });
});

function nameOfKind(kind: CallerKind): string {
  return 'role' in kind ? kind.role : kind.scope;
}

/** Whether a refusal names a kind of caller among those who may; `a system key` alone means every scope. */
function isNamed(kind: CallerKind, detail: string): boolean {
  const everyKey = /\ba system key\b(?! with)/.test(detail);
  if ('scope' in kind) return everyKey || detail.includes(kind.scope);
  return kind.role === 'system' ? everyKey : new RegExp(`\\b${kind.role}\\b`).test(detail);
}

/** Two routes that name the same place differently are one line of the tree, `/:id|:position/page`: every spelling of it. */
function spellingsOf(route: string): string[] {
  const match = /^([^|]*\/)(:\w+(?:\|:\w+)+)(.*)$/.exec(route);
  if (!match) return [route];
  const [, before = '', names = '', after = ''] = match;
  return names.split('|').flatMap((name) => spellingsOf(before + name + after));
}

/** `GET /path` lines from the router's own tree; HEAD goes with GET. */
function registered(tree: string): string[] {
  const open: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', segment = '', methods = ''] = /^([│ ]*)[├└]── (\S*) \(([A-Z, ]+)\)$/.exec(line) ?? [];
    if (segment === '') return [];
    open.length = indent.length / 4;
    open.push(segment);
    const path = open.join('');
    return methods.split(', ').flatMap((method) => (method === 'HEAD' ? [] : [`${method} ${path}`]));
  });
}
