/** Acceptance 10: the disk runs full. Writing is refused before anything breaks, consent is still checked, and it heals alone. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TenantId } from '#kernel';
import { FileCheckpointLock, readOfType } from '#ledger';
import { readConfig } from '#platform';
import { bootstrapTenant, type BootstrappedTenant } from '../../apps/server/src/bootstrap-tenant.js';
import { checkpointFolder } from '../../apps/server/src/ledger-parts.js';
import { StoreAudit } from '../../apps/server/src/store-audit.js';
import { startServer, type RunningServer } from '../../apps/server/src/server.js';
import { isSkipped } from '../support/may-skip.js';
import { attempt, check, declare, record, told, untilWell, type Attempt } from '../support/outage.js';
import { OwnCluster } from '../support/own-cluster.js';
import { noSmallDisk, SmallDisk } from '../support/small-disk.js';
import { startTestServer, type TestAnswer, type TestCall, type TestServer } from '../support/test-server.js';
import { until } from '../support/until.js';

const MIB = 1024 * 1024;
const PATIENCE_MS = 120_000;
/** What a check may take while the disk is full, answered or refused. */
const BOUND_MS = 15_000;
const onRoot = isSkipped('full disks', noSmallDisk()) ? describe.skip : describe;

/** Writes until one is refused; what was begun is kept, to be repeated. */
async function writeUntilRefused(lethe: Pick<TestServer, 'post'>): Promise<{ attempts: Attempt[]; code: string }> {
  const attempts: Attempt[] = [];
  for (let turn = 0; turn < 400; turn++) {
    const batch = Array.from({ length: 25 }, attempt);
    attempts.push(...batch);
    const answers = await Promise.all(batch.map((one) => told(() => record(lethe, one))));
    const refused = answers.find(({ status }) => status !== 201);
    if (!refused) continue;
    expect(refused).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[1-9]/) });
    return { attempts, code: refused.code };
  }
  throw new Error('nothing was refused');
}

/** Each of them, whatever it was told; then every leaf, root and row by the service's own audit, and no consent besides. */
async function expectAllOnce(
  lethe: Pick<TestServer, 'post'>,
  attempts: Attempt[],
  { app, parts }: RunningServer,
  tenant: TenantId,
): Promise<void> {
  await Promise.all(attempts.map((one) => untilWell(() => record(lethe, one))));
  const again = await Promise.all(attempts.map((one) => record(lethe, one)));
  expect(
    again.filter(({ status, headers }) => status !== 201 || headers.get('idempotency-replayed') !== 'true'),
  ).toEqual([]);
  const lock = new FileCheckpointLock(checkpointFolder(parts.config));
  const audited = { database: parts.database, reader: parts.reader, lock };
  expect(await app.get(StoreAudit, { strict: false }).audit(audited, true)).toEqual([]);
  expect(await readOfType(parts.database, tenant, 'ConsentRecorded.v1')).toHaveLength(attempts.length);
}

onRoot('the disk of PostgreSQL is full', () => {
  let disk: SmallDisk;
  let cluster: OwnCluster;
  let lethe: TestServer;

  beforeAll(async () => {
    disk = await SmallDisk.mount(224);
    const settings = { max_wal_size: '64MB', min_wal_size: '32MB', checkpoint_timeout: '30s' };
    cluster = await OwnCluster.start(settings, `${disk.folder}/cluster`);
    lethe = await startTestServer({ clusters: { ledger: cluster.url }, environment: { LETHE_LOG_LEVEL: 'silent' } });
    await declare(lethe);
  }, 240_000);
  afterAll(async () => {
    await disk?.empty();
    await lethe?.close();
    await cluster?.close();
    await disk?.close();
  }, 60_000);

  it('appends are refused, and go on by themselves when there is room again', async () => {
    const before = attempt();
    expect((await record(lethe, before)).status).toBe(201);
    await disk.fill(64 * 1024);
    const filled = performance.now();
    const { attempts, code } = await writeUntilRefused(lethe);
    const detectedMs = performance.now() - filled;
    const whileFull = await told(() => check(lethe, before));
    await disk.empty();
    const emptied = performance.now();
    // Without room for its log PostgreSQL ends, perhaps only now; whoever runs it starts it again, as systemd does.
    let died = false;
    await untilWell(async () => {
      if (!cluster.alive) {
        died = true;
        await cluster.again();
      }
      return record(lethe, attempts.at(-1)!);
    }, PATIENCE_MS);
    const healedMs = performance.now() - emptied;
    expect(['read-only', 'database-unavailable']).toContain(code);
    expect([200, 503]).toContain(whileFull.status);
    expect(whileFull.tookMs).toBeLessThan(BOUND_MS);
    await expectAllOnce(lethe, [before, ...attempts], lethe.server, lethe.tenant.tenant.id);
    process.stdout.write(
      `PostgreSQL's disk full: refused as ${code} after ${Math.round(detectedMs)} ms, a check meanwhile ${whileFull.status}, healed after ${Math.round(healedMs)} ms${died ? ', with a start of PostgreSQL' : ''}\n`,
    );
  }, 300_000);
});

