/** The service as a process of its own, from the build, over databases that outlive it: to be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { readConfig } from '#platform';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { schemas } from '../../apps/server/src/schemas.js';
import { startServer } from '../../apps/server/src/server.js';
import { createTestDatabase, type TestDatabase } from './test-database.js';
import type { TestAnswer, TestCall, TestServer } from './test-server.js';

const main = join(import.meta.dirname, '../../dist/apps/server/src/main.js');

/** What `npm start` gives to Node: between its name and the entry. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  return (/^node (.*) dist\//.exec(scripts.start)?.[1] ?? '').split(' ');
}

/** A crowded machine may need long; a service that has ended says so at once. */
const READY_MS = 90_000;

/** A service with one tenant; `get`, `post` and `put` reach whichever process runs at the moment. */
export class ServiceProcess implements Pick<TestServer, 'get' | 'post' | 'put' | 'dataDir'> {
  private child: ChildProcess | undefined;
  baseUrl = '';
  /** Everything its processes wrote to both outputs. */
  output = '';

  private constructor(
    readonly dataDir: string,
    readonly databases: readonly TestDatabase[],
    readonly environment: Record<string, string>,
    readonly keys: BootstrappedTenant['keys'],
  ) {}

  /** Makes databases and a tenant; nothing runs yet. `also` adds settings. */
  static async prepare(also: (dataDir: string) => Record<string, string> = () => ({})): Promise<ServiceProcess> {
    const ledger = await createTestDatabase(schemas.ledger);
    const keystore = await createTestDatabase(schemas.keystore);
    const dataDir = await mkdtemp(join(tmpdir(), 'lethe-service-'));
    // Who is killed cannot clear away; plugins run as other users and must be able to come in.
    await mkdir(`${dataDir}-tmp`);
    await chmod(`${dataDir}-tmp`, 0o1777);
    const environment = {
      PORT: '0',
      DATABASE_URL: ledger.urls.appUrl,
      LETHE_KEYSTORE_URL: keystore.urls.appUrl,
      LETHE_DATA_DIR: dataDir,
      LETHE_KEY_DIR: `${dataDir}-keys`,
      LETHE_LOG_LEVEL: 'error',
      LETHE_DRAIN_LEAST_SECONDS: '0',
      ...also(dataDir),
    };
    const server = await startServer(readConfig(environment));
    const place = { territory: 'DE-BE', timeZone: 'Europe/Berlin' };
    const { keys } = await bootstrapTenant(server.app, { name: 'Test shop', mode: 'test', ...place });
    await server.close();
    return new ServiceProcess(dataDir, [ledger, keystore], environment, keys);
  }

  /** `also` adds settings to this start alone; `before` is a command that ends in becoming the one it is given. */
  async start(also: Record<string, string> = {}, before: readonly string[] = []): Promise<void> {
    const env = { PATH: process.env['PATH'] ?? '', ...this.environment, ...also };
    const [program = '', ...words] = [...before, process.execPath, ...startFlags(), main];
    const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    this.baseUrl = await new Promise((resolve, reject) => {
      let said = '';
      const timer = setTimeout(() => reject(new Error(`the service is not ready: ${said}`)), READY_MS);
      const read = (chunk: Buffer): void => {
        said += chunk.toString();
        this.output += chunk.toString();
        const url = /ready at (http\S+)/.exec(said)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', () => {
        clearTimeout(timer);
        reject(new Error(`the service ended: ${said}`));
      });
    });
  }

  /** Settings of a command line beside the service: it also knows the owner of the databases. */
  get commandEnvironment(): Record<string, string> {
    const [ledger, keystore] = this.databases;
    return {
      ...this.environment,
      LETHE_MIGRATION_URL: ledger?.urls.ownerUrl ?? '',
      LETHE_KEYSTORE_MIGRATION_URL: keystore?.urls.ownerUrl ?? '',
    };
  }

  /** Keys of the tenant's principals. */
  get apiKeys(): BootstrappedTenant['keys'] {
    return this.keys;
  }

  /** Superuser on the ledger and on the key store, for looking and for planting faults. */
  get superusers(): { ledger: Client; keystore: Client } {
    const [ledger, keystore] = this.databases;
    if (!ledger || !keystore) throw new Error('there are no databases');
    return { ledger: ledger.superuser, keystore: keystore.superuser };
  }

  /** Where its processes make temporary files. */
  private get temporary(): string {
    return `${this.dataDir}-tmp`;
  }

  /** Of the process that runs, or ran last. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** `SIGKILL`: no handler runs, nothing is flushed. `SIGINT`: in order, but without waiting for more calls. */
  async end(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /** Where the running process listens, and a key for it: for callers that keep connections of their own. */
  access(as: keyof BootstrappedTenant['keys']): { baseUrl: string; key: string } {
    return { baseUrl: this.baseUrl, key: this.keys[as] };
  }

  get(path: string, call?: TestCall): Promise<TestAnswer> {
    return this.send('GET', path, undefined, call);
  }

  post(path: string, body: unknown, call?: TestCall): Promise<TestAnswer> {
    return this.send('POST', path, body, call);
  }

  put(path: string, body: unknown, call?: TestCall): Promise<TestAnswer> {
    return this.send('PUT', path, body, call);
  }

  async close(): Promise<void> {
    await this.end('SIGINT');
    for (const database of this.databases) await database.drop();
    for (const folder of [this.dataDir, `${this.dataDir}-keys`, this.temporary])
      await rm(folder, { recursive: true, force: true });
  }

  private async send(
    method: string,
    path: string,
    body: unknown,
    { as = 'officer', key, headers = {} }: TestCall = {},
  ): Promise<TestAnswer> {
    const answer = await fetch(this.baseUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${key ?? this.keys[as]}`,
        ...(method === 'GET'
          ? {}
          : { 'content-type': 'application/json', 'idempotency-key': randomBytes(12).toString('hex') }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: json && text ? JSON.parse(text) : text };
  }
}
