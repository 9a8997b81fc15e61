/** Everything that is stored of a tenant, and the ids in it. */
import type { Client } from 'pg';

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
