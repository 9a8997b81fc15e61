/** `lethe plugin`: over the API of a running service; on its database when the service is not there. */
import { parseArgs } from 'node:util';
import { createLetheClient } from '@lethe/client';
import { apiAccess, apiOptions, apiUsage } from './api-access.js';
import { apiOffice } from './plugin-office-api.js';
import { offlineOffice } from './plugin-office-offline.js';
import type { PluginOffice, ShownConnection } from './plugin-office.js';
import { got } from './story.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe plugin list',
  '       lethe plugin install <name> [--hash <sha256>]   shows files and hash; installs them when the hash is given',
  '       lethe plugin enable|disable|rollback <connection id or name>',
  '       lethe plugin quarantine|clear <connection> --reason <text>',
  '       lethe plugin remove <connection> --reason <text> [--owner <who> --due <day>]   who takes over by hand',
  '       lethe plugin remove-version <plugin> <version> --reason <text>',
  apiUsage,
  '  All but install and remove work on the database when the service does not answer; --tenant names a tenant then.',
];

const options = {
  ...apiOptions,
  hash: { type: 'string' },
  reason: { type: 'string' },
  owner: { type: 'string' },
  due: { type: 'string' },
  tenant: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = Partial<Record<Exclude<keyof typeof options, 'help'>, string>> & { help?: boolean };

/** How long a service may take to say that it lives. */
const PROBE_MS = 2_000;

export const pluginVerb: Verb = async (args, terminal) => {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [what, name, version] = positionals;
  if (values.help || what === undefined) {
    usage.forEach(terminal.say);
    return values.help ? 0 : 2;
  }
  if (what === 'install') return install(terminal, values, named(name));
  const office = await officeOf(terminal, values);
  try {
    return await run(office, terminal, values, [what, name, version]);
  } finally {
    await office.close();
  }
};

/** The API when the service answers; else the database, so that a bad plugin can be switched off in any case. */
async function officeOf(terminal: Terminal, values: Values): Promise<PluginOffice> {
  const access = await apiAccess(terminal, values, 'admin').catch((error: unknown) => error);
  const url = values.url ?? (access as { baseUrl?: string }).baseUrl ?? fallbackUrl(terminal);
  if (await answers(url)) {
    if (access instanceof Error) throw access;
    return apiOffice(access as { baseUrl: string; key: string });
  }
  if (values.url !== undefined) throw new Error('the service named by --url does not answer.');
  terminal.complain('the service does not answer: working on its database.');
  return offlineOffice(terminal, values.tenant);
}

function fallbackUrl({ environment }: Terminal): string {
  return `http://${environment['LETHE_HOST'] ?? '127.0.0.1'}:${environment['PORT'] ?? '3000'}`;
}

async function answers(baseUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${baseUrl}/healthz`, { signal: AbortSignal.timeout(PROBE_MS) })).ok;
  } catch {
    return false;
  }
}

type Words = [what: string, name: string | undefined, version: string | undefined];

async function run(office: PluginOffice, terminal: Terminal, values: Values, words: Words): Promise<number> {
  const [what, name, version] = words;
  if (what === 'list') return list(office, terminal);
  if (what === 'remove-version') {
    terminal.say(`${named(name)}: ${await office.removeVersion(named(name), named(version), reasonOf(values))}`);
    return 0;
  }
  const found = await connectionOf(office, named(name));
  terminal.say(`${found.name}: ${await change(office, what, found.id, values)}`);
  return 0;
}

function change(office: PluginOffice, what: string, id: string, values: Values): Promise<string> {
  switch (what) {
    case 'enable':
    case 'disable':
      return office.switchTo(id, what);
    case 'rollback':
      return office.rollback(id);
    case 'quarantine':
      return office.quarantine(id, 'set', reasonOf(values));
    case 'clear':
      return office.quarantine(id, 'clear', reasonOf(values));
    case 'remove': {
      const { owner, due } = values;
      if ((owner === undefined) !== (due === undefined)) throw new Usage('--owner and --due go together.');
      if (due !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(due)) throw new Usage('--due is a day: YYYY-MM-DD.');
      const takeover = owner !== undefined && due !== undefined ? { owner, dueOn: due } : undefined;
      return office.remove(id, reasonOf(values), takeover);
    }
    default:
      throw new Usage(usage.slice(0, -2).join('\n'));
  }
}

async function list(office: PluginOffice, terminal: Terminal): Promise<number> {
  const plugins = await office.plugins();
  for (const { id, version, contentHash, quarantinedFor } of plugins)
    terminal.say(`plugin      ${id} ${version}  ${contentHash}${quarantinedFor.length > 0 ? '  QUARANTINED' : ''}`);
  const connections = await office.connections();
  for (const one of connections) terminal.say(lineOf(one));
  if (plugins.length + connections.length === 0) terminal.say('no plugin is installed');
  return 0;
}

function lineOf({ id, name, status, plugin, isolation, blocked }: ShownConnection): string {
  const runs = plugin ? `${plugin.id} ${plugin.version}, ${isolation}` : 'no connector';
  const why = blocked ? `  ${blocked.code}: ${blocked.why}` : '';
  return `connection  ${id}  ${status.padEnd(8)} ${name} (${runs})${why}`;
}

/** In two steps, so that somebody has seen the hash before it is approved. */
async function install(terminal: Terminal, values: Values, name: string): Promise<number> {
  const { hash } = values;
  const client = createLetheClient(await apiAccess(terminal, values, 'admin'));
  const shown = got(await client.POST('/v1/admin/plugins/inspect', { body: { name } }));
  if (shown.problems.length > 0) {
    for (const { code, where } of shown.problems) terminal.complain(`${code} at ${where}`);
    return 1;
  }
  if (hash === undefined) {
    for (const { path, bytes, sha256 } of shown.files) terminal.say(`${sha256}  ${String(bytes).padStart(9)}  ${path}`);
    terminal.say(`To install exactly this: lethe plugin install ${name} --hash ${shown.contentHash}`);
    return 0;
  }
  const { id, version } = got(await client.POST('/v1/admin/plugins', { body: { name, contentHash: hash } }));
  terminal.say(`installed ${id} ${version}`);
  return 0;
}

function named(name: string | undefined): string {
  if (name === undefined) throw new Usage(usage.slice(0, -2).join('\n'));
  return name;
}

function reasonOf({ reason }: Values): string {
  if (reason === undefined || reason === '') throw new Usage('--reason is needed: it is recorded.');
  return reason;
}

async function connectionOf(office: PluginOffice, name: string): Promise<ShownConnection> {
  const found = (await office.connections()).find((one) => one.id === name || one.name === name);
  if (!found) throw new Usage("no connection has this id or name; 'lethe plugin list' shows them.");
  return found;
}
