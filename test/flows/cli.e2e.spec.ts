/** The verbs of operators, on databases of their own: from nothing to a tenant, and a doctor that is right in both directions. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { schemas } from '../../apps/server/src/schemas.js';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { createTestDatabase, type TestDatabase } from '../support/test-database.js';

describe('the command line', () => {
  let folder: string;
  let ledger: TestDatabase;
  let keystore: TestDatabase;
  let environment: Record<string, string>;
  let keys = '';

  const lethe = async (words: string[], changes: Record<string, string> = {}) => {
    const out: string[] = [];
    const terminal = {
      say: (line: string) => out.push(line),
      complain: (line: string) => out.push(line),
      environment: { ...environment, ...changes },
    };
    const status = await runVerb(words, terminal as never);
    return { status, out: out.join('\n') };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-cli-'));
    // Tables are not made here: that is the first verb's work.
    ledger = await createTestDatabase([]);
    keystore = await createTestDatabase([]);
    environment = {
      DATABASE_URL: ledger.urls.appUrl,
      LETHE_KEYSTORE_URL: keystore.urls.appUrl,
      LETHE_DATA_DIR: join(folder, 'data'),
      LETHE_KEY_DIR: join(folder, 'keys'),
    };
  });
  afterAll(async () => {
    await ledger.drop();
    await keystore.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const owners = (): Record<string, string> => ({
    LETHE_MIGRATION_URL: ledger.urls.ownerUrl,
    LETHE_KEYSTORE_MIGRATION_URL: keystore.urls.ownerUrl,
  });

  it('doctor says before anything was done that the schema is missing, and what to do', async () => {
    const { status, out } = await lethe(['doctor']);
    expect(status).toBe(1);
    expect(out).toMatch(new RegExp(`PROBLEM {2}ledger: ${schemas.ledger.length} migrations are missing`));
    expect(out).toMatch(/-> lethe migrate/);
  });

  it('migrate needs the owner, then brings both databases to this build, and once more changes nothing', async () => {
    expect(await lethe(['migrate'])).toMatchObject({ status: 2 });
    expect((await lethe(['migrate'], owners())).out).toMatch(/ledger: applied .*0010-ledger/);
    expect((await lethe(['migrate'], owners())).out).toBe('ledger: current\nkey store: current');
  });

  it('bootstrap makes nothing in a place or a time that there is not', async () => {
    const [place, time] = [
      await lethe(['bootstrap', '--name', 'A controller', '--territory', 'XX']),
      await lethe(['bootstrap', '--name', 'A controller', '--time-zone', 'Europe/Berln']),
    ];
    expect([place, time]).toMatchObject([
      { status: 2, out: expect.stringMatching(/--territory takes/) },
      { status: 2, out: expect.stringMatching(/--time-zone takes/) },
    ]);
    const { rows } = await ledger.superuser.query('SELECT id FROM tenant');
    expect(rows).toEqual([]);
  });

  it('bootstrap makes a tenant and prints its keys once', async () => {
    const made = await lethe(['bootstrap', '--name', 'A controller', '--mode', 'test', '--territory', 'DE-BE']);
    expect(made.status).toBe(0);
    expect(made.out.match(/lethe_test_[0-9a-f_]+/g)).toHaveLength(5);
    keys = made.out;
    const second = await lethe(['bootstrap', '--name', 'A controller']);
    expect(second).toMatchObject({ status: 2, out: expect.stringMatching(/--again/) });
  });

  it('doctor is content now', async () => {
    const { status, out } = await lethe(['doctor']);
    expect(out).toMatch(/Nothing must be done\.$/);
    expect(status).toBe(0);
  });

  it('doctor tells lag by age, names who is behind, and wants backups; all of it planted', async () => {
    const { rows } = await ledger.superuser.query<{ tenant: string }>('SELECT tenant FROM log_head');
    const cursor = `INSERT INTO cursor (tenant, name, position, updated_at) VALUES ($1, 'planted', 0, now())`;
    await ledger.superuser.query(cursor, [rows[0]?.tenant]);
    expect((await lethe(['doctor'])).out).toMatch(/ok {7}projections have read everything, or are about to/);
    const marks = `INSERT INTO installation_mark (name, detail, set_at) SELECT n, '', now() - interval '3 days' FROM unnest($1::text[]) AS m(n)`;
    await ledger.superuser.query(marks, [['backup-ledger', 'backup-keys']]);
    await ledger.superuser.query(`UPDATE event SET recorded_at = recorded_at - interval '1 hour' WHERE position = 0`);
    const { status, out } = await lethe(['doctor']);
    expect(status).toBe(1);
    expect(out).toMatch(/PROBLEM {2}planted is \d+ events behind, the oldest 36\d\d s old/);
    expect(out).toMatch(/PROBLEM {2}the older of the backups of ledger and key store is 72 hours old/);
    await ledger.superuser.query(`UPDATE event SET recorded_at = recorded_at + interval '1 hour' WHERE position = 0`);
    await ledger.superuser.query(`DELETE FROM cursor WHERE name = 'planted'`);
    await ledger.superuser.query(`UPDATE installation_mark SET set_at = now()`);
    expect((await lethe(['doctor'])).out).toMatch(/Nothing must be done\.$/);
  });

  it('doctor says which isolation is reached here, and objects when more is demanded', async () => {
    expect((await lethe(['doctor'])).out).toMatch(
      /ok {7}plugins reach the level process: each a process under .*network/,
    );
    const demanding = await lethe(['doctor'], { LETHE_MIN_ISOLATION: 'sandbox' });
    expect(demanding).toMatchObject({
      status: 1,
      out: expect.stringMatching(/PROBLEM {2}plugins reach the level process/),
    });
  });

  it('doctor objects to a role that owns the tables, and to a superuser', async () => {
    const owner = await lethe(['doctor'], { DATABASE_URL: ledger.urls.ownerUrl });
    expect(owner).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM {2}ledger: .*owns the tables/) });
    const superuser = new URL(process.env['LETHE_TEST_PG_URL']!);
    superuser.pathname = new URL(ledger.urls.appUrl).pathname;
    const all = await lethe(['doctor'], { DATABASE_URL: superuser.toString() });
    expect(all).toMatchObject({ status: 1, out: expect.stringMatching(/superuser/) });
  });

  it('doctor objects to keys that others can read, a silent database, and an unknown setting', async () => {
    await chmod(join(folder, 'keys'), 0o755);
    expect(await lethe(['doctor'])).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM {2}keys: .*0700/) });
    await chmod(join(folder, 'keys'), 0o700);
    const silent = await lethe(['doctor'], { DATABASE_URL: 'postgres://nobody:hidden@127.0.0.1:1/none' });
    expect(silent).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM {2}database/) });
    expect(silent.out).not.toMatch(/hidden/);
    expect((await lethe(['doctor'], { LETHE_PROT: '1' })).out).toMatch(/LETHE_PROT/);
  });

  it('doctor objects to a job that gave up', async () => {
    const plant = `INSERT INTO job (tenant, id, queue, concurrency_key, payload, state, run_at, created_at)
      SELECT id, gen_random_uuid(), 'planted', '', '{}', 'dead', now(), now() FROM tenant`;
    await ledger.superuser.query(plant);
    expect(await lethe(['doctor'])).toMatchObject({
      status: 1,
      out: expect.stringMatching(/PROBLEM {2}1 jobs gave up/),
    });
    await ledger.superuser.query(`DELETE FROM job WHERE queue = 'planted'`);
    expect(await lethe(['doctor'])).toMatchObject({ status: 0 });
  });

  it('doctor names what stops the service, by what is stored and by what a running one says, and not who lags for it', async () => {
    const mark = `INSERT INTO installation_mark (name, detail, set_at) VALUES ('quarantined', '', now())`;
    await ledger.superuser.query(mark);
    const stopped = await lethe(['doctor']);
    expect(stopped).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM .*quarantined\n.*lethe replay/) });
    expect(stopped.out).not.toMatch(/projections|events behind/);
    await ledger.superuser.query(`DELETE FROM installation_mark WHERE name = 'quarantined'`);
    const running = createServer((_, answer) => {
      answer.writeHead(503).end(JSON.stringify({ reasons: [{ code: 'read-only', detail: 'Make room.' }] }));
    }).listen(0, '127.0.0.1');
    await once(running, 'listening');
    const told = await lethe(['doctor'], { LETHE_ADMIN_PORT: String((running.address() as AddressInfo).port) });
    running.close();
    expect(told).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM .*read-only\n.*Make room/) });
    expect((await lethe(['doctor'])).status).toBe(0);
  });

  it('doctor wants a backup of the key store from after its newest epoch', async () => {
    const backedUp = (at: string) => ledger.superuser.query(`UPDATE installation_mark SET set_at = ${at}`);
    await backedUp(`now() - interval '1 hour'`);
    const late = await lethe(['doctor']);
    expect(late).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM .*epoch.*in no backup/) });
    await backedUp('now()');
    expect((await lethe(['doctor'])).status).toBe(0);
  });

  it('doctor tries the archive folder', async () => {
    const archive = (path: string) => lethe(['doctor'], { LETHE_ARCHIVE_URL: `file://${path}` });
    expect(await archive('/dev/null/archive')).toMatchObject({
      status: 1,
      out: expect.stringMatching(/PROBLEM {2}archive folder cannot be written \(ENOTDIR\)/),
    });
    expect(await archive(join(folder, 'archive'))).toMatchObject({ status: 0 });
    expect(await readdir(folder)).not.toContain('archive');
  });

  it('doctor notes API keys that end soon', async () => {
    expect((await lethe(['doctor'])).out).toMatch(/ok {7}no API key ends within 30 days/);
    await ledger.superuser.query(`UPDATE credential SET expires_at = now() + interval '29 days' WHERE label = 'admin'`);
    const { status, out } = await lethe(['doctor']);
    expect([status, out]).toEqual([0, expect.stringMatching(/note {5}1 API keys end within 30 days, the first on 20/)]);
  });

  it('doctor says that logs are signed under another name, and that keys are elsewhere', async () => {
    const id = randomUUID();
    const heads = join(folder, 'heads', id);
    await mkdir(heads, { recursive: true });
    await writeFile(join(heads, '000000000001'), `elsewhere/${id}\n1\n`);
    const named = await lethe(['doctor'], { LETHE_CHECKPOINT_LOCK: join(folder, 'heads') });
    expect(named).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM .*LETHE_LOG_NAME=elsewhere/) });
    const keyless = await lethe(['doctor'], { LETHE_KEY_DIR: join(folder, 'no-keys') });
    expect(keyless).toMatchObject({ status: 1, out: expect.stringMatching(/PROBLEM .*key-unavailable/) });
  });

  it('rebuild reads every projection again, and does not invent one', async () => {
    const { status, out } = await lethe(['rebuild']);
    expect(status).toBe(0);
    expect(out).toMatch(/read \d+ events/);
    expect(await lethe(['rebuild', '--projection', 'no-such'])).toMatchObject({ status: 2 });
  });

  it('sends a key only where it belongs', async () => {
    const file = join(folder, 'key');
    await writeFile(file, /admin +(\S+)/.exec(keys)?.[1] ?? '', { mode: 0o600 });
    const seen: (string | undefined)[] = [];
    const stranger = createServer((call, answer) => {
      seen.push(call.headers.authorization);
      answer.end('{}');
    }).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    expect((await lethe(['plugin', 'list', '--url', `http://127.0.0.1:${port}`])).out).toMatch(/no key/);
    stranger.close();
    expect(seen).toEqual([undefined]);
    expect((await lethe(['plugin', 'list', '--url', 'http://127.0.0.1:1'])).out).toMatch(/does not answer/);
    const silent = await lethe(['plugin', 'list', '--url', 'http://127.0.0.1:1', '--key-file', file]);
    expect(silent).toMatchObject({ status: 1 });
  });
});
