/** The conformance suite on a real PostgreSQL, with counting triggers and every statement logged. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeConnector, type ConformanceSystem } from '@lethe/plugin-kit/conformance';
import type { SqlRow } from '@lethe/plugin-kit';
import pg from 'pg';
import { startPostgres } from '../../../scripts/postgres.mjs';
import connector from './index.js';

const TABLES = ['households', 'customers', 'orders', 'order_lines', 'invoices', 'reviews', 'messages', 'calls'];

async function setup(): Promise<ConformanceSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lethe-plugin-postgres-'));
  const settings = { log_statement: 'all', log_line_prefix: '%u %x ' };
  const server = await startPostgres({ dataDir, fast: true, settings });
  const owner = new pg.Client({
    connectionString: server.url,
    types: { getTypeParser: () => (value: string) => value },
  });
  await owner.connect();
  await owner.query(`CREATE ROLE lethe LOGIN PASSWORD 'secret'`);
  await owner.query('CREATE TABLE changes (line text)');
  await owner.query(`CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN INSERT INTO changes VALUES (TG_TABLE_NAME || '/' || OLD.id || ' ' || TG_OP); RETURN NULL; END $$`);
  const sql = async (...statements: string[]): Promise<SqlRow[]> => {
    const rows: SqlRow[] = [];
    for (const statement of statements) rows.push(...(await owner.query<SqlRow>(statement)).rows.map(typed));
    return rows;
  };
  return {
    sql,
    context: (tableMap) => ({
      config: { host: '127.0.0.1', port: server.port, database: 'postgres', user: 'lethe', tableMap },
      secrets: { password: 'secret' },
      signal: new AbortController().signal,
      deadline: new Date(Date.now() + 30_000),
      now: () => new Date(),
      log: { info: () => undefined, warn: () => undefined },
    }),
    planted: async () => {
      await owner.query('TRUNCATE changes');
      for (const table of TABLES)
        await owner.query(
          `CREATE TRIGGER counted AFTER UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION counted()`,
        );
      await owner.query('GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lethe');
    },
    changes: async () => (await sql('SELECT line FROM changes')).map((row) => String(row['line'])),
    fingerprint: async () => {
      const log = (await logs(server.dataDir)).split('\n').filter((line) => line.startsWith('lethe '));
      const writing = log.filter(
        (line) =>
          !/^lethe 0 /.test(line) ||
          /execute [^:]*: (INSERT|UPDATE|DELETE|ALTER|CREATE|DROP|TRUNCATE)|FOR UPDATE/i.test(line),
      );
      return `${writing.length} writing statements`;
    },
    stop: async () => {
      await owner.end();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The driver's own text, but for integers, which the suite compares. */
function typed(row: SqlRow): SqlRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
    ]),
  );
}

async function logs(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.log'));
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
}

describeConnector('the PostgreSQL connector', connector, setup);
