/** What keeps a plugin's process apart on this machine, decided before the start and reported as it really is. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { PluginManifest } from '@lethe/plugin-sdk';

/**
 * The level reached. `process`: an operating-system process of its own with an empty environment, a memory and a time
 * limit. What it lacks is said in `notes`; nothing here is a network wall.
 */
export interface Isolation {
  level: 'process';
  /** User the plugin runs as. */
  uid: number;
  /** It is not the user the service runs as. */
  separateUser: boolean;
  /** Node's permission flags confine it to reading its own folder; no child processes, workers or native code. */
  permissionFlags: boolean;
  native: boolean;
  notes: string[];
}

/** Levels from weak to strong. No launch of this build reaches `sandbox`: that needs a wall around the network. */
export const isolationLevels = ['process', 'sandbox'] as const;
/** A level a plugin may be demanded to reach. */
export type IsolationLevel = (typeof isolationLevels)[number];

/** False when the level reached is below what the operator demands: such a plugin must not be started. */
export function isEnough(reached: IsolationLevel, demanded: IsolationLevel): boolean {
  return isolationLevels.indexOf(reached) >= isolationLevels.indexOf(demanded);
}

/** How to start the process. `command` and `prefix` come before Node's flags. */
export interface Launch {
  isolation: Isolation;
  command: string;
  args: string[];
  uid?: number;
  gid?: number;
}

/**
 * Users for plugins when the service is root: one each, because processes of one user can signal each other and read
 * each other's memory. The range is the one systemd hands out to dynamic users.
 */
export const PLUGIN_USERS = { first: 61_500, count: 1_000 };

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];
const run = promisify(execFile);

type Way = 'setpriv-user' | 'spawn-user' | 'setpriv-root' | 'setpriv' | 'plain';

/**
 * Chooses the strongest way that works here. `uid` is the plugin's own user, used when the service is root and the
 * plugin is not native. A **native** plugin (a database driver such as DuckDB) works on files of the service, so it
 * runs as the service's own user, without permission flags; as root it loses every capability, so that it cannot read
 * the memory or the environment of the service.
 */
export async function planLaunch(manifest: PluginManifest, uid: number, readable: string[]): Promise<Launch> {
  const root = process.getuid?.() === 0;
  const ways = waysOf(manifest.native, root);
  const way = await firstThatWorks(ways, uid);
  const start = starter(way, uid);
  const [command = process.execPath, ...prefix] = [...start.command, process.execPath];
  const user = start.uid === undefined ? {} : { uid: start.uid, gid: start.uid };
  return {
    isolation: report(manifest, way, uid, root),
    command,
    args: [...prefix, ...nodeFlags(manifest, readable)],
    ...user,
  };
}

/** What a plugin without native code would reach on this machine, by trying it. */
export async function isolationHere(): Promise<Isolation> {
  const root = process.getuid?.() === 0;
  const uid = PLUGIN_USERS.first;
  return report({ native: false }, await firstThatWorks(waysOf(false, root), uid), uid, root);
}

/** From strong to weak. */
function waysOf(native: boolean, root: boolean): Way[] {
  if (!root) return ['setpriv', 'plain'];
  return native ? ['setpriv-root', 'setpriv', 'plain'] : ['setpriv-user', 'spawn-user', 'setpriv', 'plain'];
}

function starter(way: Way, uid: number): { command: string[]; uid?: number } {
  const setpriv = SETPRIV.find((path) => existsSync(path)) ?? 'setpriv';
  // The kernel ends the plugin when the host dies, even a plugin that is in an endless loop and reads nothing.
  const always = [setpriv, '--no-new-privs', '--pdeathsig', 'KILL'];
  const bare = ['--bounding-set=-all', '--inh-caps=-all'];
  switch (way) {
    case 'setpriv-user':
      return { command: [...always, ...bare, '--reuid', String(uid), '--regid', String(uid), '--clear-groups'] };
    case 'setpriv-root':
      return { command: [...always, ...bare] };
    case 'setpriv':
      return { command: always };
    case 'spawn-user':
      return { command: [], uid };
    case 'plain':
      return { command: [] };
  }
}

/** What is found out is kept as long as the service runs: a machine that is only slow must not cost the wall. */
const PROBE_MS = 30_000;
const probed = new Map<Way, Promise<boolean>>();

/** Tries each way once per service by starting Node with it: a container may forbid any of them. */
async function firstThatWorks(ways: Way[], uid: number): Promise<Way> {
  for (const way of ways) {
    if (!probed.has(way)) probed.set(way, probe(way, uid));
    if (await probed.get(way)) return way;
  }
  return 'plain';
}

async function probe(way: Way, uid: number): Promise<boolean> {
  const { command, uid: user } = starter(way, uid);
  const [file = process.execPath, ...args] = [...command, process.execPath, '--version'];
  try {
    await run(file, args, { env: {}, timeout: PROBE_MS, ...(user === undefined ? {} : { uid: user, gid: user }) });
    return true;
  } catch {
    return false;
  }
}

function nodeFlags(manifest: PluginManifest, readable: string[]): string[] {
  const flags = [`--max-old-space-size=${manifest.limits.memoryMb}`, '--disable-warning=ExperimentalWarning'];
  if (manifest.native) return flags;
  // Node 22.13 gave the flag its name; a name that Node does not know stops the process.
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  return [...flags, '--no-addons', permission, ...readable.map((path) => `--allow-fs-read=${path}`)];
}

function report(manifest: Pick<PluginManifest, 'native'>, way: Way, uid: number, root: boolean): Isolation {
  const separateUser = way === 'setpriv-user' || way === 'spawn-user';
  const notes = ['The network is not restricted at this level.'];
  if (manifest.native) {
    notes.push('Native code: runs as the user of the service and without permission flags, to work on its files.');
  } else {
    if (!separateUser && root) notes.push('A user of its own could not be given on this machine.');
    if (!root) notes.push('The service is not root: the plugin shares its user.');
    if (major() < 22) notes.push("Node 20's permission flags follow symbolic links; installed plugins have none.");
  }
  if (way === 'spawn-user' || way === 'plain') {
    notes.push(
      'setpriv is missing: a plugin in an endless loop outlives a service that is killed together with its spawner.',
    );
  }
  if (!existsSync('/proc/self/status')) notes.push('No /proc: memory outside of the JavaScript heap is not limited.');
  return {
    level: 'process',
    uid: separateUser ? uid : (process.getuid?.() ?? -1),
    separateUser,
    permissionFlags: !manifest.native,
    native: manifest.native,
    notes,
  };
}

function major(): number {
  return Number(process.versions.node.split('.')[0]);
}
