/** `lethe plugin`: installs shipped plugins by hash and switches connections on and off, over the API of a running service. */
import { parseArgs } from 'node:util';
import { createLetheClient, type LetheClient } from '@lethe/client';
import { apiAccess, apiOptions, apiUsage } from './api-access.js';
import { got } from './story.js';
import { Usage, type Terminal, type Verb } from './terminal.js';

const usage = [
  'Usage: lethe plugin list',
  '       lethe plugin install <name> [--hash <sha256>]   shows files and hash; installs them when the hash is given',
  '       lethe plugin enable|disable <connection id or name>',
  apiUsage,
];

export const pluginVerb: Verb = async (args, terminal) => {
  const { values, positionals } = parseArgs({
    args,
    options: { ...apiOptions, hash: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const [what, name] = positionals;
  if (values.help || what === undefined) {
    usage.forEach(terminal.say);
    return values.help ? 0 : 2;
  }
  const client = createLetheClient(await apiAccess(terminal, values, 'admin'));
  if (what === 'list') return list(client, terminal);
  if (name === undefined) throw new Usage(usage.slice(0, 3).join('\n'));
  if (what === 'install') return install(client, terminal, name, values.hash);
  if (what === 'enable' || what === 'disable') return switchTo(client, terminal, name, what);
  throw new Usage(usage.slice(0, 3).join('\n'));
};

async function list(client: LetheClient, terminal: Terminal): Promise<number> {
  const { items: plugins } = got(await client.GET('/v1/admin/plugins'));
  for (const { id, version, contentHash } of plugins) terminal.say(`plugin      ${id} ${version}  ${contentHash}`);
  const { items: connections } = got(await client.GET('/v1/admin/connections'));
  for (const { id, name, status, plugin, isolation } of connections)
    terminal.say(
      `connection  ${id}  ${status.padEnd(8)} ${name} (${plugin ? `${plugin.id} ${plugin.version}, ${isolation}` : 'no connector'})`,
    );
  if (plugins.length + connections.length === 0) terminal.say('no plugin is installed');
  return 0;
}

/** In two steps, so that somebody has seen the hash before it is approved. */
async function install(
  client: LetheClient,
  terminal: Terminal,
  name: string,
  hash: string | undefined,
): Promise<number> {
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

async function switchTo(
  client: LetheClient,
  terminal: Terminal,
  name: string,
  what: 'enable' | 'disable',
): Promise<number> {
  const { items } = got(await client.GET('/v1/admin/connections'));
  const found = items.find((one) => one.id === name || one.name === name);
  if (!found) throw new Usage("no connection has this id or name; 'lethe plugin list' shows them.");
  const call = { params: { path: { id: found.id } } };
  const { status } = got(
    what === 'enable'
      ? await client.POST('/v1/admin/connections/{id}/enable', call)
      : await client.POST('/v1/admin/connections/{id}/disable', call),
  );
  terminal.say(`${found.name}: ${status}`);
  return 0;
}
