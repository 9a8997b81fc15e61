/** A build of Lethe as a process, and the build before this one made from its commit. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const READY_MS = 60_000;

/** Entry of this build. */
export const thisBuild = join(root, 'dist/apps/server/src/main.js');

export interface BuildProcess {
  baseUrl: string;
  port: number;
  pid: number;
  /** Resolves with the exit status once it has ended. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a build's service. Errors: what it said instead of being ready. */
export async function startBuild(main: string, environment: Record<string, string>): Promise<BuildProcess> {
  const env = { PATH: process.env['PATH'] ?? '', TMPDIR: tmpdir(), ...environment };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const baseUrl = await ready(child);
  return {
    baseUrl,
    port: Number(new URL(baseUrl).port),
    pid: child.pid ?? 0,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
      child.kill(signal);
      return gone;
    },
  };
}

function ready(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`the service is not ready: ${said}`)), READY_MS);
    const read = (chunk: Buffer): void => {
      said += chunk.toString();
      const url = /ready at (http\S+)/.exec(said)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`the service ended: ${said}`)));
  });
}

export interface OtherBuild {
  main: string;
  remove(): Promise<void>;
}

/** Why a commit cannot be built here; undefined when it can. */
export function noCommit(commit: string): Promise<string | undefined> {
  return run('git', ['-C', root, 'cat-file', '-e', `${commit}^{commit}`]).then(
    () => undefined,
    () => `git does not have commit ${commit}`,
  );
}

/** Builds a commit beside this checkout, with this one's packages. */
export async function buildCommit(commit: string): Promise<OtherBuild> {
  const folder = await mkdtemp(join(tmpdir(), 'lethe-build-'));
  const archive = join(folder, 'source.tar');
  await run('git', ['-C', root, 'archive', '-o', archive, commit]);
  await run('tar', ['-xf', archive, '-C', folder]);
  await linkPackages(folder);
  await run(process.execPath, [join(folder, 'scripts/build.mjs')], { cwd: folder, maxBuffer: 1e8 });
  const main = join(folder, 'dist/apps/server/src/main.js');
  if (!existsSync(main)) throw new Error(`commit ${commit} cannot be built`);
  return { main, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Its own published packages, and everything else from here: what only the build before needs is installed for it (`@fastify/helmet`). */
async function linkPackages(folder: string): Promise<void> {
  const packages = join(folder, 'node_modules');
  await mkdir(join(packages, '@lethe'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@lethe' && name !== '.lethe-stamp')
      await symlink(join(root, 'node_modules', name), join(packages, name));
  for (const name of ['client', 'plugin-kit', 'plugin-sdk'])
    await symlink(`../../libs/${name}`, join(packages, '@lethe', name));
  for (const name of await readdir(join(folder, 'plugins')))
    await symlink(`../../plugins/${name}`, join(packages, '@lethe', `plugin-${name}`));
}
