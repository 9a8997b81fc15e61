/** How the table-map engine speaks to a DuckDB file and the Parquet files mapped beside it. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Cascade, Column, Dialect, Family, Rights, Session, SqlRow, SqlValue } from '@lethe/plugin-kit';
import type { Horizon } from '@lethe/plugin-sdk';
import { connectorError, openDatabase } from './open-database.js';
import { ParquetFiles } from './parquet-files.js';

const INTEGER = new Set(['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER']);

function familyOf(type: string): Family {
  if (type === 'VARCHAR') return 'text';
  if (INTEGER.has(type)) return 'integer';
  if (type === 'UUID') return 'uuid';
  return type === 'DATE' || type.startsWith('TIMESTAMP') ? 'temporal' : 'other';
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Opens the file for each call and closes it at the end: while it is open for writing, nobody else can use it. */
export class DuckdbDialect implements Dialect {
  // One process writes at a time, so there is nothing to lock.
  readonly lockRows = '' as const;

  constructor(
    private readonly file: string,
    /** Path of the Parquet file by table name. */
    private readonly parquet: ReadonlyMap<string, string>,
    private readonly waitMs: number,
  ) {}

  quote(name: string): string {
    return quoteName(name);
  }

  parameter(position: number): string {
    return `$${position}`;
  }

  async transaction<T>(
    mode: 'read' | 'write',
    work: (session: Session) => Promise<T>,
    writes: string[] = [],
  ): Promise<T> {
    return openDatabase(this.file, mode, this.waitMs, async (connection) => {
      const files = new ParquetFiles(connection, this.parquet, mode === 'write' ? writes : []);
      try {
        await files.mount();
        await connection.run('BEGIN TRANSACTION');
        const result = await work(await this.session(connection, mode));
        await files.stage();
        await connection.run('COMMIT');
        await files.replace();
        // Without a checkpoint the deleted rows would stand in the write-ahead file beside the database.
        if (mode === 'write') await connection.run('CHECKPOINT');
        return result;
      } catch (error) {
        await connection.run('ROLLBACK').catch(() => undefined);
        throw connectorError(error);
      } finally {
        await files.discard();
      }
    });
  }

  async columns(session: Session, tables: string[]): Promise<Map<string, Column[]>> {
    const found = new Map<string, Column[]>();
    for (const table of tables) {
      const [schema, name] = split(table);
      const rows = await session.all(
        `SELECT column_name AS name, data_type AS type FROM duckdb_columns()
         WHERE database_name = CASE WHEN $1 = 'yes' THEN 'temp' ELSE current_database() END AND schema_name = $2 AND table_name = $3
         ORDER BY column_index`,
        [this.parquet.has(table) ? 'yes' : 'no', schema, name],
      );
      if (rows.length > 0)
        found.set(
          table,
          rows.map((row) => ({
            name: String(row['name']),
            type: String(row['type']),
            family: familyOf(String(row['type'])),
          })),
        );
    }
    return found;
  }

  async rights(_session: Session, table: string): Promise<Rights> {
    const path = this.parquet.get(table) ?? this.file;
    const writable = await access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
    return { select: true, update: writable, delete: writable };
  }

  async account(): Promise<string> {
    return Promise.resolve('file access of the plugin process');
  }

  /** DuckDB knows no ON DELETE CASCADE. */
  async cascades(): Promise<Cascade[]> {
    return Promise.resolve([]);
  }

  async layers(_session: Session, table: string): Promise<Omit<Horizon, 'dataset'>[]> {
    if (this.parquet.has(table)) return Promise.resolve([]);
    return Promise.resolve([
      { layer: 'history', until: null, note: 'freed blocks of the file until they are written again' },
    ]);
  }

  private async session(connection: DuckDBConnection, mode: 'read' | 'write'): Promise<Session> {
    const all = async (sql: string, parameters: SqlValue[] = []): Promise<SqlRow[]> => {
      const reader = await connection.runAndReadAll(sql, parameters);
      return reader.getRowObjectsJson() as SqlRow[];
    };
    if (mode === 'read') return { all };
    const [row] = await all(
      `SELECT count(*)::INTEGER AS n FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'`,
    );
    // DuckDB still sees deleted children until they are committed. The file stays open and locked, so nobody comes between.
    const step = async (): Promise<void> => {
      await connection.run('COMMIT');
      await connection.run('BEGIN TRANSACTION');
    };
    return Number(row?.['n']) > 0 ? { all, step } : { all };
  }
}

function split(table: string): [string, string] {
  const [first = '', second] = table.split('.');
  return second === undefined ? ['main', first] : [first, second];
}
