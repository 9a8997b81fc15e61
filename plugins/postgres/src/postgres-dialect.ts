/** How the table-map engine speaks to PostgreSQL. */
import type { Cascade, Column, Dialect, Family, Rights, Session, SqlRow, SqlValue } from '@lethe/plugin-kit';
import type { Horizon } from '@lethe/plugin-sdk';
import pg from 'pg';
import { connectorError } from './postgres-errors.js';

export interface PostgresServer {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  schema: string;
  ssl: boolean;
  /** Time the call has left. */
  waitMs: number;
}

const LOCK_TIMEOUT_MS = 5000;
const TEXT = new Set(['text', 'character varying', 'character', 'citext', 'name']);
const INTEGER = new Set(['smallint', 'integer', 'bigint']);

function familyOf(type: string): Family {
  const bare = type.replace(/\(.*\)/, '').trim();
  if (TEXT.has(bare)) return bare === 'citext' ? 'other' : 'text';
  if (INTEGER.has(bare)) return 'integer';
  if (bare === 'uuid') return 'uuid';
  return bare === 'date' || bare.startsWith('timestamp') ? 'temporal' : 'other';
}

// Dates and exact numbers stay the text PostgreSQL wrote: no time zone and no rounding in between.
const NUMBERS = new Set([21, 23, 700, 701]);
const types = {
  getTypeParser: (oid: number) => (value: string) => {
    if (NUMBERS.has(oid)) return Number(value);
    if (oid === 16) return value === 't';
    return oid === 114 || oid === 3802 ? (JSON.parse(value) as unknown) : value;
  },
};

const RELATION = `(SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2)`;

/** One client for each transaction; nothing stays open between calls. */
export class PostgresDialect implements Dialect {
  readonly lockRows = ' FOR UPDATE' as const;

  constructor(private readonly server: PostgresServer) {}

  quote(name: string): string {
    return pg.escapeIdentifier(name);
  }

  parameter(position: number): string {
    return `$${position}`;
  }

  async transaction<T>(mode: 'read' | 'write', work: (session: Session) => Promise<T>): Promise<T> {
    const { host, port, database, user, password, ssl, schema, waitMs } = this.server;
    const options = `-c datestyle=ISO,YMD -c timezone=UTC -c lock_timeout=${LOCK_TIMEOUT_MS} -c statement_timeout=${Math.ceil(waitMs)}`;
    const client = new pg.Client({
      host,
      port,
      database,
      user,
      password,
      ssl,
      options,
      types,
      connectionTimeoutMillis: 10_000,
    });
    // Without a listener a dropped connection would end the process; the failing query tells of it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(mode === 'read' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY' : 'BEGIN');
      await client.query(`SET LOCAL search_path TO ${this.quote(schema)}, pg_temp`);
      const result = await work({ all: (sql, parameters) => this.all(client, sql, parameters) });
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw connectorError(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async columns(session: Session, tables: string[]): Promise<Map<string, Column[]>> {
    const found = new Map<string, Column[]>();
    for (const table of tables) {
      const rows = await session.all(
        `SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = ${RELATION} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
        this.split(table),
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

  async rights(session: Session, table: string): Promise<Rights> {
    const [row] = await session.all(
      `SELECT has_table_privilege(oid, 'SELECT') OR has_any_column_privilege(oid, 'SELECT') AS "select",
              has_table_privilege(oid, 'UPDATE') OR has_any_column_privilege(oid, 'UPDATE') AS "update",
              has_table_privilege(oid, 'DELETE') AS "delete" FROM pg_catalog.pg_class WHERE oid = ${RELATION}`,
      this.split(table),
    );
    return { select: row?.['select'] === true, update: row?.['update'] === true, delete: row?.['delete'] === true };
  }

  async account(session: Session): Promise<string> {
    const [row] = await session.all('SELECT current_user AS account');
    return String(row?.['account']);
  }

  async cascades(session: Session, table: string): Promise<Cascade[]> {
    const rows = await session.all(
      `SELECT n.nspname || '.' || c.relname AS child, a.attname AS column, p.attname AS parent FROM pg_catalog.pg_constraint k
       JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
       JOIN pg_catalog.pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = k.confkey[1]
       WHERE k.contype = 'f' AND k.confdeltype IN ('c', 'n', 'd') AND k.confrelid = ${RELATION} AND k.conrelid <> k.confrelid`,
      this.split(table),
    );
    return rows.map((row) => ({
      table: String(row['child']),
      column: String(row['column']),
      toColumn: String(row['parent']),
    }));
  }

  async layers(session: Session, table: string): Promise<Omit<Horizon, 'dataset'>[]> {
    const [row] = await session.all(
      `SELECT count(*)::int AS n FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgrelid = ${RELATION}`,
      this.split(table),
    );
    const triggers = Number(row?.['n'] ?? 0);
    const log = { layer: 'log' as const, until: null, note: 'dead rows until vacuum; write-ahead log and its archive' };
    return triggers > 0
      ? [log, { layer: 'history', until: null, note: `${triggers} trigger(s) on the table may keep copies` }]
      : [log];
  }

  private split(table: string): [string, string] {
    const [first = '', second] = table.split('.');
    return second === undefined ? [this.server.schema, first] : [first, second];
  }

  private async all(client: pg.Client, sql: string, parameters: SqlValue[] = []): Promise<SqlRow[]> {
    const { rows } = await client.query<SqlRow>(sql, parameters);
    return rows;
  }
}
