/** A plugin as files: what is in a folder, its content hash, and its installation under that hash. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { PluginManifest } from '@lethe/plugin-sdk';
import { hostFailure, PluginFailure } from '../plugin.errors.js';
import { pluginManifest } from './plugin-manifest.js';

/** One file of a plugin. `path` uses forward slashes. */
export interface PluginFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** Why a folder cannot be installed as a plugin. `code` is stable. */
export interface PluginProblem {
  code:
    | 'manifest-missing'
    | 'manifest-invalid'
    | 'entry-missing'
    | 'not-a-plain-file'
    | 'too-many-files'
    | 'too-large'
    | 'native-undeclared';
  /** File or member the problem is about. */
  where: string;
}

/** What an administrator approves: the hash stands for every byte that was shown. */
export interface InspectedPlugin {
  manifest: PluginManifest | undefined;
  files: PluginFile[];
  /** Hex SHA-256 over path, size and SHA-256 of every file, in the order of their paths. */
  contentHash: string;
  native: boolean;
  problems: PluginProblem[];
}

/** A plugin in the plugin home. `dir` is its own folder, named by version and hash. */
export interface InstalledPlugin {
  id: string;
  version: string;
  dir: string;
  contentHash: string;
  manifest: PluginManifest;
}

const MANIFEST = 'lethe.plugin.json';
const MOST_FILES = 5_000;
const MOST_BYTES = 512 * 1024 * 1024;

/** Reads a folder without running anything of it. Every reason against installing it is in `problems`. */
export async function inspectPlugin(dir: string): Promise<InspectedPlugin> {
  const problems: PluginProblem[] = [];
  const paths = await listFiles(dir, problems);
  const files: PluginFile[] = [];
  let total = 0;
  for (const path of paths) {
    const { size } = await lstat(join(dir, path));
    total += size;
    if (total > MOST_BYTES) {
      problems.push({ code: 'too-large', where: path });
      break;
    }
    files.push({ path, bytes: size, sha256: await sha256(join(dir, path)) });
  }
  const manifest = await readManifest(dir, files, problems);
  const binary = files.find((file) => /\.(node|so|dll|dylib)$/.test(file.path));
  if (manifest && !manifest.native && binary) problems.push({ code: 'native-undeclared', where: binary.path });
  return { manifest, files, contentHash: hashOf(files), native: manifest?.native ?? binary !== undefined, problems };
}

/**
 * Copies a plugin to `<pluginHome>/<id>/<version>-<hash>/`. What is installed is what was approved: the copy itself is
 * hashed before it gets its name. Installing the same hash again repairs it. Throws `PluginFailure` with
 * `plugin-invalid` or `plugin-hash-mismatch`.
 */
export async function installPlugin(dir: string, pluginHome: string, expectedHash: string): Promise<InstalledPlugin> {
  const before = await inspectPlugin(dir);
  const { manifest } = before;
  const name = manifest ? `${manifest.id}@${manifest.version}` : 'unknown';
  if (before.contentHash !== expectedHash)
    throw refuse('plugin-hash-mismatch', name, 'inspect it again and approve it');
  if (!manifest || before.problems.length > 0) throw refuse('plugin-invalid', name, 'inspect it for the problems');
  const home = join(pluginHome, manifest.id);
  await mkdir(home, { recursive: true });
  const draft = join(home, `.draft-${randomUUID()}`);
  try {
    await cp(dir, draft, { recursive: true, errorOnExist: true, verbatimSymlinks: true });
    await readableByAll(draft);
    const copied = await inspectPlugin(draft);
    if (copied.contentHash !== expectedHash) throw refuse('plugin-hash-mismatch', name, 'its files changed meanwhile');
    const target = join(home, `${manifest.version}-${expectedHash}`);
    await settle(draft, target, expectedHash);
    return { id: manifest.id, version: manifest.version, dir: target, contentHash: expectedHash, manifest };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Removes an installed version, and the plugin's folder when it was the last one. */
export async function removePluginFiles(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  // Another version, or an installation under way, keeps it.
  await rmdir(dirname(dir)).catch(() => undefined);
}

/** Throws `PluginFailure` with `plugin-tampered` unless the folder still holds exactly the approved bytes. */
export async function verifyPlugin(plugin: InstalledPlugin, dir = plugin.dir): Promise<void> {
  if (!(await isIntact(dir, plugin.contentHash, plugin.manifest))) {
    throw hostFailure('plugin-tampered', `${plugin.id}@${plugin.version}`);
  }
}

/** Gives the draft its name. Two installations of one hash may run at once: the first wins, and both are right. */
async function settle(draft: string, target: string, contentHash: string): Promise<void> {
  try {
    await rename(draft, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if (await isIntact(target, contentHash)) return;
    await rm(target, { recursive: true, force: true });
    await rename(draft, target);
  }
}

/** `known` is the manifest the database holds: it decides about rights and limits, so it must be the approved one too. */
async function isIntact(dir: string, contentHash: string, known?: PluginManifest): Promise<boolean> {
  try {
    const { problems, contentHash: found, manifest } = await inspectPlugin(dir);
    if (problems.length > 0 || found !== contentHash) return false;
    return known === undefined || isDeepStrictEqual(plain(known), plain(manifest));
  } catch {
    return false;
  }
}

function plain(manifest: PluginManifest | undefined): unknown {
  return JSON.parse(JSON.stringify(manifest ?? null)) as unknown;
}

function refuse(code: 'plugin-invalid' | 'plugin-hash-mismatch', plugin: string, next: string): PluginFailure {
  return new PluginFailure({ class: 'permanent', code }, `The plugin ${plugin} was not installed: ${next}.`, plugin);
}

async function listFiles(dir: string, problems: PluginProblem[]): Promise<string[]> {
  const paths: string[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(dir, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) paths.push(path);
      // A link would let a plugin read outside of its folder, past Node's permission flags.
      else problems.push({ code: 'not-a-plain-file', where: path });
    }
    if (paths.length > MOST_FILES) {
      problems.push({ code: 'too-many-files', where: folder });
      break;
    }
  }
  return paths.sort();
}

async function readManifest(
  dir: string,
  files: PluginFile[],
  problems: PluginProblem[],
): Promise<PluginManifest | undefined> {
  const file = files.find(({ path }) => path === MANIFEST);
  if (!file || file.bytes > 1024 * 1024) {
    problems.push({ code: 'manifest-missing', where: MANIFEST });
    return undefined;
  }
  const parsed = pluginManifest.safeParse(parse(await readFile(join(dir, MANIFEST), 'utf8')));
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    problems.push({ code: 'manifest-invalid', where: where === '' ? MANIFEST : where });
    return undefined;
  }
  if (!files.some(({ path }) => path === parsed.data.entry)) {
    problems.push({ code: 'entry-missing', where: parsed.data.entry });
  }
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function hashOf(files: PluginFile[]): string {
  const hash = createHash('sha256').update('lethe-plugin-v1\n');
  for (const { path, bytes, sha256: digest } of files) hash.update(`${JSON.stringify(path)} ${bytes} ${digest}\n`);
  return hash.digest('hex');
}

/** A plugin of another user must be able to read its files, whatever the umask was. */
export async function readableByAll(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await readableByAll(join(dir, entry.name));
    else if (entry.isFile()) await chmod(join(dir, entry.name), 0o644);
  }
}
