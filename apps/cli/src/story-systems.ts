/** Chapter: plugins are installed by hash, connections to shop and warehouse checked and enabled, a paper archive registered. */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { startPostgres } from '#scripts/postgres.mjs';
import { demoClusterDir } from '../../server/src/demo.js';
import { openShop, shopMap } from './demo-shop.js';
import { openWarehouse, warehouseMap } from './demo-warehouse.js';
import { got, type Story } from './story.js';

const owner = { role: 'own' as const, legalEntity: 'Demo shop', country: 'DE' };

/** Ids of the systems by name. */
export interface DemoSystems {
  shop: string;
  warehouse: string;
  archive: string;
}

/** Approves exactly what was shown: the hash of the inspection is the hash of the installation. */
async function install(story: Story, name: string): Promise<{ id: string; version: string }> {
  const admin = story.as('admin');
  const { contentHash, files } = got(await admin.POST('/v1/admin/plugins/inspect', { body: { name } }));
  const { id, version } = got(await admin.POST('/v1/admin/plugins', { body: { name, contentHash } }));
  story.say(`installed ${id} ${version}: ${files.length} files, hash ${contentHash.slice(0, 16)}…`);
  return { id, version };
}

interface Wanted {
  name: string;
  plugin: { id: string; version: string };
  config: Record<string, unknown>;
  secrets: Record<string, string>;
}

/** A story that broke off between making a system and noting it goes on with that system. */
async function known(story: Story, name: string): Promise<string | undefined> {
  const { items } = got(await story.as('admin').GET('/v1/admin/connections'));
  return items.find((one) => one.name === name)?.id;
}

async function connect(story: Story, wanted: Wanted): Promise<string> {
  const admin = story.as('admin');
  const id =
    (await known(story, wanted.name)) ??
    got(await admin.POST('/v1/admin/connections', { body: { ...owner, ...wanted } })).id;
  const path = { params: { path: { id } } };
  const checked = got(await admin.POST('/v1/admin/connections/{id}/check', path));
  if (!checked.ok) throw new Error(`the connection "${wanted.name}" failed its check: ${checked.error?.code ?? ''}`);
  await admin.POST('/v1/admin/connections/{id}/enable', path);
  const names = checked.datasets.map(({ name }) => name).join(', ');
  story.say(`connected "${wanted.name}": ${checked.datasets.length} datasets (${names})`);
  for (const warning of checked.warnings) story.say(`  warning: ${warning}`);
  return id;
}

async function connectShop(story: Story, dataDir: string): Promise<string> {
  const plugin = await install(story, 'postgres');
  // The service started this cluster; here it is only asked where it is.
  const cluster = await startPostgres({ dataDir: demoClusterDir(dataDir) });
  const password = createHmac('sha256', new URL(cluster.url).password).update('shop').digest('hex');
  const { password: secret, ...login } = await openShop(cluster.url, password);
  const config = { ...login, backupDays: 30, tableMap: shopMap };
  return connect(story, { name: 'Shop', plugin, config, secrets: { password: secret } });
}

async function connectWarehouse(story: Story, dataDir: string): Promise<string> {
  const plugin = await install(story, 'duckdb');
  const access = await openWarehouse(join(dataDir, 'demo'));
  const config = { ...access, backupDays: 7, tableMap: warehouseMap };
  return connect(story, { name: 'Warehouse', plugin, config, secrets: {} });
}

async function registerArchive(story: Story): Promise<string> {
  const body = {
    ...owner,
    name: 'Paper archive',
    owner: 'Archive desk',
    why: 'Folders on shelves: nothing a connector could search.',
  };
  const id = (await known(story, body.name)) ?? got(await story.as('admin').POST('/v1/admin/systems', { body })).id;
  story.say('registered "Paper archive": no connector, so every plan names it and a human searches it');
  return id;
}

/** Tells it, and how each process is kept apart. */
export async function tellSystems(story: Story, dataDir: string): Promise<DemoSystems> {
  const systems = {
    shop: await story.once('shop', () => connectShop(story, dataDir)),
    warehouse: await story.once('warehouse', () => connectWarehouse(story, dataDir)),
    archive: await story.once('archive', () => registerArchive(story)),
  };
  const { items } = got(await story.as('admin').GET('/v1/admin/connections'));
  const levels = new Set(items.flatMap(({ isolation }) => isolation ?? []));
  story.say(`plugins run apart from the service: ${[...levels].join('; ')}`);
  return systems;
}
