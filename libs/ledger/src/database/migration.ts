/** Migrations are plain SQL in the lib that owns the table: numbered, forward-only. */

/** One forward step. `id` sorts: `<number>-<domain>-<what>`; never renamed once released. */
export interface Migration {
  id: string;
  sql: string;
}

/**
 * SQL of a tenant-scoped table: creates it, forces row-level security (the second wall, below the tenant predicate of
 * every statement), and grants the application role exactly what it may do.
 *
 * @param name table name
 * @param columns column list without parentheses; `tenant uuid NOT NULL` is added in front
 * @param grants e.g. `SELECT, INSERT` for append-only tables
 */
export function tenantTable(name: string, columns: string, grants = 'SELECT, INSERT, UPDATE, DELETE'): string {
  return `
CREATE TABLE ${name} (tenant uuid NOT NULL, ${columns});
ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${name} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_wall ON ${name}
  USING (tenant = NULLIF(current_setting('lethe.tenant', true), '')::uuid)
  WITH CHECK (tenant = NULLIF(current_setting('lethe.tenant', true), '')::uuid);
GRANT ${grants} ON ${name} TO lethe_app;
`;
}
