/** Tables to files and back, over an ordinary connection: in one snapshot, row by row, behind the wall of each tenant. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { Client } from 'pg';
import type { BackedUpTable } from './backup-manifest.js';

/** Of the migrations themselves, of what was done to this very installation, and of the replicas that live just now. */
const NEVER = new Set(['lethe_migration', 'installation_mark', 'key_board', 'key_notice', 'key_replica']);
const FETCH = 1_000;
const INSERT = 500;

export interface TableShape {
  name: string;
  walled: boolean;
  columns: string[];
}

/** The tables of a database that this role may read. */
export async function readShapes(client: Client, wanted: (name: string) => boolean): Promise<TableShape[]> {
  const { rows } = await client.query<TableShape>(
    `SELECT c.relname AS name, c.relrowsecurity AS walled,
            ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  ORDER BY a.attnum) AS columns
     FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`,
  );
  return rows.filter(({ name }) => !NEVER.has(name) && wanted(name));
}

/** Ids of the migrations of a database. */
export async function readMigrations(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM lethe_migration ORDER BY name');
  return rows.map(({ name }) => name.replace(/-\d{13}$/, ''));
}

/** Begins the snapshot that every table is read in. */
export async function beginSnapshot(client: Client): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

/** Lets the connection see one tenant's rows until the end of the transaction. */
export async function within(client: Client, tenant: string): Promise<void> {
  await client.query(`SELECT set_config('lethe.tenant', $1, true)`, [tenant]);
}

/** Writes a table as gzipped JSON lines, flushed. `client` is within a snapshot. */
export async function writeTable(
  client: Client,
  folder: string,
  shape: TableShape,
  tenants: readonly string[],
): Promise<BackedUpTable> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = `${shape.name}.jsonl.gz`;
  const hash = createHash('sha256');
  const counted = { rows: 0 };
  const hashed = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const lines = Readable.from(linesOf(client, shape, tenants, counted));
  await pipeline(lines, createGzip(), hashed, createWriteStream(join(folder, file), { mode: 0o600 }));
  const handle = await open(join(folder, file), 'r');
  await handle.sync();
  await handle.close();
  return { ...shape, rows: counted.rows, file, sha256: hash.digest('hex') };
}

async function* linesOf(
  client: Client,
  { name, walled }: TableShape,
  tenants: readonly string[],
  counted: { rows: number },
): AsyncGenerator<string> {
  for (const tenant of walled ? tenants : ['']) {
    if (walled) await within(client, tenant);
    const where = walled ? `WHERE tenant = '${tenant}'` : '';
    await client.query(
      `DECLARE backup NO SCROLL CURSOR FOR SELECT row_to_json(t)::text AS line FROM ${name} t ${where}`,
    );
    for (;;) {
      const { rows } = await client.query<{ line: string }>(`FETCH ${FETCH} FROM backup`);
      if (rows.length === 0) break;
      counted.rows += rows.length;
      yield rows.map(({ line }) => `${line}\n`).join('');
    }
    await client.query('CLOSE backup');
  }
}

/** Puts a table's rows back, as the owner and within a transaction; rows that are there stay, unless `conflict` says else. */
export async function readTable(
  client: Client,
  folder: string,
  table: BackedUpTable,
  conflict = 'DO NOTHING',
): Promise<number> {
  const columns = table.columns.map((column) => `"${column}"`).join(', ');
  const text = `INSERT INTO ${table.name} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table.name}, $1::json) ON CONFLICT ${conflict}`;
  let put = 0;
  let tenant = '';
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    if (table.walled) await within(client, tenant);
    put += (await client.query(text, [`[${batch.join(',')}]`])).rowCount ?? 0;
    batch = [];
  };
  for await (const line of linesIn(join(folder, table.file))) {
    const of = table.walled ? (JSON.parse(line) as { tenant: string }).tenant : '';
    if (of !== tenant || batch.length >= INSERT) await flush();
    tenant = of;
    batch.push(line);
  }
  await flush();
  return put;
}

/** Lines end at a line feed only: JSON may hold the other characters that Node's readline takes for an end. */
export async function* linesIn(path: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path).pipe(createGunzip()) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    const end = rest.lastIndexOf(0x0a);
    if (end < 0) continue;
    yield* rest.subarray(0, end).toString('utf8').split('\n');
    rest = rest.subarray(end + 1);
  }
}
