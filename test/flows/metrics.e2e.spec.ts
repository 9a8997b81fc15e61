/** The gauges tell the truth: each condition is planted, and read on the admin port as a scraper reads it. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import { KeyStore, rotateEpoch } from '#subjects';
import { documented } from '../support/documented.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

let lethe: TestServer;
let tenant: string;

beforeAll(async () => {
  lethe = await startTestServer({
    environment: {
      ...{ LETHE_ADMIN_PORT: '0', LETHE_LOAD_SHEDDING: 'on', LETHE_ROLES: 'api', LETHE_LOG_LEVEL: 'silent' },
      LETHE_DRAIN_LEAST_SECONDS: '0',
    },
  });
  tenant = lethe.tenant.tenant.id;
});
afterAll(() => lethe.close());

async function ask(path: string): Promise<{ status: number; type: string; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${lethe.server.adminPort}${path}`);
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
}

/** Value of one series, as it is written; undefined when absent. */
async function read(series: string): Promise<number | undefined> {
  const { text } = await ask('/metrics');
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** Its value once `is` holds, or its last one: readings of tenants are kept ten times as long as they take. */
async function reads(series: string, is: (value: number | undefined) => boolean): Promise<number | undefined> {
  for (const end = performance.now() + 10_000; ; await sleep(50)) {
    const value = await read(series);
    if (is(value) || performance.now() > end) return value;
  }
}

const becomes = (series: string, value: number): Promise<number | undefined> => reads(series, (now) => now === value);

async function plantRequest(status: string, dueOn: string): Promise<void> {
  await lethe.superuser.query(
    `INSERT INTO request_summary (tenant, id, type, status, subject, verified, received_at, received_on, due_on, state)
     VALUES ($1, $2, 'erasure', $3, $2, true, now(), current_date, $4, '{}')`,
    [tenant, randomUUID(), status, dueOn],
  );
}

/** Names in the rules and in the table; a histogram is asked by `_bucket`, `_sum` and `_count`. */
function namesIn(text: string): Set<string> {
  const names = text.match(/\b(?:lethe|process|nodejs)_[a-z_]+(?![a-z_]*\.)/g) ?? [];
  return new Set(names.map((name) => name.replace(/_seconds_(bucket|sum|count)$/, '_seconds')));
}

describe('the admin port', () => {
  it('serves metrics, health and readiness, and nothing else', async () => {
    expect(await ask('/metrics')).toMatchObject({ status: 200, type: expect.stringContaining('text/plain') });
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(200);
    expect(await ask('/v1/whoami')).toMatchObject({ status: 404, type: 'application/problem+json' });
    expect((await fetch(`${lethe.server.baseUrl}/metrics`)).status).toBe(404);
  });

  it('counts overdue and incomplete requests', async () => {
    expect(await read('lethe_requests_overdue')).toBe(0);
    await plantRequest('acting', '2001-01-01');
    await plantRequest('closed', '2001-01-01');
    await plantRequest('incomplete', '2999-01-01');
    expect(await becomes('lethe_requests_overdue', 1)).toBe(1);
    expect(await becomes('lethe_requests_incomplete', 1)).toBe(1);
  });

  it('counts jobs that nobody has seen to', async () => {
    expect(await read('lethe_jobs_dead')).toBe(0);
    // What was handed to somebody is a task with a day of its own.
    for (const state of ['manual', 'dead'])
      await lethe.superuser.query(
        `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, attempts, created_at, finished_at)
         VALUES ($1, $2, 'q', 'k', '{}', $3, now(), 1, now(), now())`,
        [tenant, randomUUID(), state],
      );
    expect(await becomes('lethe_jobs_dead', 1)).toBe(1);
  });

  it('counts packages that are still there after their day, and not those that may be collected', async () => {
    expect(await read('lethe_packages_undeleted')).toBe(0);
    for (const hours of [-1, 1])
      await lethe.superuser.query(
        `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, created_at)
         VALUES ($1, $2, 'package-expiry', '', $3, 'ready', now() + interval '1 hour', now())`,
        [
          tenant,
          randomUUID(),
          JSON.stringify({ expiresAt: new Date(lethe.clock.now().getTime() + hours * 3_600_000).toISOString() }),
        ],
      );
    expect(await becomes('lethe_packages_undeleted', 1)).toBe(1);
  });

  it('counts quarantined plugins', async () => {
    expect(await read('lethe_plugins_quarantined')).toBe(0);
    await lethe.superuser.query(
      `INSERT INTO plugin_quarantine (tenant, connection, content_hash, plugin_id, plugin_version, why, since)
       VALUES ($1, $2, 'h', 'p', '1.0.0', 'failed', now())`,
      [tenant, randomUUID()],
    );
    expect(await becomes('lethe_plugins_quarantined', 1)).toBe(1);
  });

  it('tells how far a subscription is behind, in events and in seconds, and since when nothing was signed', async () => {
    const nothing = (): Promise<void> => Promise.resolve();
    lethe.server.parts.subscriptions.project({ name: 'planted', apply: nothing, reset: nothing });
    // The other one is of an archive that was switched off, or of a projection that has another name now.
    await lethe.superuser.query(
      `INSERT INTO cursor (tenant, name, position, updated_at) SELECT $1, name, 0, now() FROM unnest($2::text[]) AS n(name)`,
      [tenant, ['planted', 'ended']],
    );
    const { size } = await lethe.server.parts.store.head(lethe.tenant.tenant.id);
    lethe.clock.advance(5 * 60_000);
    expect(await becomes('lethe_projection_lag_events{subscription="planted"}', size)).toBe(size);
    expect(await read('lethe_projection_lag_seconds{subscription="planted"}')).toBeGreaterThanOrEqual(300);
    expect(await read('lethe_projection_lag_events{subscription="ended"}')).toBeUndefined();
    expect(await read('lethe_checkpoint_age_seconds')).toBeGreaterThanOrEqual(300);
    await lethe.server.parts.signer.round();
    expect(await becomes('lethe_checkpoint_age_seconds', 0)).toBe(0);
  });

  it('tells the age of the last backup by part, and nothing while there was none', async () => {
    expect(await read('lethe_backup_age_seconds{part="keys"}')).toBeUndefined();
    await lethe.superuser.query(`INSERT INTO installation_mark (name, detail, set_at) VALUES ('backup-keys', '', $1)`, [
      new Date(lethe.clock.now().getTime() - 3_600_000),
    ]);
    expect(await read('lethe_backup_age_seconds{part="keys"}')).toBeCloseTo(3_600, 0);
  });

  it('tells for how long a key epoch has had no backup of the key store', async () => {
    const unbacked = (): Promise<number | undefined> => read('lethe_key_epoch_unbacked_seconds');
    const keyStore = lethe.server.app.get(KeyStore);
    await keyStore.keyFor(lethe.tenant.tenant.id, newId() as SubjectId, 'identity');
    const backUp = (): Promise<unknown> =>
      lethe.superuser.query(
        `INSERT INTO installation_mark (name, detail, set_at) VALUES ('backup-keys', '', $1)
         ON CONFLICT (name) DO UPDATE SET set_at = excluded.set_at`,
        [lethe.clock.now()],
      );
    lethe.clock.advance(60_000);
    await backUp();
    expect(await unbacked()).toBe(0);
    lethe.clock.advance(60_000);
    await rotateEpoch(keyStore);
    lethe.clock.advance(120_000);
    expect(await unbacked()).toBeCloseTo(120, 0);
    await backUp();
    expect(await unbacked()).toBe(0);
    // A backup from before the last key was wrapped anew needs the old epoch, too.
    lethe.clock.advance(60_000);
    const tell = (step: string): void => {
      if (step === 'old-epochs-retired') throw new Error('crash');
    };
    await expect(rotateEpoch(keyStore, { tell })).rejects.toThrow('crash');
    lethe.clock.advance(60_000);
    await backUp();
    lethe.clock.advance(60_000);
    await rotateEpoch(keyStore, { begin: false });
    expect(await unbacked()).toBeCloseTo(120, 0);
    lethe.clock.advance(60_000);
    await backUp();
    expect(await unbacked()).toBe(0);
  });

  it('counts appends, flushes, waits for connections and the process', async () => {
    const before = await read('lethe_events_appended_total');
    await lethe.put('/v1/purposes/metric', { name: 'n', legalBasis: 'consent', model: 'opt-in' }, { as: 'admin' });
    expect(await read('lethe_events_appended_total')).toBeGreaterThan(before ?? 0);
    expect(await read('lethe_flush_seconds_count')).toBeGreaterThan(0);
    expect(await read('lethe_database_wait_seconds_count{database="ledger",pool="reads"}')).toBeGreaterThan(0);
    expect(await read('lethe_append_queue_length')).toBe(0);
    expect(await read('lethe_database_up{database="keystore"}')).toBe(1);
    expect(await read('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  });

  it('measures calls by the template of the route, and says nothing of the URL', async () => {
    await lethe.get(`/v1/subjects/${randomUUID()}/consents?canary=person`);
    await lethe.get('/v1/no-such-canary');
    const { text } = await ask('/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith('lethe_http_request_seconds_count'));
    expect(lines.filter((line) => line.includes('method="GET",route="/v1/subjects/:id/consents"'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('route="none",status="404"'))).toHaveLength(1);
    expect(text.split('\n').filter((line) => /canary|@/.test(line))).toEqual([]);
  });

  it('names what the process refuses, here and in the readiness', async () => {
    const { state } = lethe.server.parts;
    state.refuse('read-only', 'planted');
    expect(await read('lethe_refusing_state{code="read-only"}')).toBe(1);
    const answer = await ask('/readyz');
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, 'read-only']);
    state.clear('read-only');
    expect(await read('lethe_refusing_state{code="read-only"}')).toBeUndefined();
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('shows a late event loop', async () => {
    for (let turn = 0; turn < 8; turn++) {
      const end = performance.now() + 300;
      while (performance.now() < end);
      await sleep(1);
    }
    const { text } = await ask('/metrics');
    expect(Number(/^lethe_event_loop_delay_seconds (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(0.05);
    expect(Number(/^lethe_load_level (\d)$/m.exec(text)?.[1])).toBeGreaterThan(0);
  });

  it('every series that an alert asks for exists, and docs/operations.md lists every one', async () => {
    const known = (await lethe.server.parts.metrics.registry.getMetricsAsJSON()).map(({ name, help }) => ({
      name,
      help,
    }));
    const names = new Set(known.map(({ name }) => name));
    const rules = readFileSync('apps/server/deploy/lethe.rules.yml', 'utf8').replaceAll(/^\s*#.*$/gm, '');
    expect([...namesIn(rules)].filter((name) => !names.has(name))).toEqual([]);
    expect(namesIn('lethe_misspelt_total > 0')).toEqual(new Set(['lethe_misspelt_total']));
    const rows = known.map(({ name, help }) => `| \`${name}\` | ${help} |`).sort();
    expect(documented('docs/operations.md', 'metrics', ['| series | meaning |', '|---|---|', ...rows])).toBe('');
  });

  it('says not ready from the first moment of the end', async () => {
    const drained = lethe.server.drain();
    const { status, text } = await ask('/readyz');
    expect([status, JSON.parse(text).code]).toEqual([503, 'draining']);
    await drained;
  });
});
