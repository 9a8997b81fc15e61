/** The only statements that change rows: by primary key, counted, and guarded so that a repeat changes nothing. */
import { ConnectorError } from '@lethe/plugin-sdk';
import type { SqlValue } from './dialect.js';
import type { MappedTable, MappedTables } from './mapped-tables.js';
import { quoteTable } from './mapped-tables.js';
import type { Constant } from './table-map.js';

const CHUNK = 500;

/** Rolls the transaction back: the database is about to lose rows that nobody decided about. */
export function guard(code: string, dataset: string): never {
  throw new ConnectorError({ class: 'permanent', code }, `Stopped and rolled back in dataset ${dataset}: ${code}.`);
}

function* chunks(refs: string[]): Generator<string[]> {
  for (let start = 0; start < refs.length; start += CHUNK) yield refs.slice(start, start + CHUNK);
}

async function changed(
  tables: MappedTables,
  table: MappedTable,
  refs: string[],
  sql: string,
  parameters: SqlValue[],
): Promise<Set<string>> {
  const key = tables.dialect.quote(table.dataset.key);
  const rows = await tables.session.all(`${sql} RETURNING CAST(${key} AS varchar) AS ref`, parameters);
  const wanted = new Set(refs);
  // Row-count guard: a key that is not unique, or a rule that rewrites the statement, would take other rows along.
  if (rows.length > refs.length || rows.some((row) => !wanted.has(String(row['ref']))))
    guard('row-count-guard', table.dataset.name);
  return new Set(rows.map((row) => String(row['ref'])));
}

/** Foreign keys that cascade would delete or change rows that no target names. */
async function refuseCascades(tables: MappedTables, table: MappedTable, refs: string[]): Promise<void> {
  for (const cascade of await tables.dialect.cascades(tables.session, table.dataset.table)) {
    const column = table.columns.find((entry) => entry.name === cascade.toColumn);
    const condition = tables.keyAmong(table, refs);
    if (!column || !condition) continue;
    const quote = (name: string): string => tables.dialect.quote(name);
    const parents = `SELECT ${quote(cascade.toColumn)} FROM ${tables.from(table)} WHERE ${condition.sql}`;
    const sql = `SELECT 1 AS hit FROM ${quoteTable(tables.dialect, cascade.table)} WHERE ${quote(cascade.column)} IN (${parents}) LIMIT 1`;
    const self = cascade.table === table.dataset.table;
    if (!self && (await tables.session.all(sql, condition.parameters)).length > 0)
      guard('cascade-guard', table.dataset.name);
  }
}

/** Deletes by key; answers with the keys that are really gone. */
export async function deleteRows(tables: MappedTables, table: MappedTable, refs: string[]): Promise<Set<string>> {
  const gone = new Set<string>();
  for (const chunk of chunks(refs)) {
    const condition = tables.keyAmong(table, chunk);
    if (!condition) continue;
    await refuseCascades(tables, table, chunk);
    const sql = `DELETE FROM ${tables.from(table)} WHERE ${condition.sql}`;
    for (const ref of await changed(tables, table, chunk, sql, condition.parameters)) gone.add(ref);
  }
  return gone;
}

/** Sets columns to fixed values by key; rows that hold them already are not written again. */
export async function setColumns(
  tables: MappedTables,
  table: MappedTable,
  refs: string[],
  to: Record<string, Constant>,
): Promise<Set<string>> {
  const done = new Set<string>();
  const names = Object.keys(to);
  if (names.length === 0) return done;
  for (const chunk of chunks(refs)) {
    const condition = tables.keyAmong(table, chunk);
    if (!condition) continue;
    const parameters = [...condition.parameters];
    const values = names.map((name) => constant(tables, table, name, to[name] ?? null, parameters));
    const assign = names.map((name, index) => `${tables.dialect.quote(name)} = ${values[index]}`);
    const differs = names.map((name, index) => `${tables.dialect.quote(name)} IS DISTINCT FROM ${values[index]}`);
    const sql = `UPDATE ${tables.from(table)} SET ${assign.join(', ')} WHERE ${condition.sql} AND (${differs.join(' OR ')})`;
    for (const ref of await changed(tables, table, chunk, sql, parameters)) done.add(ref);
  }
  return done;
}

/** Keys of the rows that hold the fixed values already. */
export async function holding(
  tables: MappedTables,
  table: MappedTable,
  refs: string[],
  to: Record<string, Constant>,
): Promise<Set<string>> {
  const found = new Set<string>();
  for (const chunk of chunks(refs)) {
    const condition = tables.keyAmong(table, chunk);
    if (!condition) continue;
    const parameters = [...condition.parameters];
    const same = Object.keys(to).map(
      (name) =>
        `${tables.dialect.quote(name)} IS NOT DISTINCT FROM ${constant(tables, table, name, to[name] ?? null, parameters)}`,
    );
    const sql = `SELECT CAST(${tables.dialect.quote(table.dataset.key)} AS varchar) AS ref FROM ${tables.from(table)} WHERE ${[condition.sql, ...same].join(' AND ')}`;
    for (const row of await tables.session.all(sql, parameters)) found.add(String(row['ref']));
  }
  return found;
}

/** A constant of the table map as a parameter of the column's own type. */
function constant(
  tables: MappedTables,
  table: MappedTable,
  name: string,
  value: Constant,
  parameters: SqlValue[],
): string {
  if (value === null) return 'NULL';
  const { type } = tables.column(table, name);
  parameters.push(String(value));
  return `CAST(CAST(${tables.dialect.parameter(parameters.length)} AS varchar) AS ${type})`;
}
