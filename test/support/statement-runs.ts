/** Runs a statement on grown tables, with values of the right types, and says how much it looked at; nothing is kept. */
import type { Client } from 'pg';
import { GROWN_TENANT } from './grown-tables.js';
import type { SourceStatement } from './source-statements.js';

/** How much a statement looked at. */
export interface GrownRun {
  /** Blocks of the buffer cache, the worst of its plans. */
  blocks: number;
  /** Tables of more than a few blocks that it reads from one end to the other. */
  whole: string[];
}

const PERSON = '00000000-0000-7000-8000-000000000100';
/** Before everything: what looks for the old finds nothing, and must find that out cheaply. */
const INSTANT = '2019-12-31T00:00:00Z';
const BY_TYPE: Record<string, string> = {
  uuid: PERSON,
  text: `subject/${PERSON}`,
  bigint: '50',
  integer: '50',
  boolean: 'true',
  'timestamp with time zone': INSTANT,
  date: '2019-12-31',
  bytea: '\\x00',
  jsonb: '{}',
  json: '{}',
  'double precision': '1',
};
/** Of a table with fewer, an index would be no gain. */
const FEW_BLOCKS = 20;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

/** `client` is connected as the application: the wall between tenants is a part of every plan. */
export async function runOnGrown(client: Client, { text, named }: SourceStatement): Promise<GrownRun> {
  const runs: GrownRun[] = [];
  for (const mode of named ? ['custom', 'generic'] : ['custom']) {
    await client.query(`SET plan_cache_mode = force_${mode}_plan`);
    runs.push(await runOnce(client, text));
  }
  return { blocks: Math.max(...runs.map(({ blocks }) => blocks)), whole: runs.flatMap(({ whole }) => whole) };
}

async function runOnce(client: Client, text: string): Promise<GrownRun> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT set_config('lethe.tenant', $1, true)`, [GROWN_TENANT]);
    await client.query(`PREPARE one AS ${text}`);
    const execute = `EXECUTE one${await argumentsOf(client)}`;
    await client.query('SAVEPOINT planned');
    // A row that is refused, or a division by zero on purpose: then the plan alone is looked at.
    const plan =
      (await explain(client, `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${execute}`).catch(() => undefined)) ??
      (await client.query('ROLLBACK TO SAVEPOINT planned'), await explain(client, `EXPLAIN (FORMAT JSON) ${execute}`));
    const blocks = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
    return { blocks, whole: await largeAmong(client, scanned(plan)) };
  } finally {
    await client.query('ROLLBACK');
    await client.query('DEALLOCATE ALL');
  }
}

async function explain(client: Client, text: string): Promise<PlanNode> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(text);
  return rows[0]!['QUERY PLAN'][0].Plan;
}

/** A value for each parameter; the first uuid is the tenant. */
async function argumentsOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ types: string[] }>(
    `SELECT parameter_types::text[] AS types FROM pg_prepared_statements WHERE name = 'one'`,
  );
  const values = (rows[0]?.types ?? []).map((type, at) => {
    if (at === 0 && type === 'uuid') return `'${GROWN_TENANT}'`;
    const value = BY_TYPE[type.replace('[]', '')];
    if (value === undefined) throw new Error(`there is no value of type ${type}`);
    return type.endsWith('[]') ? `ARRAY['${value}']::${type}` : `'${value}'`;
  });
  return values.length === 0 ? '' : `(${values.join(', ')})`;
}

function scanned(node: PlanNode): string[] {
  const own = node['Node Type'].endsWith('Seq Scan') ? [node['Relation Name'] ?? ''] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scanned)];
}

async function largeAmong(client: Client, tables: readonly string[]): Promise<string[]> {
  if (tables.length === 0) return [];
  const { rows } = await client.query<{ name: string }>(
    'SELECT relname AS name FROM pg_class WHERE relname = ANY($1) AND relpages > $2',
    [tables, FEW_BLOCKS],
  );
  return rows.map(({ name }) => name);
}
