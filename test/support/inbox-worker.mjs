// A connected system's own worker, in a process of its own: pulls tasks with the client and does them on its PostgreSQL.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLetheClient, workTasks } from '@lethe/client';
import pg from 'pg';

const { baseUrl, key, connectionId, databaseUrl, manner = {} } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${line}\n`);
const database = new pg.Client({ connectionString: databaseUrl });
await database.connect();

const emailsOf = (task) => task.identifiers.filter((one) => one.type === 'email').map((one) => one.value);
const rowsOf = async (name, emails) =>
  (await database.query(`SELECT * FROM ${name} WHERE email = ANY($1) ORDER BY id`, [emails])).rows;

async function erase({ datasets, identifiers }) {
  const emails = emailsOf({ identifiers });
  const outcomes = [];
  for (const { name, action, ruleId } of datasets) {
    if (name === manner.forgets) continue;
    if (action === 'retain') {
      outcomes.push({ dataset: name, kind: 'retained', ruleId, count: (await rowsOf(name, emails)).length });
      continue;
    }
    const found = await rowsOf(name, emails);
    if (!manner.lies && !emails.includes(manner.liesTo))
      await database.query(`DELETE FROM ${name} WHERE email = ANY($1)`, [emails]);
    outcomes.push({ dataset: name, kind: found.length > 0 ? 'erased' : 'not-found', count: found.length });
  }
  return { outcomes };
}

async function verify({ datasets, identifiers }) {
  const outcomes = [];
  for (const { name } of datasets) {
    const left = (await rowsOf(name, emailsOf({ identifiers }))).length;
    outcomes.push({ dataset: name, kind: left > 0 ? 'residue' : 'clean', count: left });
  }
  return { outcomes };
}

async function read({ datasets, identifiers }) {
  const outcomes = [];
  const records = [];
  for (const { name } of datasets) {
    const rows = await rowsOf(name, emailsOf({ identifiers }));
    outcomes.push({ dataset: name, kind: rows.length > 0 ? 'provided' : 'not-found', count: rows.length });
    for (const { id, ...fields } of rows) records.push({ dataset: name, ref: String(id), fields });
  }
  if (manner.cutAfterParts === undefined) return { outcomes, records };
  // Dies in the middle of its upload, as a machine does.
  let sent = 0;
  async function* cut() {
    for (const record of records) {
      if (++sent > manner.cutAfterParts) {
        say('cut');
        process.kill(process.pid, 'SIGKILL');
        await sleep(1000);
      }
      yield record;
    }
  }
  return { outcomes, records: cut() };
}

async function obey({ decisions, identifiers }) {
  say(`obeys ${decisions.map(({ purpose, allowed }) => `${purpose}=${allowed}`).join()}`);
  const known = (await rowsOf('members', emailsOf({ identifiers }))).length > 0;
  return { outcomes: [{ dataset: 'consent', kind: known ? 'obeyed' : 'not-found' }] };
}

const work = { apply: erase, verify, read, obey };

say('ready');
await workTasks(
  createLetheClient({ baseUrl, key }),
  connectionId,
  async (task, held) => {
    say(`claimed ${task.kind} ${held.task.fence}`);
    if (manner.stalls === task.kind) await sleep(600_000);
    await sleep(manner.slowMs ?? 0);
    const answer = await work[task.kind](task, held);
    say(`did ${task.kind} ${held.task.received.parts}`);
    return answer;
  },
  { leaseSeconds: manner.leaseSeconds ?? 5, waitSeconds: 2 },
);
