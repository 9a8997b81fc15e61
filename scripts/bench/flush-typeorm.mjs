// The usual way, for the flush row: TypeORM's `save`, per append one transaction. It keeps no tree and checks nothing.
import typeorm from 'typeorm';
import { newId } from '../../dist/libs/kernel/src/index.js';
import { consentData, identities, job, keptAnswer } from './flush-shape.mjs';
import { closedLoop } from './measure.mjs';
import { answer } from './processes.mjs';

const { DataSource, EntitySchema } = typeorm;
const tenant = newId();
const hash = Buffer.alloc(32, 7);
let source;
let position = 0;

const key = (type) => ({ type, primary: true });
const column = (type, name) => ({ type, nullable: true, ...(name ? { name } : {}) });

class EventRow {}
class JobRow {}
class ConsentRow {}
class AnswerRow {}

const entities = [
  new EntitySchema({
    name: 'EventRow',
    target: EventRow,
    tableName: 'event',
    columns: {
      tenant: key('uuid'),
      position: key('bigint'),
      stream: column('text'),
      version: column('int'),
      type: column('text'),
      recordedAt: column('timestamptz', 'recorded_at'),
      bytes: column('text'),
      leafHash: column('bytea', 'leaf_hash'),
    },
  }),
  new EntitySchema({
    name: 'JobRow',
    target: JobRow,
    tableName: 'job',
    columns: {
      tenant: key('uuid'),
      id: key('uuid'),
      queue: column('text'),
      concurrencyKey: column('text', 'concurrency_key'),
      payload: column('text'),
      state: column('text'),
      runAt: column('timestamptz', 'run_at'),
      createdAt: column('timestamptz', 'created_at'),
    },
  }),
  new EntitySchema({
    name: 'ConsentRow',
    target: ConsentRow,
    tableName: 'consent_record',
    columns: {
      tenant: key('uuid'),
      subject: key('uuid'),
      position: key('bigint'),
      id: column('uuid'),
      purpose: column('text'),
      decision: column('text'),
      channel: column('text'),
      collectedAt: column('timestamptz', 'collected_at'),
      recordedAt: column('timestamptz', 'recorded_at'),
      imported: column('boolean'),
      expiresAt: column('timestamptz', 'expires_at'),
      noticeId: column('text', 'notice_id'),
      noticeVersion: column('text', 'notice_version'),
    },
  }),
  new EntitySchema({
    name: 'AnswerRow',
    target: AnswerRow,
    tableName: 'idempotency',
    columns: {
      tenant: key('uuid'),
      key: key('bytea'),
      fingerprint: column('bytea'),
      status: column('int'),
      response: column('text'),
      createdAt: column('timestamptz', 'created_at'),
    },
  }),
];

function rowsOfOne() {
  const { id, subject, key: claim, fingerprint } = identities();
  const data = consentData(id, subject);
  const at = new Date();
  const place = (position += 1);
  const event = { tenant, position: place, stream: `consent/${subject}`, version: 1, type: 'ConsentRecorded.v1' };
  const { purpose, decision, channel, collectedAt, imported, expiresAt, notice } = data;
  const consent = { tenant, subject, position: place, id, purpose, decision, channel, collectedAt, recordedAt: at };
  return [
    Object.assign(new EventRow(), {
      ...event,
      recordedAt: at,
      bytes: JSON.stringify({ ...event, data }),
      leafHash: hash,
    }),
    Object.assign(new ConsentRow(), {
      ...consent,
      ...{ imported, expiresAt, noticeId: notice.id, noticeVersion: notice.version },
    }),
    Object.assign(new JobRow(), {
      ...{ tenant, id, queue: job.queue, concurrencyKey: '', payload: '{"kind":"bench"}' },
      ...{ state: 'ready', runAt: job.runAt, createdAt: at },
    }),
    Object.assign(new AnswerRow(), {
      ...{ tenant, key: claim, fingerprint, status: 201, createdAt: at },
      response: JSON.stringify(keptAnswer(id, subject, place)),
    }),
  ];
}

answer(
  {
    async start({ url, pool }) {
      // The tenant is set once a connection and not once a transaction: that favours this side.
      const extra = { max: pool, options: `-c lethe.tenant=${tenant}` };
      source = new DataSource({ type: 'postgres', url, entities, logging: false, extra });
      await source.initialize();
    },
    run: ({ seconds, concurrency, eventOnly }) => {
      const events = source.getRepository(EventRow);
      const work = eventOnly ? () => events.save(rowsOfOne()[0]) : () => source.manager.save(rowsOfOne());
      return closedLoop(concurrency, seconds, work);
    },
  },
  () => source.destroy(),
);
