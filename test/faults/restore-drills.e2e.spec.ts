/** The drills of docs/operations.md that go wrong: each ends in a sentence with what to do, and in a state nobody is served from. */
import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ArchiveFiles, archivedSize, FileCheckpointLock, parseCheckpoint, splitNote } from '#ledger';
import { FileKeys } from '#platform';
import { openBackup } from '../../apps/cli/src/backup-manifest.js';
import { restoreLedger } from '../../apps/cli/src/restore-tables.js';
import { runVerb } from '../../apps/cli/src/run-verb.js';
import { schemas } from '../../apps/server/src/schemas.js';
import { byEmail } from '../support/connected-systems.js';
import { isSkipped } from '../support/may-skip.js';
import { noSmallDisk, SmallDisk } from '../support/small-disk.js';
import { ServiceProcess } from '../support/service-process.js';

let service: ServiceProcess;
let archive: ArchiveFiles;
let backup: string;
let logId = '';
let said: string[] = [];

async function lethe(...words: string[]): Promise<[number, string]> {
  said = [];
  const note = (line: string): number => said.push(line);
  const status = await runVerb(words, { say: note, complain: note, environment: service.commandEnvironment });
  return [status, said.join('\n')];
}

async function consents(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    const { status } = await service.post(
      '/v1/consents',
      {
        subject: { identifiers: [byEmail(`p${Math.random()}@example.test`)] },
        ...{ decisions: [{ purpose: 'newsletter', decision: 'given' }], notice: { id: 'signup', version: '1' } },
        ...{ method: 'web-form', collectedAt: new Date().toISOString(), evidence: {} },
      },
      { as: 'system' },
    );
    expect(status).toBe(201);
  }
}

/** Signed and archived up to now; answers the size. */
async function settled(): Promise<number> {
  const lock = new FileCheckpointLock(join(service.dataDir, 'checkpoints'));
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(100)) {
    const { body } = await service.get('/v1/ledger', { as: 'auditor' });
    logId = body.logId;
    const head = await lock.read(logId);
    const signed = head ? parseCheckpoint(splitNote(head.note).text).size : 0;
    if (signed === body.size && (await archivedSize(archive, logId, 0)) === body.size) return body.size;
  }
  throw new Error('the log is not signed and archived');
}

async function sizeNow(): Promise<number> {
  const { rows } = await service.superusers.ledger.query<{ n: number }>('SELECT size::int AS n FROM log_head');
  return rows[0]?.n ?? 0;
}

async function isQuarantined(): Promise<boolean> {
  const { rows } = await service.superusers.ledger.query(`SELECT FROM installation_mark WHERE name = 'quarantined'`);
  return rows.length === 1;
}

/** The widest file of the archive's last entries. */
async function lastBundle(): Promise<string> {
  const folder = join(archive.folder, logId, 'tile/entries');
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const paths = names.map((one) => join(one.parentPath, one.name)).sort();
  return paths.at(-1)!;
}

beforeAll(async () => {
  service = await ServiceProcess.prepare((dataDir) => ({
    LETHE_ARCHIVE_URL: pathToFileURL(join(dataDir, 'archive')).href,
  }));
  archive = new ArchiveFiles(join(service.dataDir, 'archive'));
  backup = join(service.dataDir, 'backup');
  await service.start();
  const purpose = { name: 'Newsletter', legalBasis: 'consent', model: 'opt-in' };
  await service.put('/v1/purposes/newsletter', purpose, { as: 'admin' });
  await service.post('/v1/notices', {
    ...{ id: 'signup', version: '1', language: 'en', text: 'We send news.', purposes: ['newsletter'] },
  });
  await consents(5);
  const load = consents(20);
  expect((await lethe('backup', backup))[0]).toBe(0);
  await load;
  await consents(5);
  await settled();
  await service.end('SIGKILL');
}, 240_000);

afterAll(async () => {
  await service.close();
});

describe('a backup', () => {
  (isSkipped('a backup without room', noSmallDisk()) ? it.skip : it)(
    'without room says so, and what it left is taken for none',
    async () => {
      const disk = await SmallDisk.mount(1);
      try {
        await disk.fill(4096);
        const folder = join(disk.folder, 'backup');
        const [status, words] = await lethe('backup', folder);
        expect([status, words]).toEqual([1, expect.stringContaining('no room')]);
        await disk.empty();
        expect(await lethe('restore', folder, '--replace')).toEqual([2, expect.stringContaining('no complete backup')]);
        expect((await lethe('backup', folder))[0]).toBe(0);
      } finally {
        await disk.close();
      }
    },
  );
});

