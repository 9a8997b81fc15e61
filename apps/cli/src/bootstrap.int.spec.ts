/** `lethe bootstrap` on a PostgreSQL of somebody else's: passwords that nobody can derive, and nothing changed that was there. */
import { createHmac } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { provision } from '#platform';
import { OwnCluster } from '../../../test/support/own-cluster.js';
import { runVerb } from './run-verb.js';

const operations = join(import.meta.dirname, '../../../docs/operations.md');

let cluster: OwnCluster;

const inCluster = (name: string): string => join(cluster.dataDir, name);

async function lethe(words: string[], settings: Record<string, string> = {}): Promise<{ status: number; out: string }> {
  const said: string[] = [];
  const note = (line: string): number => said.push(line);
  const environment = { LETHE_DATA_DIR: inCluster('data'), LETHE_KEY_DIR: inCluster('keys'), ...settings };
  const status = await runVerb(words, { say: note, complain: note, environment });
  return { status, out: said.join('\n') };
}

/** As an operator does: the superuser's URL from a file. */
async function withSuperuser(words: string[], url = cluster.url): ReturnType<typeof lethe> {
  await writeFile(inCluster('superuser'), `${url}\n`);
  return lethe(['bootstrap', ...words, '--superuser-url-file', inCluster('superuser')]);
}

const settingsIn = (out: string): Record<string, string> =>
  Object.fromEntries([...out.matchAll(/^ {2}([A-Z_]+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]));

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

const mayCreateRoles = (): Promise<unknown[]> =>
  ask(cluster.url, `SELECT rolcreaterole FROM pg_roles WHERE rolname = 'lethe_owner'`);

async function clear(): Promise<void> {
  for (const name of ['lethe', 'lethe_keys']) await ask(cluster.url, `DROP DATABASE ${name}`);
  await ask(cluster.url, 'DROP ROLE lethe_owner, lethe_service, lethe_app');
}

beforeAll(async () => {
  cluster = await OwnCluster.start();
});
afterAll(() => cluster.close());

describe('bootstrap on a server without anything', () => {
  let settings: Record<string, string>;
  afterAll(clear);

  it('makes roles and databases alone where a restore is to follow', async () => {
    const { status, out } = await withSuperuser(['--roles-only']);
    expect([status, out]).toEqual([0, expect.not.stringContaining('tenant')]);
    settings = settingsIn(out);
    expect(await ask(settings['DATABASE_URL']!, `SELECT to_regclass('public.tenant') IS NULL`)).toEqual([true]);
    expect(await readdir(cluster.dataDir)).not.toContain('keys');
  });

  it('gives passwords that do not follow from the superuser’s, nor from anything that somebody knows', () => {
    for (const secret of [new URL(cluster.url).password, ''])
      for (const url of Object.values(settings).map((text) => new URL(text)))
        expect(url.password).not.toBe(createHmac('sha256', secret).update(url.username).digest('hex'));
    expect(new Set(Object.values(settings).map((text) => new URL(text).password)).size).toBe(2);
  });

  it('gives the owner no right to create roles: it may not become the server’s own account', async () => {
    expect(await mayCreateRoles()).toEqual([false]);
  });

  it('then makes the tenant on them, without a superuser', async () => {
    expect(await lethe(['bootstrap', '--name', 'A controller'], settings)).toMatchObject({ status: 0 });
  });

  it('is refused the second time and changes nothing, so that the service goes on under its URL', async () => {
    await ask(cluster.url, 'ALTER ROLE lethe_owner CREATEROLE');
    const { status, out } = await withSuperuser(['--name', 'B']);
    expect([status, out]).toEqual([1, expect.stringContaining('lethe_owner, lethe_service, lethe, lethe_keys')]);
    expect(settingsIn(out)).toEqual({});
    for (const url of Object.values(settings)) expect(await ask(url, 'SELECT 1')).toEqual([1]);
    // Of builds that gave it the right, owners lose it.
    expect(await mayCreateRoles()).toEqual([false]);
  });

  it('makes no key files in another folder than the one the key store was begun with', async () => {
    const elsewhere = { ...settings, LETHE_KEY_DIR: inCluster('elsewhere') };
    const { status, out } = await lethe(['keys', 'status'], elsewhere);
    expect([status, out]).toEqual([1, expect.stringContaining('LETHE_KEY_DIR')]);
    expect(await readdir(elsewhere.LETHE_KEY_DIR)).toEqual([]);
  });
});

describe('roles and databases made by hand', () => {
  afterAll(clear);

  it('as docs/operations.md says carry a tenant', async () => {
    const [, sql = ''] = /```sql\n([^`]*CREATE ROLE lethe_app[^`]*)```/.exec(await readFile(operations, 'utf8')) ?? [];
    const statements = sql.replaceAll('…', 'secret').split(/;.*\n/);
    for (const statement of statements.filter((text) => text.trim() !== '')) await ask(cluster.url, statement);
    const url = (username: string, pathname: string): string =>
      Object.assign(new URL(cluster.url), { username, password: 'secret', pathname }).toString();
    await rm(inCluster('keys'), { recursive: true });
    const { status, out } = await lethe(['bootstrap', '--name', 'A controller'], {
      DATABASE_URL: url('lethe_service', 'lethe'),
      LETHE_MIGRATION_URL: url('lethe_owner', 'lethe'),
      LETHE_KEYSTORE_URL: url('lethe_service', 'lethe_keys'),
      LETHE_KEYSTORE_MIGRATION_URL: url('lethe_owner', 'lethe_keys'),
    });
    expect([status, out]).toEqual([0, expect.stringContaining('tenant')]);
  });
});

describe('a server of our own', () => {
  afterAll(clear);

  it('gives the same URLs again, also to those who ask at once, and takes its owner the right to create roles', async () => {
    const prepare = (...names: string[]): Promise<unknown> => provision(cluster.url, names);
    const six = Array.from({ length: 6 });
    await Promise.all(six.map(() => prepare()));
    const first = await prepare('lethe', 'lethe_keys');
    await ask(cluster.url, 'ALTER ROLE lethe_owner CREATEROLE');
    for (const other of await Promise.all(six.map(() => prepare('lethe', 'lethe_keys')))) expect(other).toEqual(first);
    expect(await mayCreateRoles()).toEqual([false]);
  });

  it('is not one whose superuser has no password: those of the roles would be known to everybody', async () => {
    const open = Object.assign(new URL(cluster.url), { password: '' }).toString();
    await expect(provision(open, ['lethe'])).rejects.toThrow('no password');
  });
});
