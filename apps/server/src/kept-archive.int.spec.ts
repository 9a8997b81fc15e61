/** What a restore never rolls back is copied as it comes: once, whatever there is already, and comes back from the copy. */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ChoreRun } from '#jobs';
import { newId, type TenantId } from '#kernel';
import { ArchiveFiles } from '#ledger';
import { auditSuppressions, sealSuppressions, Suppressions } from '#subjects';
import { startTestServer, type TestServer } from '../../../test/support/test-server.js';
import { bringBackKept, KeptArchive } from './kept-archive.js';

let server: TestServer;
let folder: string;
let files: ArchiveFiles;
let tenant: TenantId;
let kept: KeptArchive;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-kept-'));
  files = new ArchiveFiles(folder);
  // Without the role `worker` nobody but this spec copies.
  const environment = { LETHE_ARCHIVE_URL: pathToFileURL(folder).href, LETHE_ROLES: 'api' };
  server = await startTestServer({ environment });
  tenant = server.tenant.tenant.id;
  kept = server.server.app.get(KeptArchive, { strict: false });
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function certify(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await server.superuser.query(
      `INSERT INTO certificate (tenant, id, request, body, signature, issued_at) VALUES ($1, $2, $2, $3, '{}', now())`,
      [tenant, newId(), `body ${at}\nof two lines`],
    );
}

async function suppress(name: string, days = 1): Promise<void> {
  await server.server.app
    .get(Suppressions, { strict: false })
    .suppress(tenant, [{ type: 'email', value: `${name}@example.test` }], {
      scope: { kind: 'purpose', id: 'newsletter' },
      before: new Date(),
      expiresAt: new Date(Date.now() + days * 86_400_000),
    });
}

/** When each file was written last, by name. */
async function written(): Promise<Map<string, number>> {
  const names = await readdir(join(folder, 'kept'), { recursive: true, withFileTypes: true });
  const paths = names.filter((name) => name.isFile()).map((name) => join(name.parentPath, name.name));
  return new Map(await Promise.all(paths.map(async (path) => [path, (await stat(path)).ino] as const)));
}

describe('the copy of what is kept', () => {
  it('gets a file a certificate, and the suppressions when their seal is another one', async () => {
    await certify(3);
    await suppress('ada');
    await kept.copyAll(files);
    const first = await written();
    expect(first.size).toBe(4);
    await kept.copyAll(files);
    expect(await written()).toEqual(first);
    await certify(2);
    await kept.copyAll(files);
    const second = await written();
    expect(second.size).toBe(6);
    expect([...first].filter(([path, inode]) => second.get(path) !== inode)).toEqual([]);
    await suppress('grace');
    await kept.copyAll(files);
    const third = await written();
    expect([...second].filter(([path, inode]) => third.get(path) !== inode).map(([path]) => path)).toEqual([
      join(folder, 'kept', tenant, 'suppression.json'),
    ]);
  });

  it('is complete for a process that knows nothing yet, and brings back what is missing', async () => {
    const before = await server.superuser.query('SELECT * FROM certificate ORDER BY id');
    await server.superuser.query('DELETE FROM certificate');
    expect(await bringBackKept(server.server.parts, files, tenant)).toBe(5);
    expect((await server.superuser.query('SELECT * FROM certificate ORDER BY id')).rows).toEqual(before.rows);
    expect(await bringBackKept(server.server.parts, files, tenant)).toBe(0);
  });

  it('keeps the suppressions it had while theirs are not those that were sealed', async () => {
    const vault = server.server.parts.keystoreDatabase;
    const copy = async (): Promise<string | undefined> =>
      (await files.read(`kept/${tenant}/suppression.json`))?.toString();
    const before = await copy();
    const tamper = (text: string) => vault.transaction(tenant, (query) => query({ text, values: [tenant] }));
    await tamper('DELETE FROM suppression WHERE tenant = $1');
    await suppress('barbara');
    await kept.copyAll(files);
    expect(await copy()).toBe(before);
    await tamper('DELETE FROM suppression_seal WHERE tenant = $1');
    await tamper('DELETE FROM suppression WHERE tenant = $1');
    await kept.copyAll(files);
    expect(await copy()).toBe(before);
    expect(await bringBackKept(server.server.parts, files, tenant)).toBe(2);
  });

  it('brings back to a key store that was set back what it lost, before it is written anew', async () => {
    const { keystoreDatabase: vault, keys } = server.server.parts;
    const ask = async (text: string, ...values: unknown[]): Promise<{ rows: string }[]> =>
      (await vault.transaction(tenant, (query) => query<{ rows: string }>({ text, values: [tenant, ...values] }))).rows;
    const tables = ['suppression_seal', 'suppression'];
    const now = (table: string): Promise<{ rows: string }[]> =>
      ask(`SELECT json_agg(t ORDER BY t)::text AS rows FROM ${table} t WHERE tenant = $1`);
    await bringBackKept(server.server.parts, files, tenant);
    await sealSuppressions(vault, keys, tenant);
    await suppress('kept');
    const old = await Promise.all(tables.map(now));
    await suppress('kept', 2);
    await suppress('lost');
    await kept.copyAll(files);
    const whole = await now('suppression');
    for (const [at, table] of tables.entries()) {
      await ask(`DELETE FROM ${table} WHERE tenant = $1`);
      await ask(
        `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $2::json) WHERE tenant = $1`,
        old[at]?.[0]?.rows,
      );
    }
    expect(await auditSuppressions(vault, keys, tenant)).toEqual([]);
    await kept.copyAll(files);
    expect(await now('suppression')).toEqual(whole);
    expect(await auditSuppressions(vault, keys, tenant)).toEqual([]);
    // All of them gone with their seal: the next suppression begins another one.
    for (const table of tables) await ask(`DELETE FROM ${table} WHERE tenant = $1`);
    await suppress('new');
    await kept.copyAll(files);
    expect(JSON.parse((await now('suppression'))[0]!.rows)).toHaveLength(JSON.parse(whole[0]!.rows).length + 1);
    await ask('DELETE FROM suppression WHERE tenant = $1');
    expect(await bringBackKept(server.server.parts, files, tenant)).toBe(JSON.parse(whole[0]!.rows).length + 1);
  });

  it("is joined by the log's newest seal, of those that the archive has all entries of", async () => {
    const { logId } = await server.server.parts.store.head(tenant);
    await server.superuser.query("INSERT INTO cursor VALUES ($1, 'archive', 3, now())", [tenant]);
    for (const size of [2, 3, 4])
      await server.superuser.query(
        'INSERT INTO checkpoint (tenant, size, note, signed_at) VALUES ($1, $2, $3, now())',
        [...[tenant, size, `seal of ${size}`]],
      );
    await kept.copyAll(files);
    expect((await files.read(`${logId}/checkpoint`))?.toString()).toBe('seal of 3');
  });

  it('and its drafts: what a killed writer left is swept by a chore of every day', async () => {
    const draft = join(folder, 'kept', tenant, 'suppression.json.0a1b2c.draft');
    await writeFile(draft, 'half');
    const runs = new Map<string, ChoreRun>();
    const chores = { every: (name: string, _: number, run: ChoreRun) => void runs.set(name, run) };
    const { config } = server.server.parts;
    new KeptArchive(config, chores as never, {} as never, {} as never, {} as never).onModuleInit();
    await runs.get('archive-swept')?.(new Date(Date.now() + 25 * 3_600_000));
    await expect(stat(draft)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(join(folder, 'kept', tenant))).toContain('suppression.json');
  });
});