onRoot('the disk of the embedded database runs full', () => {
  let disk: SmallDisk;
  let server: RunningServer;
  let keys: BootstrappedTenant['keys'];
  let tenant: TenantId;

  beforeAll(async () => {
    disk = await SmallDisk.mount(512);
    server = await startServer(
      readConfig({
        PORT: '0',
        LETHE_DATA_DIR: `${disk.folder}/data`,
        LETHE_KEY_DIR: `${disk.folder}/keys`,
        LETHE_LOG_LEVEL: 'silent',
        LETHE_LOAD_SHEDDING: 'off',
      }),
    );
    const place = { territory: 'DE-BE', timeZone: 'Europe/Berlin' };
    const made = await bootstrapTenant(server.app, { name: 'Test shop', mode: 'test', ...place });
    ({ keys } = made);
    tenant = made.tenant.id;
    await declare(service);
  }, 240_000);
  afterAll(async () => {
    await disk?.empty();
    await server?.close();
    await disk?.close();
  }, 60_000);

  const send = async (method: string, path: string, body: unknown, call: TestCall = {}): Promise<TestAnswer> => {
    const headers = {
      authorization: `Bearer ${keys[call.as ?? 'officer']}`,
      'content-type': 'application/json',
      'idempotency-key': randomBytes(12).toString('hex'),
      ...call.headers,
    };
    const init = method === 'GET' ? { headers } : { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(server.baseUrl + path, init);
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const service: Pick<TestServer, 'get' | 'post' | 'put'> = {
    get: (path, call) => send('GET', path, undefined, call),
    post: (path, body, call) => send('POST', path, body, call),
    put: (path, body, call) => send('PUT', path, body, call),
  };

  /** Process id of the one that serves now. */
  async function postmaster(): Promise<number> {
    const { rows } = await server.parts.database.global<{ pid: number }>({ text: 'SELECT pg_backend_pid() AS pid' });
    const stat = await readFile(`/proc/${rows[0]?.pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    // A server process that has lost its parent for a moment is nobody's proof.
    const isPostgres = (await readFile(`/proc/${parent}/cmdline`, 'utf8')).includes('postgres');
    if (!isPostgres) throw new Error('PostgreSQL has ended');
    return parent;
  }

  it('nothing is recorded below the least room, consent is still checked, and room heals it', async () => {
    const before = attempt();
    expect((await record(service, before)).status).toBe(201);
    await disk.fill(96 * MIB);
    const filled = performance.now();
    const { attempts, code } = await writeUntilRefused(service);
    const detectedMs = performance.now() - filled;
    expect(code).toBe('read-only');
    const asked = performance.now();
    expect((await check(service, before)).body).toMatchObject({ decision: 'permit' });
    expect(performance.now() - asked).toBeLessThan(BOUND_MS);
    expect((await service.get('/readyz')).body).toMatchObject({ code: 'read-only', reasons: [{ code: 'read-only' }] });
    const emptied = performance.now();
    await disk.empty();
    await untilWell(() => record(service, attempts.at(-1)!), PATIENCE_MS);
    const healedMs = performance.now() - emptied;
    expect(server.parts.database.available).toBe(true);
    await expectAllOnce(service, [before, ...attempts], server, tenant);
    process.stdout.write(
      `embedded disk: read-only after ${Math.round(detectedMs)} ms with PostgreSQL unharmed, healed after ${Math.round(healedMs)} ms\n`,
    );
  }, 300_000);

  it('a killed embedded PostgreSQL is started again, and nothing acknowledged is lost', async () => {
    const before = attempt();
    expect((await record(service, before)).status).toBe(201);
    const first = await postmaster();
    const killed = performance.now();
    process.kill(first, 'SIGKILL');
    // Another one serves. (A call may have waited for it, so that nobody was refused.)
    await until('another PostgreSQL', async () => (await postmaster().catch(() => first)) !== first, PATIENCE_MS);
    await untilWell(() => record(service, attempt()), PATIENCE_MS);
    const healedMs = performance.now() - killed;
    expect((await check(service, before)).body).toMatchObject({ decision: 'permit' });
    process.stdout.write(`embedded PostgreSQL killed: serves again after ${Math.round(healedMs)} ms\n`);
  }, 300_000);
});
