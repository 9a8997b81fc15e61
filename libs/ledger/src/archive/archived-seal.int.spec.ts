/** The folder of a log in the archive is what an auditor is given: his program accepts it at every moment, and nothing else. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock, type TenantId } from '#kernel';
import { counted, createLedgerDatabase, openLog } from '../../../../test/support/ledger-fixture.js';
import type { TestDatabase } from '../../../../test/support/test-database.js';
import { logSigner, logVkey, origin, run, type Said } from '../../../../test/verify/small-log.js';
import { signCheckpoint } from '../log/checkpoint.js';
import { writeCheckpoint } from '../log/log.queries.js';
import { EventStore } from '../store/event-store.js';
import { stepProjection, type Step } from '../subscription/subscription.js';
import { ArchiveFiles } from './archive-files.js';
import { archiveProjection, archiveSeal, type ArchiveSource } from './archive.projection.js';

const source: ArchiveSource = {
  logId: async (tenant) => tenant,
  describe: async () => '{}',
  seal: () => 'sealed',
};

/** Lets the auditor look after each file, once there is a seal. */
class WatchedFiles extends ArchiveFiles {
  readonly said: Said[] = [];
  override async write(name: string, content: Buffer | string): Promise<void> {
    await super.write(name, content);
    await this.look();
  }
  override async remove(name: string): Promise<void> {
    await super.remove(name);
    await this.look();
  }
  private async look(): Promise<void> {
    if (await this.read(`${tenant}/checkpoint`)) this.said.push(await verify());
  }
}

let db: TestDatabase;
let store: EventStore;
let folder: string;
let files: WatchedFiles;
let tenant: TenantId;

beforeAll(async () => {
  db = await createLedgerDatabase();
  store = new EventStore(db.database, systemClock, () => undefined, true);
  folder = await mkdtemp(join(tmpdir(), 'lethe-seals-'));
  files = new WatchedFiles(folder);
  tenant = await openLog(store);
});
afterAll(async () => {
  await db.drop();
  await rm(folder, { recursive: true, force: true });
});

async function append(count: number): Promise<void> {
  await store.append({
    ...counted(tenant, 's'),
    events: Array.from({ length: count }, (_, at) => ({ stream: 's', type: 'Counted.v1', data: { at } })),
  });
}

/** Publishes a seal over what the log has now. */
async function sign(): Promise<void> {
  const { size, root } = await store.head(tenant);
  const note = await signCheckpoint({ origin, size, root }, logSigner);
  await db.database.transaction(tenant, (query) => writeCheckpoint(query, tenant, { size, note }, new Date()));
}

const copy = (most: number): Promise<Step> =>
  stepProjection(db.database, tenant, archiveProjection(files, source), most);
const verify = (): Promise<Said> => run('verify-log.mjs', [join(folder, tenant), '--vkey', logVkey]);

describe("a log's folder in the archive", () => {
  it('is accepted after each file, however entries, seals and copies follow each other', async () => {
    await append(60);
    await sign();
    await copy(500);
    // Sealed in the database, and copied in part.
    await append(30);
    await sign();
    await copy(20);
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringMatching(/Records recomputed +60 of 60/) });
    await copy(500);
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringMatching(/Records recomputed +90 of 90/) });
    // Copied, and sealed afterwards: the bundle is wider than the seal.
    for (const count of [1, 170, 40]) {
      await append(count);
      await copy(500);
      await sign();
    }
    await archiveSeal(files, db.database, tenant);
    expect(await verify()).toMatchObject({ code: 0, out: expect.stringMatching(/Records recomputed +301 of 301/) });
    expect(files.said.length).toBeGreaterThan(15);
    expect(files.said.filter(({ code }) => code !== 0)).toEqual([]);
  }, 60_000);

  it('is refused when a record in a bundle that is wider than its seal was changed', async () => {
    await append(9);
    await copy(500);
    const bundle = join(folder, tenant, 'tile/entries/001.p/54');
    const bytes = await readFile(bundle);
    await writeFile(bundle, Buffer.from(bytes.toString('latin1').replace('"at":3}', '"at":4}'), 'latin1'));
    const said = await verify();
    expect(said.code).toBe(1);
    expect(said.out).toContain('THE RECORDS ARE NOT THOSE THAT WERE SEALED');
    await writeFile(bundle, bytes);
    expect(await verify()).toMatchObject({ code: 0 });
  });
});
