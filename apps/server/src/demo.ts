/** The demonstration that `npm start` asks for by `--demo`, on a machine without configuration: a tenant, demo systems, and the story once. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment, type Config } from '#platform';
import { Members, parseCredential, Tenants, type NewTenant, type Tenant } from '#tenancy';
import { startPostgres } from '#scripts/postgres.mjs';
import { bootstrapTenant, issueFirstKeys, issueKeyOf } from './bootstrap-tenant.js';
import { readDemoFile, writeDemoFile, type DemoFile } from './demo-file.js';
import { demoPeople } from './demo-people.js';
import type { RunningServer } from './server.js';

/** How long the demo's keys live. */
const KEY_DAYS = 7;
const DAY_MS = 86_400_000;
/** A demo shop needs no more; it shares the machine with the service. */
const SMALL = { max_connections: '20', shared_buffers: '16MB' };
const demoTenant: NewTenant = { name: 'Demo shop', mode: 'test', territory: 'DE-BE', timeZone: 'Europe/Berlin' };
const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

export interface RunningDemo {
  /** Ends the story when it is still being told, then the demo systems. */
  close(): Promise<void>;
}

/** True where trying is harmless: embedded database, loopback, no settings of a production. `--demo` must have been asked for, too. */
export function mayDemonstrate(config: Config, environment = processEnvironment()): boolean {
  const everything = config.LETHE_ROLES.length === 3;
  return config.embedded && loopback.has(config.LETHE_HOST) && everything && environment['NODE_ENV'] !== 'production';
}

/** Where the demo systems' PostgreSQL stands: a cluster of its own, so that a plugin cannot dial the ledger. */
export function demoClusterDir(dataDir: string): string {
  return join(dataDir, 'demo', 'postgres');
}

/** Starts or reuses everything of the demo; the story is told by a process of its own, so that it costs the service no memory. */
export async function startDemo(
  config: Config,
  server: RunningServer,
  say: (line: string) => void,
): Promise<RunningDemo> {
  say('starting the demo systems');
  const cluster = await startPostgres({ dataDir: demoClusterDir(config.dataDir), settings: SMALL });
  let story: ChildProcess | undefined;
  const close = async (): Promise<void> => {
    if (story && story.exitCode === null && story.signalCode === null) {
      story.kill('SIGTERM');
      await once(story, 'exit');
    }
    await cluster.stop('fast');
  };
  try {
    await ensureKeys(config, server);
    story = tellStory(config);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One tenant for ever, with an archivist beside its first people; its keys are issued anew when they are about to expire or were lost. */
export async function ensureKeys(config: Config, server: RunningServer): Promise<void> {
  const file = await readDemoFile(config.dataDir);
  const now = server.parts.clock.now();
  const tenant = (await server.app.get(Tenants).all()).find(({ name }) => name === demoTenant.name);
  const left = file ? new Date(file.validUntil).getTime() - now.getTime() : 0;
  const known =
    tenant &&
    file &&
    left > DAY_MS &&
    'archivist' in file.keys &&
    parseCredential(file.keys.admin)?.tenant === tenant.id;
  const { keys, validUntil } = known
    ? file
    : { keys: await keysOf(server, tenant), validUntil: new Date(now.getTime() + KEY_DAYS * DAY_MS).toISOString() };
  await writeDemoFile(config.dataDir, { baseUrl: server.baseUrl, keys, people: [...demoPeople], validUntil });
}

async function keysOf({ app }: RunningServer, known: Tenant | undefined): Promise<DemoFile['keys']> {
  const { tenant, keys } = known
    ? { tenant: known, keys: await issueFirstKeys(app, known, KEY_DAYS) }
    : await bootstrapTenant(app, demoTenant, KEY_DAYS);
  const members = app.get(Members);
  if (!(await members.list(tenant.id)).some(({ label }) => label === 'archivist'))
    await members.add(tenant.id, { actorRef: 'system' }, { label: 'archivist', roles: ['privacy-officer'] });
  return { ...keys, archivist: await issueKeyOf(app, tenant, 'archivist', KEY_DAYS) };
}

function tellStory(config: Config): ChildProcess {
  const entry = fileURLToPath(new URL('../../cli/src/main.js', import.meta.url));
  const env = { ...processEnvironment(), LETHE_DATA_DIR: config.dataDir };
  return spawn(process.execPath, [entry, 'demo', '--from-start'], { env, stdio: ['ignore', 'inherit', 'inherit'] });
}
