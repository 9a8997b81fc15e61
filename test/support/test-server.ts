/** The real server in the jest process, on databases of its own, with a clock the test moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { TestClock } from '#kernel';
import { readConfig } from '#platform';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { schemas } from '../../apps/server/src/schemas.js';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { createTestDatabase } from './test-database.js';

/** A call as one of the tenant's principals. Changing POSTs get a fresh Idempotency-Key unless one is given. */
export interface TestCall {
  as?: keyof BootstrappedTenant['keys'];
  key?: string;
  headers?: Record<string, string>;
}

export interface TestAnswer {
  status: number;
  headers: Headers;
  // Bodies are checked by the expectations of the specs.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

export interface TestServer {
  server: RunningServer;
  clock: TestClock;
  tenant: BootstrappedTenant;
  /** Superuser on the ledger database. */
  superuser: Client;
  dataDir: string;
  get(path: string, call?: TestCall): Promise<TestAnswer>;
  post(path: string, body: unknown, call?: TestCall): Promise<TestAnswer>;
  put(path: string, body: unknown, call?: TestCall): Promise<TestAnswer>;
  close(): Promise<void>;
}

/** Superuser URLs of clusters of the spec's own, to be broken; the run's where absent. */
export interface TestClusters {
  ledger?: string;
  keystore?: string;
}

/** Starts a server with one test tenant. `environment` adds settings such as LETHE_SMTP_URL. */
export async function startTestServer(
  options: {
    now?: Date;
    environment?: Record<string, string>;
    territory?: string;
    clusters?: TestClusters;
    /** Instead of one that stands still at `now`. */
    clock?: TestClock;
    guardClock?: boolean;
  } = {},
): Promise<TestServer> {
  const ends: (() => Promise<unknown>)[] = [];
  try {
    return await started(options, ends);
  } catch (error) {
    // What stays open keeps jest from ending.
    for (const end of ends.reverse()) await end().catch(() => undefined);
    throw error;
  }
}

type TestOptions = NonNullable<Parameters<typeof startTestServer>[0]>;

async function started(options: TestOptions, ends: (() => Promise<unknown>)[]): Promise<TestServer> {
  const clock = options.clock ?? new TestClock(options.now ?? new Date());
  const ledger = await createTestDatabase(schemas.ledger, options.clusters?.ledger);
  ends.push(() => ledger.drop());
  const keystore = await createTestDatabase(schemas.keystore, options.clusters?.keystore);
  ends.push(() => keystore.drop());
  const dataDir = await mkdtemp(join(tmpdir(), 'lethe-server-'));
  const folders = [dataDir, `${dataDir}-keys`];
  const removeFolders = (): Promise<unknown> =>
    Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
  ends.push(removeFolders);
  const config = readConfig({
    PORT: '0',
    DATABASE_URL: ledger.urls.appUrl,
    LETHE_KEYSTORE_URL: keystore.urls.appUrl,
    LETHE_DATA_DIR: dataDir,
    LETHE_KEY_DIR: `${dataDir}-keys`,
    LETHE_LOG_LEVEL: 'error',
    // The event loop is that of jest as well, which compiles and compares in it.
    LETHE_LOAD_SHEDDING: 'off',
    ...options.environment,
  });
  const server = await startServer(config, { clock, guardClock: options.guardClock ?? false });
  ends.push(() => server.close());
  const tenant = await bootstrapTenant(server.app, {
    name: 'Test shop',
    mode: 'test',
    territory: options.territory ?? 'DE-BE',
    timeZone: 'Europe/Berlin',
  });
  const send = async (
    method: string,
    path: string,
    body: unknown,
    { as = 'officer', key, headers = {} }: TestCall = {},
  ): Promise<TestAnswer> => {
    const response = await fetch(server.baseUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${key ?? tenant.keys[as]}`,
        ...(method === 'GET'
          ? {}
          : { 'content-type': 'application/json', 'idempotency-key': randomBytes(12).toString('hex') }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text };
  };
  return {
    server,
    clock,
    tenant,
    superuser: ledger.superuser,
    dataDir,
    get: (path, call) => send('GET', path, undefined, call),
    post: (path, body, call) => send('POST', path, body, call),
    put: (path, body, call) => send('PUT', path, body, call),
    close: async () => {
      await server.close();
      await ledger.drop();
      await keystore.drop();
      await removeFolders();
    },
  };
}
