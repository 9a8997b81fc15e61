/** The story that `npm start` tells, told to a server in this process: every chapter once, and its documents are there. */
import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DuckDBInstance } from '@duckdb/node-api';
import { unzipSync } from 'fflate';
import { Client } from 'pg';
import { startPostgres } from '#scripts/postgres.mjs';
import { differences } from '../../libs/plugin-kit/src/conformance-shop.js';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { openShop, SHOP_TABLES } from '../../apps/cli/src/demo-shop.js';
import { demoClusterDir, ensureKeys } from '../../apps/server/src/demo.js';
import { readDemoFile, writeDemoFile, type DemoFile } from '../../apps/server/src/demo-file.js';
import { people } from '../../apps/server/src/demo-people.js';
import { startTestServer, type TestServer } from '../support/test-server.js';

type Rows = Map<string, string>;

describe('the story', () => {
  let server: TestServer;
  let cluster: Awaited<ReturnType<typeof startPostgres>>;
  let seeded: Rows;
  let told: { status: number; text: string };

  const tell = async (environment: Record<string, string> = {}): Promise<{ status: number; text: string }> => {
    const lines: string[] = [];
    const terminal = {
      say: (line: string) => lines.push(line),
      complain: (line: string) => lines.push(line),
      environment: { LETHE_DATA_DIR: server.dataDir, ...environment },
    };
    const status = await runVerb(['demo'], terminal as never);
    return { status, text: lines.join('\n') };
  };
  const demoFile = async (): Promise<DemoFile> => {
    await ensureKeys(server.server.parts.config, server.server);
    return (await readDemoFile(server.dataDir))!;
  };
  const document = (name: string): string => join(server.dataDir, 'demo', 'out', name);

  /** Every row of the shop, by table and key. */
  const shopRows = async (): Promise<Rows> => {
    const url = new URL(cluster.url);
    url.pathname = '/shop';
    const client = new Client({ connectionString: url.toString() });
    await client.connect();
    const rows: Rows = new Map();
    for (const table of SHOP_TABLES) {
      const found = await client.query<{ id: number; row: string }>(
        `SELECT id, to_jsonb(t)::text AS row FROM ${table} t`,
      );
      for (const { id, row } of found.rows) rows.set(`${table}/${id}`, row);
    }
    await client.end();
    return rows;
  };

  beforeAll(async () => {
    server = await startTestServer();
    cluster = await startPostgres({ dataDir: demoClusterDir(server.dataDir), fast: true });
    await demoFile();
    await openShop(cluster.url, 'abc');
    seeded = await shopRows();
    told = await tell();
  }, 120_000);
  afterAll(async () => {
    await server.close();
    await cluster.stop('immediate');
    if (cluster.movedTo) await rm(cluster.movedTo, { recursive: true, force: true });
    await rm(server.dataDir, { recursive: true, force: true });
  });

  it('is told to its end, chapter after chapter', () => {
    expect(told.text).toMatch(/The story is told/);
    expect(told.status).toBe(0);
    expect(told.text.match(/^\d\. .+$/gm)).toHaveLength(7);
    expect(told.text).toMatch(/checked: +permit[^]*checked: +deny \(consent-withdrawn\)/);
    expect(told.text).toMatch(/closed: +fulfilled-with-retention/);
    expect(told.text).toMatch(/CERTIFICATE VERIFIED/);
    expect(told.text).toMatch(/invoices +1 retained +§ 14b.*until 2032-12-31/);
  });

  it('needs no key that the file does not hold: whoever approved cannot attest, and a third officer is there', async () => {
    const { keys } = await demoFile();
    expect(Object.keys(keys)).toEqual(['admin', 'officer', 'officer2', 'auditor', 'system', 'archivist']);
    expect((await server.get('/v1/admin/members', { key: keys.admin })).body.items).toHaveLength(5);
    expect((await server.get('/v1/whoami', { key: keys.archivist })).status).toBe(200);
    // An expired file: the same person, with a new key.
    await rm(join(server.dataDir, 'demo.json'));
    const again = await demoFile();
    expect(again.keys.archivist).not.toBe(keys.archivist);
    expect((await server.get('/v1/admin/members', { key: again.keys.admin })).body.items).toHaveLength(5);
  });

  it('leaves documents that only their owner can read', async () => {
    for (const name of ['consent-receipt.json', 'access-entry.tlog-proof', 'access-package.zip', 'certificate.json'])
      expect((await stat(document(name))).mode & 0o777).toBe(0o600);
    expect(await readFile(document('erasure-answer.html'), 'utf8')).toMatch(/<html/);
  });

  it('handed over the person’s records and none of the near twins', async () => {
    const parts = Object.values(unzipSync(new Uint8Array(await readFile(document('access-package.zip')))));
    const text = parts.map((part) => Buffer.from(part).toString('utf8')).join('\n');
    expect(text).toContain(people.main.email);
    expect(text).toContain(people.main.warehouseEmail);
    const twins = [people.sameName, people.samePhone, ...people.household];
    for (const { email, customerNumber } of twins) {
      expect(text).not.toContain(email);
      expect(text).not.toContain(customerNumber);
    }
    expect(text).not.toContain(people.guestEmail);
  });

  it('left of the person only what a law keeps, and of everybody else everything', async () => {
    const { customerId: id } = people.main;
    const lines = [`${id}0`, `${id}1`, `${id}2`, '90001'].flatMap((order) => [`${order}0`, `${order}1`]);
    const gone = [
      ...[`customers/${id}`, `addresses/${id}`, `newsletter_subscribers/${id}`, `invoices/${id}0`],
      ...[`${id}0`, `${id}1`, `${id}2`, '90001'].map((order) => `orders/${order}`),
      ...lines.map((line) => `order_items/${line}`),
    ];
    // Invoices under the duty are stripped, reviews lose their author (three of others by the retention policy), cards one name.
    const changed = [
      ...[`invoices/${id}1`, `invoices/${id}2`, `reviews/${10_000 + id}`, 'gift_cards/1', 'gift_cards/2'],
      ...['reviews/20001', 'reviews/20002', 'reviews/20003'],
    ];
    const expected = [...gone.map((name) => `-${name}`), ...changed.map((name) => `~${name}`)];
    expect(new Set(differences(seeded, await shopRows()))).toEqual(new Set(expected));
    const instance = await DuckDBInstance.create(join(server.dataDir, 'demo', 'warehouse.duckdb'), {
      access_mode: 'READ_ONLY',
    });
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(
      `SELECT count(*)::INTEGER AS n FROM dim_customer WHERE customer_number = '${people.main.customerNumber}'`,
    );
    expect(reader.getRowsJson()).toEqual([[0]]);
    connection.closeSync();
    instance.closeSync();
  });

  it('is not told again: a second start points at what is there and changes nothing', async () => {
    const before = await shopRows();
    const certificate = createHash('sha256')
      .update(await readFile(document('certificate.json')))
      .digest('hex');
    const again = await tell();
    expect(again).toMatchObject({
      status: 0,
      text: expect.stringMatching(/^\nThe story was told at an earlier start/),
    });
    expect(await shopRows()).toEqual(before);
    expect(
      createHash('sha256')
        .update(await readFile(document('certificate.json')))
        .digest('hex'),
    ).toBe(certificate);
  });

  it('shows no key in the log of a build machine', async () => {
    expect((await tell({ CI: 'true' })).text).not.toMatch(/lethe_test_/);
    expect((await tell()).text).toMatch(/lethe_test_/);
  });

  it('says which chapter failed and why, and does not call itself told', async () => {
    await rm(join(server.dataDir, 'demo', 'story.json'));
    const file = await demoFile();
    await writeDemoFile(server.dataDir, { ...file, keys: { ...file.keys, officer: 'lethe_test_wrong' } });
    const failed = await tell();
    expect(failed.status).toBe(1);
    expect(failed.text).toMatch(/1\. A consent.*\n +This chapter failed: 401 /);
    expect(failed.text).not.toMatch(/The story is told/);
  });
});
