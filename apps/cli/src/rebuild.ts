/** `lethe rebuild`: empties projections and reads them again from the ledger; works while the service is up or down. */
import { parseArgs } from 'node:util';
import { Tenants } from '#tenancy';
import { commandConfig, openApplication } from './open-application.js';
import { Usage, type Verb } from './terminal.js';

const usage = 'Usage: lethe rebuild [--projection <name>]; all projections of all tenants when none is named';

export const rebuildVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({
    args,
    options: { projection: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    terminal.say(usage);
    return 0;
  }
  const { app, parts, close } = await openApplication(commandConfig(terminal), { reads: true });
  try {
    let rebuilt = 0;
    for (const { id } of await app.get(Tenants).all())
      for (const { name, events } of await parts.subscriptions.rebuild(id, values.projection)) {
        terminal.say(`${id}  ${name}: read ${events} events`);
        rebuilt += 1;
      }
    if (rebuilt === 0 && values.projection !== undefined) throw new Usage('no projection has that name.');
    terminal.say(`${rebuilt} projections rebuilt`);
  } finally {
    await close();
  }
  return 0;
};
