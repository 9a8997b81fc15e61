// The limit of the flush row: the same tables, columns and batch sizes, one multi-row insert a table, BEGIN to COMMIT, through
// `pg` on one connection. Leaf text and hash are made beforehand, nothing is checked, versions and positions are counted here.
import pg from 'pg';
import { consentRecordRow } from '../../dist/libs/consent/src/consent.migrations.js';
import { newId } from '../../dist/libs/kernel/src/index.js';
import { leafText } from '../../dist/libs/ledger/src/event.js';
import { consentData, identities, job, keptAnswer } from './flush-shape.mjs';
import { figures } from './measure.mjs';
import { answer } from './processes.mjs';

const tenant = newId();
const recordedAt = new Date().toISOString();
const hash = Buffer.alloc(32, 7);
let client;
let size = 0;
let bytes;
let response;

/** JSON in one text, as ours sends it: a limit must not be slower by an encoding. */
const SEPARATOR = '\u001e';

const statements = {
  head: 'UPDATE log_head SET size = $2, frontier = $3, root = $4, recorded_at = $5 WHERE tenant = $1',
  event: `INSERT INTO event (tenant, position, stream, version, type, recorded_at, bytes, leaf_hash)
          SELECT $1, p, s, v, t, $7, b, h
          FROM unnest($2::bigint[], $3::text[], $4::int[], $5::text[], string_to_array($6, E'\\x1e'), $8::bytea[]) AS e(p, s, v, t, b, h)`,
  consent: consentRecordRow(consentData('', ''), 0).into.text,
  job: `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, max_attempts, dedupe_key, created_at)
        SELECT $1, i, q, k, p, 'ready', r, m, d, c
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::text[], $9::timestamptz[]) AS j(i, q, k, p, r, m, d, c)`,
  due: `INSERT INTO job_due (tenant, next_run_at) VALUES ($1, $2)
        ON CONFLICT (tenant) DO UPDATE SET next_run_at = LEAST(job_due.next_run_at, EXCLUDED.next_run_at)`,
  idempotency: `INSERT INTO idempotency (tenant, key, fingerprint, status, response, created_at)
                SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::int[], string_to_array($5, E'\\x1e'), $6::timestamptz[])`,
};

function send(name, ...values) {
  return client.query({ name, text: statements[name], values: [tenant, ...values] });
}

/** Values of one batch, column by column. */
function columnsOf(count) {
  const who = Array.from({ length: count }, identities);
  const first = size;
  size += count;
  const same = (value) => Array.from({ length: count }, () => value);
  const positions = who.map((_, index) => first + index);
  const subjects = who.map((one) => one.subject);
  const ids = who.map((one) => one.id);
  const { collectedAt, expiresAt } = consentData('', '');
  const streams = subjects.map((subject) => `consent/${subject}`);
  const texts = { purpose: same('newsletter'), decision: same('given'), notice: same('signup'), version: same('1') };
  const [nothing, at] = [same(null), same(recordedAt)];
  const jobRow = [ids, same(job.queue), same(''), same('{"kind":"bench"}'), same(job.runAt.toISOString())];
  const { purpose, decision, notice, version } = texts;
  return {
    event: [
      positions,
      streams,
      same(1),
      same('ConsentRecorded.v1'),
      same(bytes).join(SEPARATOR),
      recordedAt,
      same(hash),
    ],
    consent: [
      ...[subjects, positions, ids, purpose, decision, nothing, same(collectedAt)],
      ...[at, same(false), same(expiresAt), notice, version],
    ],
    job: [...jobRow, nothing, nothing, at],
    idempotency: [
      who.map((one) => one.key),
      who.map((one) => one.fingerprint),
      same(201),
      same(response).join(SEPARATOR),
      at,
    ],
  };
}

function writeBatch(count) {
  const columns = columnsOf(count);
  return Promise.all([
    client.query('BEGIN'),
    client.query({ name: 'tenant', text: `SELECT set_config('lethe.tenant', $1, true)`, values: [tenant] }),
    send('head', size, Buffer.alloc(32 * 8), hash, recordedAt),
    send('event', ...columns.event),
    send('consent', ...columns.consent),
    send('job', ...columns.job),
    send('due', job.runAt),
    send('idempotency', ...columns.idempotency),
    client.query('COMMIT'),
  ]);
}

answer(
  {
    async start({ url }) {
      client = new pg.Client({ connectionString: url, pipeline: true });
      await client.connect();
      const { id, subject } = identities();
      const data = consentData(id, subject);
      const leaf = { tenant, stream: `consent/${subject}`, version: 1, type: 'ConsentRecorded.v1', recordedAt, data };
      bytes = leafText({ ...leaf, occurredAt: data.collectedAt, actorRef: 'system:0123456789abcdef01234567' });
      response = JSON.stringify(keptAnswer(id, subject, 0));
      await client.query(`SELECT set_config('lethe.tenant', '${tenant}', false)`);
      await client.query({
        text: 'INSERT INTO log_head (tenant, log_id, size, frontier, root, recorded_at) VALUES ($1, $2, 0, $3, $3, $4)',
        values: [tenant, 'bench', hash, recordedAt],
      });
    },
    async run({ seconds, batch }) {
      const latencies = [];
      const begun = performance.now();
      for (let from = begun; from - begun < seconds * 1000;) {
        await writeBatch(batch);
        const now = performance.now();
        for (let one = 0; one < batch; one += 1) latencies.push(now - from);
        from = now;
      }
      return { ...figures(latencies, performance.now() - begun), batch };
    },
  },
  () => client.end(),
);
