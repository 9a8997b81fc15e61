/** A PostgreSQL in a network namespace of its own, to be cut off: packets vanish, and nobody is told. Only root can make one. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why there can be no partition here; undefined when there can. */
export function noNetworkNamespace(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const probe = `lethe-probe-${process.pid}`;
  try {
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'ignore' });
    execFileSync('ip', ['netns', 'del', probe], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'this machine refuses network namespaces, or has no iproute2';
  }
}

const launcher = join(import.meta.dirname, '../../scripts/postgres.mjs');
/** Runs inside the namespace until its input ends. */
const program = `
  import { appendFileSync } from 'node:fs';
  import { once } from 'node:events';
  const { startPostgres } = await import(process.env.LAUNCHER);
  const settings = { listen_addresses: '*' };
  const server = await startPostgres({ dataDir: process.env.FOLDER, settings });
  appendFileSync(process.env.FOLDER + '/cluster/pg_hba.conf', 'host all all ' + process.env.NETWORK + ' scram-sha-256\\n');
  process.kill(server.pid, 'SIGHUP');
  process.stdout.write(JSON.stringify({ url: server.url }) + '\\n');
  process.stdin.resume();
  await once(process.stdin, 'end');
  await server.stop('immediate');
`;

export class NetworkCluster {
  private constructor(
    /** As superuser, at its address in the namespace. */
    readonly url: string,
    private readonly namespace: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(): Promise<NetworkCluster> {
    // Not the process id: what a killed run left behind must not be in the way of one with the same number.
    const id = randomInt(1_000_000);
    const namespace = `lethe-${process.pid}-${id}`;
    const subnet = `10.${randomInt(231, 250)}.${randomInt(250)}`;
    const ip = (...line: string[]): Buffer => execFileSync('ip', line);
    ip('netns', 'add', namespace);
    ip('link', 'add', `lv${id}a`, 'type', 'veth', 'peer', 'name', 'inside', 'netns', namespace);
    ip('addr', 'add', `${subnet}.1/30`, 'dev', `lv${id}a`);
    ip('link', 'set', `lv${id}a`, 'up');
    for (const line of [`addr add ${subnet}.2/30 dev inside`, 'link set inside up', 'link set lo up'])
      ip('-n', namespace, ...line.split(' '));
    const folder = await mkdtemp(join(tmpdir(), 'lethe-network-'));
    const env = { ...process.env, LAUNCHER: launcher, FOLDER: folder, NETWORK: `${subnet}.0/30` };
    const line = ['netns', 'exec', namespace, process.execPath, '--input-type=module', '-e', program];
    const child = spawn('ip', line, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    const said = await firstLine(child.stdout);
    const url = new URL((JSON.parse(said) as { url: string }).url);
    url.hostname = `${subnet}.2`;
    return new NetworkCluster(url.toString(), namespace, folder, child);
  }

  /** From now on nothing gets through, in either direction. */
  cut(): void {
    execFileSync('ip', ['-n', this.namespace, 'link', 'set', 'inside', 'down']);
  }

  mend(): void {
    execFileSync('ip', ['-n', this.namespace, 'link', 'set', 'inside', 'up']);
  }

  async close(): Promise<void> {
    this.mend();
    this.child.stdin?.end();
    if (this.child.exitCode === null) await once(this.child, 'exit');
    execFileSync('ip', ['netns', 'del', this.namespace]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Errors: a sentence, when the output ends before it has a whole line. */
async function firstLine(output: AsyncIterable<Buffer>): Promise<string> {
  let said = '';
  for await (const chunk of output) {
    said += chunk.toString();
    if (said.includes('\n')) return said.slice(0, said.indexOf('\n'));
  }
  throw new Error(`PostgreSQL did not start in its namespace: ${said}`);
}
