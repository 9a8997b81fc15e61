/** A running Tryton for a spec, the connector's context on it, and a look at its PostgreSQL from behind. */
import { join } from 'node:path';
import tryton from '@lethe/plugin-tryton';
import type { Connector, Ctx, Item, Json, Target } from '@lethe/plugin-sdk';
import pg from 'pg';
import { startTryton, type RunningTryton } from '../../../scripts/systems/tryton.mjs';

type Parts<T> = T extends Connector<infer C, infer D> ? { config: C; dataset: D } : never;
type TrytonConfig = Parts<typeof tryton>['config'];
type Name = Parts<typeof tryton>['dataset'];

/** Kept between runs: packages and the seeded database; a run works on a copy. */
const CACHE = join(import.meta.dirname, '..', '..', '..', '.data', 'systems', 'tryton');

/** Everything a spec needs of Tryton; `close` ends what was started. */
export interface TrytonSystem {
  running: RunningTryton;
  db: pg.Client;
  logged: string[];
  context(password?: string): Ctx<TrytonConfig>;
  close(): Promise<void>;
}

/** Brings Tryton up and plants a trigger that notes every change of a row, whoever makes it. */
export async function openTryton(): Promise<TrytonSystem> {
  const running = await startTryton({ cacheDir: CACHE });
  const db = new pg.Client({ connectionString: running.storage });
  await db.connect();
  await plantTriggers(db);
  const logged: string[] = [];
  const log = (message: string, fields?: Record<string, Json>) =>
    void logged.push(message + JSON.stringify(fields ?? {}));
  const context = (password = running.password): Ctx<TrytonConfig> => ({
    config: { url: running.url, database: running.database, user: running.user },
    secrets: { password },
    signal: new AbortController().signal,
    deadline: new Date(Date.now() + 60_000),
    now: () => new Date(),
    log: { info: log, warn: log },
  });
  const close = async () => {
    await db.end();
    await running.stop();
  };
  return { running, db, logged, context, close };
}

/** Tables of Tryton's own administration, which change with every login, wizard and click. */
const HOUSEKEEPING = [
  'ir_session',
  'ir_session_wizard',
  'ir_model_log',
  'res_user_login_attempt',
  'ir_cache',
  'ir_queue',
];

async function tablesOf(db: pg.Client): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND column_name = 'id' ORDER BY 1`,
  );
  return rows.map(({ name }) => name).filter((name) => !HOUSEKEEPING.includes(name));
}

async function plantTriggers(db: pg.Client): Promise<void> {
  await db.query('CREATE TABLE planted_writes (seq serial, relation text, record int, operation text)');
  await db.query(`CREATE FUNCTION planted_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO planted_writes (relation, record, operation) VALUES (TG_TABLE_NAME, COALESCE(OLD.id, NEW.id), TG_OP);
    RETURN NULL; END $$`);
  for (const table of await tablesOf(db)) {
    await db.query(
      `CREATE TRIGGER planted AFTER INSERT OR UPDATE OR DELETE ON "${table}" FOR EACH ROW EXECUTE FUNCTION planted_note()`,
    );
  }
}

/** Writes since the trigger was planted, as `table id` → how many times, and forgets them. */
export async function takeWrites(db: pg.Client): Promise<Record<string, number>> {
  const { rows } = await db.query<{ row: string; times: string }>(
    `WITH taken AS (DELETE FROM planted_writes RETURNING *)
     SELECT relation || ' ' || record AS row, count(*) AS times FROM taken GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ row, times }) => [row, Number(times)]));
}

/** Every row of every table by a digest of all its columns. */
export async function snapshot(db: pg.Client): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for (const table of await tablesOf(db)) {
    const found = await db.query<{ id: number; digest: string }>(`SELECT id, md5(t::text) AS digest FROM "${table}" t`);
    for (const { id, digest } of found.rows) rows.set(`${table} ${id}`, digest);
  }
  return rows;
}

/** Rows that differ between two snapshots, gone and new ones included. */
export function changed(before: Map<string, string>, after: Map<string, string>): string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key) !== after.get(key)).sort();
}

/** `table.column` of every text in the whole database that contains the value. */
export async function whereStands(db: pg.Client, value: string): Promise<string[]> {
  const { rows } = await db.query<{ relation: string; name: string }>(
    `SELECT table_name AS relation, column_name AS name FROM information_schema.columns
     JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea')`,
  );
  const found: string[] = [];
  for (const { relation, name } of rows) {
    const hits = await db.query(`SELECT 1 FROM "${relation}" WHERE "${name}"::text ILIKE $1 LIMIT 1`, [`%${value}%`]);
    if (hits.rowCount === 1) found.push(`${relation}.${name}`);
  }
  return found.sort();
}

/** A person as the host would ask for them, by one e-mail address unless told otherwise. */
export const person = (value: string, type = 'email'): Item => ({
  itemKey: `key-${value}`,
  generation: 0,
  ids: [{ type, value, strength: 'verified' }],
});

/** Collects what a connector yields. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Locates a person and decides as each dataset proposes: anonymise the party, strip sales and invoices, erase notes. */
export async function decided(x: Ctx<TrytonConfig>, item: Item): Promise<Target<Name>[]> {
  const datasets = await all(tryton.datasets(x));
  const located = await all(tryton.locate(x, [item]));
  return located.map((row) => ({
    ...row,
    action: datasets.find(({ name }) => name === row.dataset)?.action ?? 'retain',
  }));
}

/** Erases a party as an officer would in Tryton itself, with none of the connector's code. */
export async function eraseInTryton({ url, database, user, password }: RunningTryton, party: number): Promise<void> {
  let authorization = '';
  const call = async (method: string, ...params: Json[]): Promise<Json[]> => {
    const headers = { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) };
    const body = JSON.stringify({ id: 1, method, params });
    const answer = await fetch(`${url}/${database}/rpc/`, { method: 'POST', headers, body });
    const { result, error } = (await answer.json()) as { result?: Json[]; error?: Json[] };
    if (error !== undefined) throw new Error(`Tryton: ${String(error[1])}`);
    return result ?? [];
  };
  const [id, key] = await call('common.db.login', user, { password }, null);
  authorization = `Session ${Buffer.from(`${user}:${String(id)}:${String(key)}`).toString('base64')}`;
  await call('model.party.party.write', [party], { active: false }, { company: 1 });
  const [wizard = null] = await call('wizard.party.erase.create', {});
  await call('wizard.party.erase.execute', wizard, { ask: { party } }, 'erase', {});
  await call('wizard.party.erase.delete', wizard, {});
}
