/** Fills two tenants with the same kinds of things, and tells everything that is stored of one. */
import type { Client } from 'pg';
import type { TestAnswer, TestServer } from '../support/test-server.js';

/** Somebody's keys: the first tenant's and the second's look alike. */
export interface Keys {
  admin: string;
  officer: string;
  auditor: string;
  system: string;
}

/** What the filling was given back, so that it can be sent by somebody else. */
export interface Filled {
  tokens: string[];
  cursors: string[];
}

/** Creates one of everything that can be made over HTTP. Every text carries `mark`. */
export async function fillTenant(lethe: TestServer, keys: Keys, mark: string): Promise<Filled> {
  const person = { identifiers: [{ type: 'email', value: `${mark}@example.test` }] };
  const ok = async (answer: Promise<TestAnswer>): Promise<TestAnswer['body']> => {
    const { status, body } = await answer;
    if (status >= 300) throw new Error(`filling: ${status} ${JSON.stringify(body)}`);
    return body;
  };
  const admin = { key: keys.admin };
  const officer = { key: keys.officer };
  const system = { key: keys.system };
  for (const [id, legalBasis] of [
    [`${mark}-news`, 'consent'],
    [`${mark}-insight`, 'legitimate-interest'],
  ])
    await ok(lethe.put(`/v1/purposes/${id}`, { name: mark, legalBasis, model: 'opt-in' }, admin));
  const purposes = [`${mark}-news`, `${mark}-insight`];
  await ok(lethe.post('/v1/notices', { id: mark, version: '1', language: 'en', text: mark, purposes }, officer));
  const consent = await ok(
    lethe.post(
      '/v1/consents',
      {
        ...{
          subject: person,
          decisions: [{ purpose: purposes[0], decision: 'given' }],
          notice: { id: mark, version: '1' },
        },
        ...{ method: mark, collectedAt: lethe.clock.now().toISOString(), evidence: { mark } },
      },
      system,
    ),
  );
  const access = (id: string): object => ({
    ...{ id, actor: { type: 'employee', id: mark }, subject: person, action: 'read', resource: mark, fields: [mark] },
    ...{ purpose: purposes[0], at: lethe.clock.now().toISOString() },
  });
  await ok(lethe.post('/v1/access-log/entries', { entries: [access(`${mark}-1`), access(`${mark}-2`)] }, system));
  const page = await ok(lethe.post('/v1/access-log/search', { limit: 1 }, { key: keys.auditor }));
  await ok(lethe.post('/v1/admin/api-keys', { kind: 'system', label: mark, scopes: ['consents:check'] }, admin));
  await ok(lethe.post('/v1/admin/members', { label: mark, roles: ['auditor'] }, admin));
  const place = { name: mark, legalEntity: mark, country: 'DE' };
  const connection = await ok(lethe.post('/v1/admin/systems', { ...place, owner: mark, why: mark }, admin));
  const hold = { ground: 'gdpr-17-3-e', reason: mark, owner: mark, reviewOn: '2031-01-01' };
  await ok(lethe.post('/v1/holds', { ...hold, scope: { subject: person } }, officer));
  await ok(lethe.post('/v1/holds', { ...hold, scope: { connectionId: connection.id } }, officer));
  for (const type of ['access', 'erasure'])
    await ok(lethe.post('/v1/requests', { type, regimes: ['eu-gdpr'], subject: person, channel: 'letter' }, officer));
  const requests = await ok(lethe.post('/v1/requests/search', { limit: 1 }, officer));
  return {
    tokens: [consent.token],
    cursors: [page.next, requests.next].filter((cursor) => typeof cursor === 'string'),
  };
}

/** Every table with a tenant column. */
export async function tenantTables(superuser: Client): Promise<string[]> {
  const { rows } = await superuser.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return rows.map((row) => row.name);
}

/** All rows of a tenant as one text per table; equal texts mean that nothing was touched. */
export async function everythingOf(superuser: Client, tenant: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  for (const table of await tenantTables(superuser)) {
    const { rows } = await superuser.query<{ text: string }>(
      `SELECT t::text AS text FROM "${table}" t WHERE tenant = $1 ORDER BY t::text COLLATE "C"`,
      [tenant],
    );
    all.set(table, rows.map((row) => row.text).join('\n'));
  }
  return all;
}

/** Every value of a UUID column in a tenant's rows. */
export async function referencesOf(superuser: Client, tenant: string): Promise<{ column: string; id: string }[]> {
  const { rows: columns } = await superuser.query<{ table: string; column: string; list: boolean }>(
    `SELECT table_name AS table, column_name AS column, udt_name = '_uuid' AS list FROM information_schema.columns
     WHERE table_schema = 'public' AND udt_name IN ('uuid', '_uuid') AND column_name <> 'tenant' AND table_name = ANY($1)`,
    [await tenantTables(superuser)],
  );
  const found: { column: string; id: string }[] = [];
  for (const { table, column, list } of columns) {
    const value = list ? `unnest("${column}")` : `"${column}"`;
    const { rows } = await superuser.query<{ id: string }>(
      `SELECT DISTINCT ${value} AS id FROM "${table}" WHERE tenant = $1 AND "${column}" IS NOT NULL`,
      [tenant],
    );
    found.push(...rows.map(({ id }) => ({ column: `${table}.${column}`, id })));
  }
  return found;
}

/** Ids in everything stored of a tenant: UUIDs, and ids of credentials. The tenant's own id is none. */
export function idsIn(texts: Iterable<string>, tenant: string): Set<string> {
  const ids = new Set<string>();
  for (const text of texts) {
    for (const [id] of text.matchAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b/g))
      ids.add(id);
    for (const [, id] of text.matchAll(/credential\/([0-9a-f]{16})/g)) if (id) ids.add(id);
  }
  ids.delete(tenant);
  return ids;
}
