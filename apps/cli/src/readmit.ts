/** `lethe readmit`: for an installation whose keys have all run out. The key is printed once; that it was made is in the ledger. */
import { parseArgs } from 'node:util';
import { Members, Readmission, Tenants } from '#tenancy';
import { commandConfig, openApplication } from './open-application.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe readmit                                   the members of each tenant, with their ids',
  '       lethe readmit --tenant <id> --member <id>       a key of seven days for a confirmed admin or privacy officer',
  'Only while nobody confirmed can come in with that role. Then issue lasting keys: POST /v1/admin/api-keys.',
];

export const readmitVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({
    args,
    options: { tenant: { type: 'string' }, member: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const { tenant: tenantId, member } = values;
  if ((tenantId === undefined) !== (member === undefined)) throw new Usage(usage.join('\n'));
  const { app, close } = await openApplication(commandConfig(terminal), { reads: member === undefined });
  try {
    const tenants = await app.get(Tenants).all();
    if (member === undefined) return await list(tenants, app.get(Members), terminal);
    const tenant = tenants.find(({ id }) => id === tenantId);
    if (!tenant) throw new Usage('no tenant has that id.');
    const { key, expiresAt } = await app.get(Readmission).of(tenant, member);
    terminal.say(`Shown this once, and good until ${expiresAt}:`);
    terminal.say(`  ${key}`);
    return 0;
  } finally {
    await close();
  }
};

/** Labels are names that an admin gave; they are shown to whoever has the database anyway. */
async function list(
  tenants: readonly { id: Parameters<Members['list']>[0] }[],
  members: Members,
  terminal: Terminal,
): Promise<number> {
  for (const { id } of tenants)
    for (const one of await members.list(id)) {
      const confirmed = one.confirmed ? '' : ', never confirmed';
      terminal.say(`${id}  ${one.id}  ${one.label} (${one.roles.join(', ')}${confirmed})`);
    }
  return 0;
}
