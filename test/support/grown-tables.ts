/** Tables as they are after years: filled by type and name of their columns, with the few states that are open standing out. */
import type { Client } from 'pg';

/** The tenant all rows belong to. */
export const GROWN_TENANT = '00000000-0000-7000-8000-0000000000ff';
/** How many rows a person has in tables that have a row for each thing that happened to her. */
const ROWS_A_PERSON = 5;

/** Columns whose values matter to a plan; `g` is the row's number. */
const VALUES: Record<string, string> = {
  tenant: `'${GROWN_TENANT}'`,
  'event.stream': `'subject/' || person(g / ${ROWS_A_PERSON})`,
  'event.version': `g % ${ROWS_A_PERSON} + 1`,
  'event.type': `(ARRAY['ConsentRecorded.v1', 'AccessesReported.v1', 'SubjectCreated.v1', 'JobDied.v1'])[g % 4 + 1]`,
  'event.bytes': `repeat('x', 500)`,
  'job.state': `CASE WHEN g % 1000 = 0 THEN 'ready' WHEN g % 5000 = 1 THEN 'dead' ELSE 'done' END`,
  'job.queue': `'queue-' || g % 7`,
  'job.concurrency_key': `''`,
  'inbox_task.kind': `'apply'`,
  'inbox_task.state': `CASE WHEN g % 1000 = 0 THEN 'open' ELSE 'done' END`,
  'inbox_task.finished_at': `CASE WHEN g % 1000 = 0 THEN NULL ELSE moment(g) END`,
  'webhook_delivery.state': `CASE WHEN g % 1000 = 0 THEN 'pending' ELSE 'delivered' END`,
  'webhook_delivery.endpoint': `person(g % 3)`,
  'webhook_lane.endpoint': `person(g % 3)`,
  'webhook_lane.job': `NULL`,
  'propagation.state': `CASE WHEN g % 1000 = 0 THEN 'waiting' ELSE 'acknowledged' END`,
  'propagation.system': `'system-' || g % 3`,
  'request_summary.status': `CASE WHEN g % 200 = 0 THEN 'acting' ELSE 'closed' END`,
  'subject_restriction.subject': `person(g)`,
  'subject_identifier.shared': 'false',
  'subject_key.shredded_at': `CASE WHEN g % 500 = 0 THEN moment(g) END`,
  'subject_key.wrapped': `CASE WHEN g % 500 = 0 THEN NULL ELSE '\\x00'::bytea END`,
  'inbox_task.connection': `person(g % 10)`,
  'access_entry.source': `'source-' || g % 4`,
};

/** Fills a table; names and rows of everything else come from the type of the column. */
export async function growTable(client: Client, table: string, rows: number): Promise<void> {
  const { rows: columns } = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  const values = columns.map(({ name, type }) => VALUES[`${table}.${name}`] ?? VALUES[name] ?? valueOf(name, type));
  await client.query(
    `INSERT INTO ${table} (${columns.map(({ name }) => `"${name}"`).join(', ')})
     SELECT ${values.join(', ')} FROM generate_series(0, ${rows - 1}) AS g ON CONFLICT DO NOTHING`,
  );
}

/** Functions that the values above are made with. */
export const GROWN_FUNCTIONS = `
  CREATE FUNCTION person(g int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(g), 12, '0'))::uuid $$;
  CREATE FUNCTION moment(g int) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$ SELECT timestamptz '2020-01-01Z' + g * interval '1 minute' $$;`;

function valueOf(name: string, type: string): string {
  switch (type) {
    case 'uuid':
      return name === 'id' ? 'person(g)' : `person(g / ${ROWS_A_PERSON})`;
    case 'bigint':
      return 'g';
    case 'integer':
      return '1';
    case 'boolean':
      return 'g % 50 = 0';
    case 'timestamp with time zone':
      return 'moment(g)';
    case 'date':
      return 'moment(g)::date';
    case 'bytea':
      return `decode(md5(g::text), 'hex')`;
    case 'jsonb':
      return `'{}'`;
    case 'text[]':
      return `ARRAY['one']`;
    case 'double precision':
      return '1';
    default:
      return /(^id$|_id$|key|hash)/.test(name) ? `'${name}-' || g` : `'${name}-' || g % 20`;
  }
}
