// Starts, reuses and stops a PostgreSQL of our own on 127.0.0.1, as root or as an ordinary user, with Node alone.
// One folder holds everything: cluster/ (PGDATA), password (0600), launcher.json (port, user, owner), postgres.log.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as files from 'node:fs';
import { createServer } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseRunner, commandFor, findBinaries, serverEnvironment, userName } from './postgres-binaries.mjs';
import { isAlive, procFile, reachableByOthers, sharedTemporaryFolder, startedAt } from './postgres-folders.mjs';
import { tryLogin } from './postgres-login.mjs';

const PATIENCE_MS = 15_000;

const defaults = {
  listen_addresses: '127.0.0.1',
  // No socket files: their path may not be longer than 107 bytes, and a data folder easily is.
  unix_socket_directories: '',
  shared_buffers: '64MB',
  max_connections: '100',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
};
const fastSettings = { fsync: 'off', full_page_writes: 'off', shared_buffers: '64MB', max_wal_size: '256MB' };

function readJson(path) {
  try {
    return JSON.parse(files.readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}

function writePrivate(path, text) {
  const half = `${path}.${process.pid}`;
  files.writeFileSync(half, text, { mode: 0o600 });
  files.renameSync(half, path);
}

async function freePort(wanted) {
  for (const port of wanted ? [wanted, 0] : [0]) {
    const server = createServer();
    const free = await new Promise((done) => {
      server.once('error', () => done(undefined));
      server.listen({ host: '127.0.0.1', port, exclusive: true }, () => done(server.address().port));
    });
    if (free !== undefined) {
      await new Promise((done) => server.close(done));
      return free;
    }
  }
  throw new Error('No free port on 127.0.0.1.');
}

/** The data folder, made when missing; another user's folder is refused by name. */
function openFolder(dataDir) {
  const folder = resolve(dataDir);
  const own = process.getuid?.();
  const owner = files.existsSync(folder) ? files.statSync(folder).uid : own;
  if (owner !== own) throw foreignFolder(folder, owner);
  try {
    files.mkdirSync(folder, { recursive: true, mode: 0o700 });
    files.accessSync(folder, files.constants.W_OK);
  } catch (error) {
    throw new Error(
      `The data folder ${folder} cannot be written (${error.code}). Set LETHE_DATA_DIR to a folder of your own.`,
    );
  }
  return folder;
}

const foreignFolder = (folder, owner) =>
  new Error(
    `The data folder ${folder} belongs to ${userName(owner)}, but this process runs as ${userName(process.getuid?.())}. ` +
      `Start as ${userName(owner)}, or set LETHE_DATA_DIR to a folder of your own.`,
  );

/** Where the cluster lives and how it is run; decided once and kept in launcher.json. */
function place(folder, note) {
  const found = findBinaries(folder);
  const home = note.home ?? folder;
  const cluster = join(home, 'cluster');
  const owner = files.existsSync(cluster) ? files.statSync(cluster).uid : undefined;
  if (owner !== undefined && owner !== process.getuid?.() && owner !== note.uid) throw foreignFolder(cluster, owner);
  const chosen = chooseRunner(found, owner === undefined ? undefined : { uid: owner });
  if (chosen.runner.kind !== 'user' || owner !== undefined) return { ...chosen, home, cluster };
  // Another user must be able to walk to the cluster: open our folder for passing, or move below the temporary folder.
  files.chmodSync(folder, 0o711);
  if (reachableByOthers(folder)) return { ...chosen, home, cluster };
  const moved = sharedTemporaryFolder(`data-${randomBytes(6).toString('hex')}`);
  return { ...chosen, home: moved, cluster: join(moved, 'cluster') };
}

function passwordOf(folder, cluster) {
  const path = join(folder, 'password');
  if (files.existsSync(path)) return files.readFileSync(path, 'utf8').trim();
  if (files.existsSync(cluster)) {
    throw new Error(
      `${path} is missing, but ${cluster} exists: put the file back, or move the data folder away to begin anew.`,
    );
  }
  const password = randomBytes(24).toString('hex');
  writePrivate(path, `${password}\n`);
  return password;
}

/** initdb beside the final place, then one rename: a start that is killed halfway leaves no half cluster behind. */
function createCluster({ runner, binaries, major, home, cluster }, password, fast) {
  for (const name of files.readdirSync(home)) {
    if (name.startsWith('cluster.new-') && !isAlive(Number(name.split('-')[1])))
      files.rmSync(join(home, name), { recursive: true });
  }
  const fresh = join(home, `cluster.new-${process.pid}`);
  const data = join(fresh, 'data');
  files.mkdirSync(fresh, { mode: 0o700 });
  files.writeFileSync(join(fresh, 'password'), password, { mode: 0o600 });
  if (runner.kind === 'user')
    for (const path of [fresh, join(fresh, 'password')]) files.chownSync(path, runner.uid, runner.gid);
  const locale = major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'] : ['--locale=C'];
  const line = [
    '-D',
    data,
    '-U',
    'postgres',
    '--encoding=UTF8',
    ...locale,
    '--auth=scram-sha-256',
    '--no-instructions',
  ];
  line.push(
    `--pwfile=${join(fresh, 'password')}`,
    ...(major >= 11 ? ['--data-checksums'] : []),
    ...(fast ? ['--no-sync'] : []),
  );
  const { program, args, identity } = commandFor(runner, join(binaries.bin, 'initdb'), line);
  const result = spawnSync(program, args, {
    ...identity,
    env: serverEnvironment(binaries),
    cwd: home,
    encoding: 'utf8',
  });
  if (result.status === 0 && !files.existsSync(cluster)) files.renameSync(data, cluster);
  files.rmSync(fresh, { recursive: true, force: true });
  if (result.status !== 0)
    throw new Error(`initdb failed: ${result.error?.message ?? (result.stderr.trim() || result.stdout.trim())}`);
}

/** The postmaster named in postmaster.pid, when it lives; a stale file with a recycled number is removed. */
function livingServer(cluster) {
  const path = join(cluster, 'postmaster.pid');
  if (!files.existsSync(path)) return undefined;
  const lines = files.readFileSync(path, 'utf8').split('\n');
  const pid = Number(lines[0]);
  const command = procFile(pid, 'cmdline');
  const ours = isAlive(pid) && (command === undefined || command.includes('postgres'));
  if (pid > 0 && ours) return { pid, port: Number(lines[3]) };
  if (pid > 0) files.rmSync(path, { force: true });
  return undefined;
}

/** A server left behind by a killed parent is used again when it takes our password; one that is going down is waited for. */
async function reuse(cluster, password) {
  const end = Date.now() + PATIENCE_MS;
  for (let server = livingServer(cluster); server; server = livingServer(cluster)) {
    const verdict = server.port > 0 ? await tryLogin({ port: server.port, password }) : 'silent';
    if (verdict === 'accepted') return server;
    if (verdict === 'refused' || Date.now() > end) {
      throw new Error(
        `Process ${server.pid} serves ${cluster} but does not accept our password. Stop it, then start again.`,
      );
    }
    await sleep(200);
  }
  return undefined;
}

function launch(set, settings, port, logPath) {
  const chosen = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const line = commandFor(set.runner, join(set.binaries.bin, 'postgres'), ['-D', set.cluster, ...chosen]);
  const log = files.openSync(logPath, 'a', 0o600);
  // A session of its own: Ctrl-C in the terminal must reach us first, so that work is finished before the database goes.
  const options = { ...line.identity, env: serverEnvironment(set.binaries), cwd: set.home, detached: true };
  const child = spawn(line.program, line.args, { ...options, stdio: ['ignore', log, log] });
  files.closeSync(log);
  const state = { child, exited: undefined };
  child.on('error', (error) => (state.exited = error.message));
  child.on('exit', (code, signal) => (state.exited = `exit ${code ?? signal}`));
  child.unref();
  return state;
}

async function untilReady(state, port, password) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    if (state.exited !== undefined) return false;
    if ((await tryLogin({ port, password })) === 'accepted') return true;
  }
  throw new Error('PostgreSQL did not become ready within 60 s.');
}

