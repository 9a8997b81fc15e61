/** `lethe replay`: erases again what was erased before a restore, lists it on one page, and ends the quarantine when nothing is left. */
import { parseArgs } from 'node:util';
import { missingConsents } from '#consent';
import type { TenantId } from '#kernel';
import { logStream, openArchive, ROWS_MISSING } from '#ledger';
import { ReplayErasures, ReplayKeys, type ReplayedKeys, type ReplayedStep } from '#requests';
import { Tenants } from '#tenancy';
import { QUARANTINE } from '../../server/src/state-watch.js';
import { commandConfig, openApplication, type OpenApplication } from './open-application.js';
import { resealSuppressions, sayResealed } from './reseal.js';
import type { Terminal, Verb } from './terminal.js';

const usage = [
  'Usage: lethe replay [--without <connection-id>]... [--accept-missing-rows]',
  '  --without   a connection that is gone for good: what was erased there is not erased again, and the ledger says so',
  '  --accept-missing-rows   although the restore found entries without their rows: who withdrew may be permitted again',
];

const options = {
  without: { type: 'string', multiple: true },
  'accept-missing-rows': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** One tenant's page. */
interface Replayed {
  tenant: TenantId;
  keys: ReplayedKeys;
  steps: ReplayedStep[];
}

export const replayVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({ args, options });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const began = performance.now();
  const without = new Set(values.without ?? []);
  const opened = await openApplication(commandConfig(terminal));
  try {
    const lacking = await lacksRows(opened);
    if (lacking && !values['accept-missing-rows']) {
      terminal.complain(MISSING);
      return 1;
    }
    const pages: Replayed[] = [];
    for (const { id } of await opened.app.get(Tenants).all()) pages.push(await replay(opened, id));
    const open = pages.flatMap(({ steps }) => steps).filter((step) => isOpen(step) && !without.has(step.connectionId));
    pages.forEach((page) => tell(page, terminal));
    terminal.say(`replayed in ${((performance.now() - began) / 60_000).toFixed(2)} minutes`);
    if (open.length > 0) {
      terminal.complain(
        `${open.length} erasures could not be done again; the quarantine stays. Mend the connections and repeat.`,
      );
      return 1;
    }
    if (!(await reseal(opened, pages, terminal))) return 1;
    for (const page of pages) await record(opened, page, [...without], lacking);
    await endQuarantine(opened);
    terminal.say('The quarantine has ended.');
    return 0;
  } finally {
    await opened.close();
  }
};

const MISSING =
  'Of some entries the rows were not archived: consents, people and restrictions of that time are not here, and who withdrew may be permitted again. Restore a newer backup; if there is none, lethe replay --accept-missing-rows goes on without.';

async function lacksRows({ parts }: OpenApplication): Promise<boolean> {
  const { rows } = await parts.database.global({
    text: 'SELECT FROM installation_mark WHERE name = $1',
    values: [ROWS_MISSING],
  });
  return rows.length > 0;
}

/** False when suppressions were changed: nothing is served before somebody has looked. */
async function reseal({ parts }: OpenApplication, pages: Replayed[], { complain }: Terminal): Promise<boolean> {
  const { LETHE_ARCHIVE_URL: url } = parts.config;
  const archive = url === undefined ? undefined : openArchive(url);
  let sound = true;
  for (const { tenant } of pages) {
    const resealed = await resealSuppressions(parts, archive, tenant);
    const said = sayResealed(tenant, resealed);
    if (said !== undefined) complain(said);
    sound &&= resealed !== 'changed';
  }
  return sound;
}

async function replay({ app }: OpenApplication, tenant: TenantId): Promise<Replayed> {
  // Lethe itself first: nobody can be shown whose key is gone.
  const keys = await app.get(ReplayKeys, { strict: false }).again(tenant);
  const steps: ReplayedStep[] = [];
  for await (const step of app.get(ReplayErasures, { strict: false }).again(tenant)) steps.push(step);
  return { tenant, keys, steps };
}

function isOpen({ left, failure }: ReplayedStep): boolean {
  return left > 0 || failure !== undefined;
}

function tell({ tenant, keys, steps }: Replayed, { say }: Terminal): void {
  say(`tenant ${tenant}`);
  say(`  Lethe itself: ${keys.keys} keys destroyed again, ${keys.people} people erased whom the ledger had forgotten`);
  const ended = steps.filter((step) => step.ended);
  if (ended.length > 0)
    say(
      `  ${ended.length} erasures not done again: their case files ended on their day, and no backup should be that old`,
    );
  for (const { requestId, connectionId, records, again, left, newer, failure } of steps.filter((step) => !step.ended)) {
    const untouched = newer === undefined ? '' : `, ${newer} newer ones untouched`;
    const rest = `${again} of ${records} records were back and are gone again, ${left} left${untouched}`;
    say(
      `  request ${requestId} in connection ${connectionId}: ${failure === undefined ? rest : `failed (${failure})`}`,
    );
  }
}

/** What was done, and given up, stands in the ledger of each tenant. */
async function record(
  { parts }: OpenApplication,
  { tenant, keys, steps }: Replayed,
  without: string[],
  lacking: boolean,
): Promise<void> {
  const sum = (of: (step: ReplayedStep) => number): number => steps.reduce((total, step) => total + of(step), 0);
  const data = {
    requests: new Set(steps.map(({ requestId }) => requestId)).size,
    records: sum(({ again }) => again),
    newer: sum(({ newer = 0 }) => newer),
    keys: keys.keys,
    people: keys.people,
    without: without.filter((id) => steps.some(({ connectionId }) => connectionId === id)),
    ...(lacking ? { missingConsents: await missingConsents(parts.database, tenant) } : {}),
  };
  await parts.store.append({
    tenant,
    actorRef: 'system:replay',
    events: [{ stream: logStream, type: 'ErasuresReplayed.v1', data }],
  });
}

/** Every process of the service sees it within a second. */
async function endQuarantine({ parts }: OpenApplication): Promise<void> {
  await parts.database.global({
    text: 'DELETE FROM installation_mark WHERE name = ANY($1)',
    values: [[QUARANTINE, ROWS_MISSING]],
  });
}
