/** The row-count guard, with a database that changes more than it was told. */
import { describe, expect, it } from '@jest/globals';
import { ConnectorError } from '@lethe/plugin-sdk';
import { deleteRows, setColumns } from './change-rows.js';
import type { Dialect, Session, SqlRow } from './dialect.js';
import { MappedTables } from './mapped-tables.js';
import { parseTableMap } from './table-map.js';

const map = parseTableMap({
  datasets: [{ name: 'people', table: 'people', title: 'People', key: 'id', action: 'erase' }],
});

/** A database whose changing statements answer with these keys. */
async function tablesAnswering(...refs: string[]): Promise<{ tables: MappedTables; statements: string[] }> {
  const statements: string[] = [];
  const dialect: Dialect = {
    quote: (name) => `"${name}"`,
    parameter: (position) => `$${position}`,
    lockRows: '',
    transaction: async (_mode, work) => work(session),
    columns: async () =>
      Promise.resolve(new Map([['people', [{ name: 'id', type: 'integer', family: 'integer' as const }]]])),
    rights: async () => Promise.resolve({ select: true, update: true, delete: true }),
    account: async () => Promise.resolve('test'),
    cascades: async () => Promise.resolve([]),
    layers: async () => Promise.resolve([]),
  };
  const session: Session = {
    all: async (sql): Promise<SqlRow[]> => {
      statements.push(sql);
      return Promise.resolve(refs.map((ref) => ({ ref })));
    },
  };
  return { tables: await MappedTables.open(dialect, session, map), statements };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error instanceof ConnectorError ? error.fail.code : 'other error'),
  );
}

describe('a change by key', () => {
  it('is done when exactly the named rows answer', async () => {
    const { tables, statements } = await tablesAnswering('1', '2');
    expect(await deleteRows(tables, tables.table('people'), ['1', '2'])).toEqual(new Set(['1', '2']));
    expect(statements).toEqual([
      'DELETE FROM "people" WHERE "id" IN (CAST($1 AS bigint), CAST($2 AS bigint)) RETURNING CAST("id" AS varchar) AS ref',
    ]);
  });

  it.each([[['1', '2', '3']], [['1', '3']], [['1', '1', '2']]])('stops when %j answer for two', async (answer) => {
    const { tables } = await tablesAnswering(...answer);
    expect(await codeOf(deleteRows(tables, tables.table('people'), ['1', '2']))).toBe('row-count-guard');
    expect(await codeOf(setColumns(tables, tables.table('people'), ['1', '2'], { id: null }))).toBe('row-count-guard');
  });

  it('sends no statement at all when there is nothing to name', async () => {
    const { tables, statements } = await tablesAnswering('1');
    await deleteRows(tables, tables.table('people'), []);
    await deleteRows(tables, tables.table('people'), ["1' OR '1'='1"]);
    await setColumns(tables, tables.table('people'), ['1'], {});
    expect(statements).toEqual([]);
  });
});