/** Starts anew; a port taken in the meantime and shared memory of a killed server are reasons to try again for a while. */
async function startServer(set, settings, wantedPort, password, logPath) {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(300)) {
    const port = await freePort(wantedPort);
    const from = files.existsSync(logPath) ? files.statSync(logPath).size : 0;
    const state = launch(set, settings, port, logPath);
    if (await untilReady(state, port, password)) return { pid: state.child.pid, port };
    const said = files.readFileSync(logPath).subarray(from).toString().trim();
    const passing = /shared memory block|could not bind|lock file "postmaster.pid"/.test(said);
    if (!passing || Date.now() > end)
      throw new Error(`PostgreSQL did not start (${state.exited}): ${said.slice(-1500)}`);
  }
}

async function stopServer(pid, mode) {
  const signals = mode === 'immediate' ? ['SIGQUIT', 'SIGKILL'] : ['SIGINT', 'SIGQUIT', 'SIGKILL'];
  for (const signal of signals) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20)) if (!isAlive(pid)) return;
  }
}

/** True when the process that started this server still lives: then it is that process that stops it. */
function ownedByAnother(note) {
  if (!note.owner || note.owner.pid === process.pid || !isAlive(note.owner.pid)) return false;
  return startedAt(note.owner.pid) === note.owner.startedAt;
}

/** See postgres.d.mts for what it promises. */
export async function startPostgres({ dataDir, port, settings = {}, fast = false, log = () => undefined }) {
  const folder = openFolder(dataDir);
  const notePath = join(folder, 'launcher.json');
  const note = readJson(notePath);
  const set = place(folder, note);
  const password = passwordOf(folder, set.cluster);
  if (!files.existsSync(set.cluster)) {
    log(`Creating a PostgreSQL ${set.major} cluster in ${basename(folder)}`);
    createCluster(set, password, fast);
  }
  const found = await reuse(set.cluster, password);
  const reused = found !== undefined;
  const owned = !(reused && ownedByAnother(note));
  const all = { ...defaults, ...(fast ? fastSettings : {}), ...settings };
  const server = found ?? (await startServer(set, all, port ?? note.port, password, join(folder, 'postgres.log')));
  const owner = owned ? { pid: process.pid, startedAt: startedAt(process.pid) } : note.owner;
  writePrivate(notePath, JSON.stringify({ port: server.port, uid: set.runner.uid, home: set.home, owner }));
  log(`PostgreSQL ${set.major} ${reused ? 'is still running' : 'runs'} on 127.0.0.1:${server.port}`);
  return handle(server, { folder, password, reused, owned, moved: set.home === folder ? undefined : set.home });
}

function handle({ pid, port }, { folder, password, reused, owned, moved }) {
  const lastResort = () => isAlive(pid) && process.kill(pid, 'SIGINT');
  if (owned) process.once('exit', lastResort);
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid,
    dataDir: folder,
    reused,
    owned,
    ...(moved ? { movedTo: moved } : {}),
    async stop(mode = 'fast') {
      process.removeListener('exit', lastResort);
      if (owned) await stopServer(pid, mode);
    },
  };
}
