/** `lethe verify-store`: reads every leaf, head, suppression and key file again and names what was changed. Destroys again what had come back. */
import { parseArgs } from 'node:util';
import { FileCheckpointLock } from '#ledger';
import { Tenants } from '#tenancy';
import { checkpointFolder } from '../../server/src/ledger-parts.js';
import { StoreAudit } from '../../server/src/store-audit.js';
import { commandConfig, openApplication } from './open-application.js';
import type { Verb } from './terminal.js';

const usage = [
  'Usage: lethe verify-store                        exit status 1 when something was changed',
  '       lethe verify-store --accept-suppressions   after a restore: take the suppressions as they stand for sound',
];

export const verifyStoreVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({
    args,
    options: { 'accept-suppressions': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const config = { ...commandConfig(terminal), LETHE_LOG_LEVEL: 'silent' as const };
  // A key file that was changed stops this, as it stops the service, and is named.
  const { app, parts, close } = await openApplication(config, { reads: true });
  try {
    const audit = app.get(StoreAudit);
    const lock = new FileCheckpointLock(checkpointFolder(config));
    const signed = await lock.logs();
    const tenants = await app.get(Tenants).all();
    if (values['accept-suppressions'])
      for (const { id } of tenants) terminal.say(`${id}  ${await audit.acceptSuppressions(id)} suppressions sealed`);
    const vanished = signed.filter((logId) => !tenants.some((tenant) => tenant.logId === logId));
    for (const logId of vanished) terminal.say(`CHANGED  log ${logId} was signed and is nowhere in the database`);
    const faults = await audit.audit({ database: parts.database, reader: parts.reader, lock }, true);
    for (const { tenant, where, what } of faults) terminal.say(`CHANGED  ${tenant}  ${where} ${what}`);
    const leaves = await Promise.all(tenants.map(async ({ id }) => (await parts.reader.identity(id)).size));
    const read = leaves.reduce((sum, size) => sum + size, 0);
    const changed = faults.length + vanished.length;
    terminal.say(`${read} leaves of ${tenants.length} tenants read, ${changed} things changed`);
    return changed === 0 ? 0 : 1;
  } finally {
    await close();
  }
};
