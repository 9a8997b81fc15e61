/** A data folder that runs full: what does not fit is no part, no package and no manifest of one. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, TestClock } from '#kernel';
import { readConfig } from '#platform';
import { noSmallDisk, SmallDisk } from '../../../../test/support/small-disk.js';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { CaseFile } from '../case-file.js';
import type { RequestState } from '../request-state.js';
import { BuildPackage } from './package-builder.js';
import type { Contents } from './package-contents.js';
import { PackageFolder } from './package-folder.js';
import { PackageParts } from './package-parts.js';
import { sealWhole } from './package-seal.js';

const KIB = 1024;
const impossible = noSmallDisk();
if (impossible) process.stdout.write(`packages on a full disk are skipped: ${impossible}\n`);

(impossible ? describe.skip : describe)('on a full disk', () => {
  let given: SubjectsFixture;
  let disk: SmallDisk;
  let folder: PackageFolder;

  beforeAll(async () => void (given = await openSubjects()));
  afterAll(() => given.close());
  beforeEach(async () => {
    disk = await SmallDisk.mount(1);
    folder = new PackageFolder(readConfig({ LETHE_DATA_DIR: disk.folder }), new CaseFile(given.sealer, given.keys));
  });
  afterEach(() => disk.close());

  it('a sealed file of which only a part fits is none', async () => {
    await disk.fill(48 * KIB);
    const path = join(disk.folder, 'one.sealed');
    // One chunk: nothing is written after the part that fits.
    const sealing = sealWhole(path, Buffer.alloc(32), 'here', (file) => file.write(Buffer.alloc(60 * KIB)));
    await expect(sealing).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readdir(disk.folder)).toEqual(['filler']);
  });

  it('a package whose manifest fits in part has none: nothing says that it was ever made', async () => {
    // Said so often that it packs well in the zip, and does not fit on the disk beside it.
    const notSearched = Array.from({ length: 8_000 }, () => ({ name: 'Paper archive', why: 'paper', outcome: 'open' }));
    const contents = { controller: 'c', tables: [], information: [], withheld: [], notSearched } as unknown as Contents;
    const gathering = { gather: async () => contents } as never;
    const expiry = { schedule: async () => '2026-11-27T09:00:00Z' } as never;
    const clock = new TestClock(new Date('2026-11-20T09:00:00Z'));
    const builder = new BuildPackage(new PackageParts(folder), gathering, folder, expiry, clock);
    const request = { id: newId(), keyHolder: newId() } as RequestState;
    await disk.fill(400 * KIB);
    await expect(builder.build(given.tenant, request)).rejects.toMatchObject({ code: 'ENOSPC' });
    const path = folder.path({ tenant: given.tenant, requestId: request.id });
    const names = (await readdir(path)).map((name) => name.replace(/^[0-9a-f-]{36}/, '*')).sort();
    expect(names).toEqual(['*.zip.sealed', 'key.json']);
    await disk.empty();
    await expect(builder.build(given.tenant, request)).resolves.toMatchObject([{ type: 'PackageBuilt.v1' }]);
    expect((await readdir(path)).filter((name) => name.endsWith('.manifest.sealed'))).toHaveLength(1);
  });
});
