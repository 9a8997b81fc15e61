// Our side of the flush rows: EventStore.append, with tree, versions, idempotency, jobs and row-level security.
import { createHmac } from 'node:crypto';
import {
  archiveProjection,
  ArchiveFiles,
  Database,
  EventStore,
  Subscriptions,
} from '../../dist/libs/ledger/src/index.js';
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
/** What an archive needs of each flush is kept in its commit; with `copier` it is copied away as the log grows. */
let kept = false;
let copier;
const PATIENCE_MS = 60_000;
const source = {
  logId: async () => 'bench',
  describe: async () => '{}',
  seal: (_, line) => createHmac('sha256', 'bench').update(line).digest('hex'),
};

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

/** After a round nothing of it is left to do, or it would be done in the next one's time. */
async function settled() {
  const { size } = await store.head(tenant);
  if (copier && !(await copier.caughtUp(tenant, 'archive', size - 1, PATIENCE_MS)))
    throw new Error(`the archive was still behind after ${PATIENCE_MS / 1000} s`);
  if (kept && !copier)
    await database.transaction(tenant, (query) =>
      query({ text: 'DELETE FROM redo WHERE tenant = $1', values: [tenant] }),
    );
}

answer(
  {
    /** `keeps`: rows for an archive are kept in the flush; `folder`: and copied there, as a server does it. */
    async start({ url, keeps = false, folder }) {
      kept = keeps;
      database = new Database({ connectionString: url });
      store = new EventStore(database, systemClock, () => undefined, keeps);
      store.onCommit(() => (commits += 1));
      await database.transaction(tenant, (query) => store.open(query, tenant, 'bench'));
      if (folder === undefined) return;
      copier = new Subscriptions(
        store,
        () => Promise.resolve([tenant]),
        (error) => console.error(error),
      );
      copier.project(archiveProjection(new ArchiveFiles(folder), source));
      copier.start();
    },
    async run({ seconds, concurrency }) {
      const before = commits;
      const result = await closedLoop(concurrency, seconds, appendOne);
      const batch = result.count / (commits - before);
      await settled();
      return { ...result, batch };
    },
  },
  async () => {
    await copier?.stop();
    await database.close();
  },
);