describe('a restore', () => {
  it('touches nothing when its parts are not of one installation, or of a newer build', async () => {
    const other = `${backup}-other`;
    await cp(`${backup}-keys`, other, { recursive: true });
    const manifest = JSON.parse(await readFile(join(other, 'manifest.json'), 'utf8')) as Record<string, unknown>;
    const before = await sizeNow();
    for (const [change, words] of [
      [{ keyRing: 'another' }, 'another installation'],
      [{ migrations: ['9999-future'] }, 'newer build (9999-future)'],
    ] as const) {
      await writeFile(join(other, 'manifest.json'), JSON.stringify({ ...manifest, ...change }));
      const [, answer] = await lethe('restore', backup, '--replace', '--keys', other);
      expect(answer).toContain(words);
    }
    expect(await sizeNow()).toBe(before);
    expect(await isQuarantined()).toBe(false);
  });

  it('that is killed right after its rows is in quarantine already', async () => {
    const owner = service.commandEnvironment['LETHE_MIGRATION_URL']!;
    await restoreLedger(owner, backup, await openBackup(backup, 'ledger'), schemas.ledger);
    expect(await isQuarantined()).toBe(true);
    // Begun again it needs --replace, and says so.
    expect(await lethe('restore', backup)).toEqual([2, expect.stringContaining('--replace')]);
  });

  it('names an archived file that was cut off, and goes on when a sound copy lies there', async () => {
    const path = await lastBundle();
    const bytes = await readFile(path);
    await truncate(path, bytes.length - 7);
    const [status, words] = await lethe('restore', backup, '--replace');
    expect([status, words]).toEqual([1, expect.stringMatching(/tile\/entries.* is damaged.*restore --complete/s)]);
    expect(await isQuarantined()).toBe(true);
    await writeFile(path, bytes);
    expect(await lethe('restore', '--complete')).toEqual([0, expect.stringContaining('run lethe replay')]);
    expect(await lethe('replay')).toEqual([0, expect.stringContaining('The quarantine has ended')]);
  }, 240_000);

  it('goes on without what is lost, and its archive has one history only at the next disaster', async () => {
    await service.start();
    await settled();
    await service.end('SIGKILL');
    const path = await lastBundle();
    await truncate(path, (await readFile(path)).length - 7);
    expect((await lethe('restore', backup, '--replace'))[0]).toBe(1);
    const [status, words] = await lethe('restore', '--complete', '--new-epoch');
    expect([status, words]).toEqual([0, expect.stringMatching(/set aside.*epoch 2/s)]);
    expect((await lethe('replay'))[0]).toBe(0);
    await service.start();
    await consents(3);
    const size = await settled();
    await service.end('SIGKILL');
    expect(await lethe('restore', backup, '--replace')).toEqual([0, expect.stringContaining(`${size} in all`)]);
    expect(await lethe('verify-store')).toEqual([0, expect.stringContaining('0 things changed')]);
    expect((await lethe('replay'))[0]).toBe(0);
  }, 240_000);

  it('names a log that was signed and is neither in the backup nor in the archive', async () => {
    const heads = join(service.dataDir, 'checkpoints');
    const other = '01a202ae-a868-7450-9ae0-2a069ced2a74';
    await cp(join(heads, logId), join(heads, other), { recursive: true });
    expect(await lethe('restore', '--complete')).toEqual([1, expect.stringContaining(`log ${other}: was signed`)]);
    expect(await lethe('verify-store')).toEqual([1, expect.stringContaining(`log ${other} was signed and is nowhere`)]);
    expect((await lethe('restore', '--complete', '--new-epoch'))[0]).toBe(0);
    expect(await lethe('restore', '--complete')).toEqual([0, expect.not.stringContaining(other)]);
    expect(await readdir(heads)).toEqual(expect.arrayContaining([expect.stringContaining(`${other}.set-aside-`)]));
    expect((await lethe('replay'))[0]).toBe(0);
  });

  it('without its key files, or with those of others, says that before anything is written', async () => {
    const keys = service.environment['LETHE_KEY_DIR']!;
    const before = await sizeNow();
    await rename(keys, `${keys}-away`);
    expect(await lethe('restore', backup, '--replace')).toEqual([2, expect.stringContaining('there are no keys')]);
    await FileKeys.open(keys);
    expect(await lethe('restore', backup, '--replace')).toEqual([2, expect.stringContaining('not those of this')]);
    expect([await sizeNow(), await isQuarantined()]).toEqual([before, false]);
    await rm(keys, { recursive: true });
    await rename(`${keys}-away`, keys);
  });

  it('of a lost key store alone: no service begins another one, and the ledger stays as it is', async () => {
    const { keystore } = service.superusers;
    const keys = 'SELECT count(*)::int AS n FROM subject_key';
    await keystore.query('TRUNCATE key_ring, key_epoch, key_epoch_tenant, subject_key, suppression, suppression_seal');
    await expect(service.start()).rejects.toThrow('lethe restore --complete --keys');
    const before = await sizeNow();
    const words = ['restore', '--complete', '--keys', `${backup}-keys`, '--kept', `${backup}-kept`];
    expect(await lethe(...words)).toEqual([0, expect.stringContaining('run lethe replay')]);
    expect((await keystore.query<{ n: number }>(keys)).rows[0]?.n).toBeGreaterThan(0);
    expect([await sizeNow(), await isQuarantined()]).toEqual([before, true]);
    expect(await lethe(...words)).toEqual([2, expect.stringContaining('the key store is alive')]);
    expect((await lethe('replay'))[0]).toBe(0);
    await service.start();
    await service.end('SIGTERM');
  }, 240_000);
});
