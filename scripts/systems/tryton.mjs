// A real Tryton for the system tests: Python packages in a venv, PostgreSQL of our own, a seeded database, a server on 127.0.0.1.
// `node scripts/systems/tryton.mjs <cache folder>` prints where it is as JSON and serves until its standard input ends.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as files from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { startPostgres } from '../postgres.mjs';

const here = import.meta.dirname;
const requirements = join(here, 'tryton.requirements.txt');
const seed = join(here, 'tryton.seed.py');
const MODULES = ['ir', 'party', 'sale'];

/** A short name of everything that shapes the seeded database: another seed or version makes another one. */
const fingerprint = (...paths) =>
  paths
    .reduce((hash, path) => hash.update(files.readFileSync(path)), createHash('sha256'))
    .digest('hex')
    .slice(0, 12);

function run(program, args, env = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 64e6 });
  if (result.status !== 0)
    throw new Error(
      `${program} ${args[0]} failed: ${result.error?.message ?? (result.stderr || result.stdout).slice(-2000)}`,
    );
  return result.stdout;
}

/** The venv for these requirements; a half-made one of an interrupted run is made again. */
function installPackages(cache) {
  const folder = join(cache, `venv-${fingerprint(requirements)}`);
  const marker = join(folder, 'complete');
  if (!files.existsSync(marker)) {
    files.rmSync(folder, { recursive: true, force: true });
    run('python3', ['-m', 'venv', folder]);
    run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    files.writeFileSync(marker, '');
  }
  return join(folder, 'bin');
}

async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function sql(url, ...statements) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let result;
    for (const statement of statements) result = await client.query(statement);
    return result.rows;
  } finally {
    await client.end();
  }
}

function writePrivate(path, text) {
  files.writeFileSync(path, text, { mode: 0o600 });
  return path;
}

// Tryton knows the scheme by its long name only.
const databaseUrl = (server, database) =>
  server.replace(/\/postgres$/, `/${database}`).replace(/^postgres:/, 'postgresql:');

/** The seeded database all runs are copied from, made once per cache, Tryton's modules and the people in it. */
async function seedTemplate(cache, bin, postgres, configuration) {
  const name = `tryton_seed_${fingerprint(requirements, seed)}`;
  const facts = join(cache, `${name}.json`);
  const known = await sql(postgres, `SELECT 1 FROM pg_database WHERE datname = '${name}'`);
  if (known.length > 0 && files.existsSync(facts)) return { name, facts, fresh: false };
  const half = `${name}_half`;
  await sql(postgres, `DROP DATABASE IF EXISTS ${name}`, `DROP DATABASE IF EXISTS ${half}`, `CREATE DATABASE ${half}`);
  const account = { user: 'lethe', password: randomBytes(18).toString('base64url') };
  const accountFile = writePrivate(join(cache, 'account.json'), JSON.stringify(account));
  const adminFile = writePrivate(join(cache, 'admin-password'), randomBytes(18).toString('base64url'));
  const options = ['-c', configuration, '-d', half, '--activate-dependencies', '--email', 'admin@example.test'];
  run(join(bin, 'trytond-admin'), [...options, '-u', ...MODULES], { TRYTONPASSFILE: adminFile });
  const people = JSON.parse(run(join(bin, 'python'), [seed, databaseUrl(postgres, half), configuration, accountFile]));
  await sql(postgres, `ALTER DATABASE ${half} RENAME TO ${name}`);
  writePrivate(facts, JSON.stringify({ ...account, ...people }));
  return { name, facts, fresh: true };
}

async function answers(address) {
  try {
    const body = JSON.stringify({ id: 1, method: 'common.server.version', params: [] });
    const response = await fetch(`${address}/rpc/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return (await response.json()).result;
  } catch {
    return undefined;
  }
}

/** Starts trytond and waits until it answers; gives its version and a way to end it by its process id. */
async function serve(bin, cache, configuration, database, address) {
  const log = files.openSync(join(cache, 'trytond.log'), 'a', 0o600);
  const child = spawn(join(bin, 'trytond'), ['-c', configuration, '-d', database], { stdio: ['ignore', log, log] });
  files.closeSync(log);
  const gone = new Promise((done) => child.once('exit', done).once('error', done));
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    const version = await answers(address);
    if (version !== undefined) return { version, stop: () => (child.kill('SIGTERM'), gone) };
    if (child.exitCode !== null) break;
  }
  child.kill('SIGKILL');
  throw new Error(`trytond did not start; see ${join(cache, 'trytond.log')}.`);
}

/** Runs a step and keeps how long it took. */
function stopwatch(log) {
  const seconds = {};
  const measured = async (step, work) => {
    const start = performance.now();
    const result = await work();
    seconds[step] = Math.round((performance.now() - start) / 100) / 10;
    log(`${step}: ${seconds[step]} s`);
    return result;
  };
  return { seconds, measured };
}

/** Brings Tryton up on a fresh copy of the seeded database; see tryton.d.mts for what it gives. */
export async function startTryton({ cacheDir, log = () => {} }) {
  const cache = resolve(cacheDir);
  files.mkdirSync(cache, { recursive: true });
  const { seconds, measured } = stopwatch(log);
  const bin = await measured('packages', () => installPackages(cache));
  const postgres = await measured('postgres', () => startPostgres({ dataDir: join(cache, 'postgres'), fast: true }));
  const database = `tryton_${randomBytes(6).toString('hex')}`;
  const configuration = join(cache, `${database}.conf`);
  const cleanUp = async () => {
    await sql(postgres.url, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    files.rmSync(configuration, { force: true });
    await postgres.stop();
  };
  try {
    const port = await freePort();
    const storage = databaseUrl(postgres.url, '');
    writePrivate(configuration, `[database]\nuri = ${storage}\n[web]\nlisten = 127.0.0.1:${port}\n`);
    const template = await measured('seed', () => seedTemplate(cache, bin, postgres.url, configuration));
    await sql(postgres.url, `CREATE DATABASE ${database} TEMPLATE ${template.name}`);
    const url = `http://127.0.0.1:${port}`;
    const server = await measured('server', () => serve(bin, cache, configuration, database, url));
    const facts = JSON.parse(files.readFileSync(template.facts, 'utf8'));
    const stop = () => server.stop().then(cleanUp);
    const { version } = server;
    return { url, database, ...facts, storage: storage + database, version, fresh: template.fresh, seconds, stop };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === undefined) throw new Error('Usage: node scripts/systems/tryton.mjs <cache folder>');
  const running = await startTryton({ cacheDir: process.argv[2], log: (line) => console.error(line) });
  console.log(JSON.stringify(running));
  process.stdin.resume().once('end', () => void running.stop());
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => void running.stop().then(() => process.exit(0)));
}
