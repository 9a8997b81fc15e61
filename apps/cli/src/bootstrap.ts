/** `lethe bootstrap`: from an empty PostgreSQL to a tenant whose people have keys. Keys are printed once and stored nowhere. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isTerritory } from '#law';
import { provisionOnce, type Config } from '#platform';
import { Tenants, type NewTenant } from '#tenancy';
import { bootstrapTenant } from '../../server/src/bootstrap-tenant.js';
import { commandConfig, openApplication } from './open-application.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe bootstrap --name <controller> [--mode live|test] [--territory DE-BE] [--time-zone Europe/Berlin]',
  '       lethe bootstrap --roles-only --superuser-url-file <file>',
  '  --superuser-url-file <file>   create roles and the databases lethe and lethe_keys first, on a server that has none of them',
  '  --roles-only                  and nothing else: before lethe restore',
  '  --again                       although there is a tenant already',
  'Otherwise DATABASE_URL, LETHE_MIGRATION_URL, LETHE_KEYSTORE_URL and LETHE_KEYSTORE_MIGRATION_URL name the databases.',
];

const options = {
  name: { type: 'string' },
  mode: { type: 'string', default: 'live' },
  territory: { type: 'string' },
  'time-zone': { type: 'string', default: 'UTC' },
  'superuser-url-file': { type: 'string' },
  'roles-only': { type: 'boolean' },
  again: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const bootstrapVerb: Verb = async (args, terminal) => {
  const { values } = parseArgs({ args, options });
  if (values.help) {
    usage.forEach(terminal.say);
    return 0;
  }
  const { name, territory, again = false, 'time-zone': timeZone, 'superuser-url-file': file } = values;
  const mode = modeOf(values.mode);
  mustBeKnown(territory, timeZone);
  if (values['roles-only']) {
    if (file === undefined) throw new Usage('--roles-only needs --superuser-url-file.');
    await prepare(file, terminal);
    return 0;
  }
  if (name === undefined) throw new Usage(`--name is needed. ${usage[0]}`);
  const config = commandConfig(terminal);
  const settings = file === undefined ? config : { ...config, ...(await prepare(file, terminal)), embedded: false };
  const { app, close } = await openApplication(settings);
  try {
    const tenants = await app.get(Tenants).all();
    if (tenants.length > 0 && !again)
      throw new Usage(`there are ${tenants.length} tenants already; with --again another one is made.`);
    const wanted = { name, mode, timeZone, ...(territory === undefined ? {} : { territory }) };
    const { tenant, keys } = await bootstrapTenant(app, wanted);
    terminal.say(`tenant ${tenant.id} (${mode}), log ${tenant.logId}`);
    terminal.say('Keys, shown this once; they are stored as hashes only:');
    for (const [who, key] of Object.entries(keys)) terminal.say(`  ${who.padEnd(9)} ${key}`);
  } finally {
    await close();
  }
  return 0;
};

function modeOf(word: string): NewTenant['mode'] {
  if (word === 'live' || word === 'test') return word;
  throw new Usage('--mode takes live or test.');
}

/** Every deadline is counted by them, and a tenant keeps them: better nothing is made than one whose requests all fail. */
function mustBeKnown(territory: string | undefined, timeZone: string): void {
  if (territory !== undefined && !isTerritory(territory))
    throw new Usage('--territory takes a country or a part of one by ISO 3166, such as DE or DE-BE.');
  try {
    Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new Usage('--time-zone takes a zone of the IANA database, such as Europe/Berlin.');
  }
}

/** Roles that own nothing and roles that own; the URL with a superuser's password comes from a file, not from the command line. */
async function prepare(file: string, terminal: Terminal): Promise<Partial<Config>> {
  const superuser = (await readFile(file, 'utf8')).trim();
  const { lethe, lethe_keys: keystore } = await provisionOnce(superuser, ['lethe', 'lethe_keys']);
  const urls = {
    DATABASE_URL: lethe.appUrl,
    LETHE_KEYSTORE_URL: keystore.appUrl,
    LETHE_MIGRATION_URL: lethe.ownerUrl,
    LETHE_KEYSTORE_MIGRATION_URL: keystore.ownerUrl,
  };
  terminal.say('Settings, with passwords that are shown this once; the last two are the owner’s, not the service’s:');
  for (const [setting, url] of Object.entries(urls)) terminal.say(`  ${setting}=${url}`);
  return urls;
}
