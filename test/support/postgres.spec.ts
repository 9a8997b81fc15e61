// The launcher's promises: a server left by a killed parent is taken over, one process owns it, a stop leaves nothing behind.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres } from '#scripts/postgres.mjs';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'lethe-launcher-'));
const dataDir = join(folder, 'a folder with spaces and a name that is far longer than a socket path may be'.repeat(2));
const pidFile = join(dataDir, 'cluster', 'postmaster.pid');

const parents: ReturnType<typeof spawn>[] = [];

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ answer: unknown }>(sql);
  await client.end();
  return rows[0]?.answer;
}

/** A process of its own that starts the server and then waits to be killed. */
async function parent(): Promise<ReturnType<typeof spawn>> {
  const script = `import { startPostgres } from ${JSON.stringify(join(root, 'scripts/postgres.mjs'))};
    await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, fast: true });
    console.log('ready'); setInterval(() => undefined, 1000);`;
  const env = { PATH: process.env['PATH'] ?? '' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parents.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ReturnType<typeof spawn>): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

afterAll(() => {
  for (const child of parents) child.kill('SIGKILL');
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT');
  rmSync(folder, { recursive: true, force: true });
});

describe('the PostgreSQL launcher', () => {
  it('starts without LANG in UTF-8, shares the server of a living parent and takes over that of a killed one', async () => {
    const child = await parent();
    const shared = await startPostgres({ dataDir });
    expect(shared).toMatchObject({ reused: true, owned: false });
    await shared.stop();
    expect(lives(shared.pid)).toBe(true);
    await kill(child);
    const taken = await startPostgres({ dataDir });
    expect(taken).toMatchObject({ reused: true, owned: true, pid: shared.pid });
    expect(await ask(taken.url, `SELECT current_setting('server_encoding') || upper('ä') AS answer`)).toBe('UTF8Ä');
    await taken.stop();
    expect(lives(taken.pid)).toBe(false);
    expect(existsSync(pidFile)).toBe(false);
  });

  it('keeps its password and its data to the owner, and other passwords out', async () => {
    const server = await startPostgres({ dataDir, fast: true });
    expect(statSync(join(dataDir, 'password')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dataDir, 'cluster')).mode & 0o077).toBe(0);
    const wrong = server.url.replace(/:[0-9a-f]{48}@/, ':wrong@');
    expect(wrong).not.toBe(server.url);
    await expect(ask(wrong, 'SELECT 1 AS answer')).rejects.toThrow(/password authentication failed/);
    await server.stop('immediate');
    expect(lives(server.pid)).toBe(false);
  });

  it('starts again at once after the server itself was killed, and over a number that another program has now', async () => {
    const first = await startPostgres({ dataDir, fast: true });
    await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS answer');
    process.kill(first.pid, 'SIGKILL');
    const second = await startPostgres({ dataDir, fast: true });
    expect(second.pid).not.toBe(first.pid);
    expect(second.port).toBeGreaterThan(0);
    await second.stop();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    parents.push(other);
    writeFileSync(pidFile, `${other.pid ?? 0}\n${join(dataDir, 'cluster')}\n0\n1\n\n127.0.0.1\n`);
    const third = await startPostgres({ dataDir, fast: true });
    expect(await ask(third.url, 'SELECT answer FROM kept')).toBe(7);
    await third.stop();
  });

  it('refuses a folder of somebody else by name', async () => {
    const foreign = join(folder, 'foreign');
    mkdirSync(foreign);
    const root = process.getuid?.() === 0;
    if (root) chownSync(foreign, 65534, 65534);
    // An ordinary user can give nothing away, but finds a folder of root everywhere.
    await expect(startPostgres({ dataDir: root ? foreign : '/' })).rejects.toThrow(
      /belongs to \S+, but .* LETHE_DATA_DIR/,
    );
    rmSync(foreign, { recursive: true });
  });

  it('ends its server when the process leaves without stopping it', () => {
    const script = `import { startPostgres } from ${JSON.stringify(join(root, 'scripts/postgres.mjs'))};
      const { pid } = await startPostgres({ dataDir: ${JSON.stringify(join(folder, 'leaving'))}, fast: true });
      console.log(pid); process.exit(0);`;
    const left = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const pid = Number(left.stdout.trim());
    expect(pid).toBeGreaterThan(0);
    for (const end = Date.now() + 10_000; lives(pid) && Date.now() < end;) spawnSync('sleep', ['0.05']);
    expect(lives(pid)).toBe(false);
  });
});
