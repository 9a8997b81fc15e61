// Our side of the flush row: EventStore.append, with tree, versions, idempotency, jobs and row-level security.
import { EventStore, Database } from '../../dist/libs/ledger/src/index.js';
import { newId, systemClock } from '../../dist/libs/kernel/src/index.js';
import { enqueue } from '../../dist/libs/jobs/src/index.js';
import { consentRecordRow } from '../../dist/libs/consent/src/consent.migrations.js';
import { consentData, identities, job, keptAnswer } from './flush-shape.mjs';
import { closedLoop } from './measure.mjs';
import { answer } from './processes.mjs';

const tenant = newId();
let database;
let store;
let commits = 0;

function appendOne() {
  const { id, subject, key, fingerprint } = identities();
  const data = consentData(id, subject);
  return store.append({
    tenant,
    actorRef: 'system:0123456789abcdef01234567',
    events: [
      { stream: `consent/${subject}`, type: 'ConsentRecorded.v1', data, occurredAt: new Date(data.collectedAt) },
    ],
    rows: [consentRecordRow(data, 0), ...enqueue(job)],
    idempotency: { key, fingerprint },
    respond: (at) => ({ status: 201, body: keptAnswer(id, subject, at.lastPosition) }),
  });
}

answer(
  {
    async start({ url }) {
      database = new Database({ connectionString: url });
      store = new EventStore(database, systemClock);
      store.onCommit(() => (commits += 1));
      await database.transaction(tenant, (query) => store.open(query, tenant, 'bench'));
    },
    async run({ seconds, concurrency }) {
      const before = commits;
      const result = await closedLoop(concurrency, seconds, appendOne);
      return { ...result, batch: result.count / (commits - before) };
    },
  },
  () => database.close(),
);
