/** Parts of a package on disk: sealed, replaced as a whole, of one person only, and gone with the person's key. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type SubjectId } from '#kernel';
import { readConfig } from '#platform';
import { openSubjects, type SubjectsFixture } from '../../../../test/support/subjects-fixture.js';
import { CaseFile } from '../case-file.js';
import type { DataRecord } from '../step/connected.js';
import { PackageFolder, type PackageOwner } from './package-folder.js';
import { PackageParts, type PartIndex } from './package-parts.js';
import { CHUNK_BYTES, readSealed, SealedWriter } from './package-seal.js';
import type { StepRecords } from '../ports.js';

let fixture: SubjectsFixture;
let dataDir: string;
let folder: PackageFolder;
let parts: PackageParts;

beforeAll(async () => {
  fixture = await openSubjects();
  dataDir = await mkdtemp(join(tmpdir(), 'lethe-package-'));
  folder = new PackageFolder(readConfig({ LETHE_DATA_DIR: dataDir }), new CaseFile(fixture.sealer, fixture.keys));
  parts = new PackageParts(folder);
});
afterAll(async () => {
  await fixture.close();
  await rm(dataDir, { recursive: true, force: true });
});

const anOwner = (): PackageOwner => ({ tenant: fixture.tenant, requestId: newId(), keyHolder: newId() as SubjectId });
const itemKey = 'key-of-carol';
const record = (ref: string, over: Partial<DataRecord> = {}): DataRecord => ({
  ...{ itemKey, dataset: 'orders', ref, fields: { id: ref, mail: 'canary-carol@example.test' } },
  ...over,
});

function step(stepId: string, records: readonly (DataRecord | Error)[]): StepRecords {
  return {
    ...{ stepId, connectionId: newId(), connectionName: 'Shop', itemKey },
    records: (async function* () {
      for (const one of records) {
        if (one instanceof Error) throw one;
        yield one;
      }
    })(),
  };
}

async function refs(owner: PackageOwner, index: readonly PartIndex[]): Promise<string[]> {
  const found: string[] = [];
  for (const part of index) for await (const { ref } of parts.records(owner, part)) found.push(ref);
  return found;
}

async function onDisk(owner: PackageOwner): Promise<string[]> {
  const all = await readdir(folder.path(owner), { recursive: true, withFileTypes: true });
  return all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

describe('the parts of a package', () => {
  it('are counted by dataset and read back in order, whatever signs they hold', async () => {
    const owner = anOwner();
    const odd = { id: 'x', words: 'a\u2028b\nc\r\nd \u{1F600}'.repeat(40_000) };
    const records = [record('1'), record('2', { dataset: 'clicks' }), record('3', { fields: odd })];
    const index = await parts.replace(owner, step(newId(), records), []);
    expect(index.map(({ dataset, count, columns }) => [dataset, count, columns])).toEqual([
      ['orders', 2, ['id', 'mail', 'words']],
      ['clicks', 1, ['id', 'mail']],
    ]);
    const orders = index.filter((part) => part.dataset === 'orders');
    expect(await refs(owner, orders)).toEqual(['1', '3']);
    for await (const { ref, fields } of parts.records(owner, orders[0]!)) if (ref === '3') expect(fields).toEqual(odd);
  });

  it('are replaced as a whole by a repeated step, and not touched by one that fails', async () => {
    const owner = anOwner();
    const stepId = newId();
    await parts.replace(owner, step(stepId, [record('1'), record('2')]), []);
    await parts.replace(owner, step(stepId, [record('2'), record('3')]), []);
    expect(await refs(owner, (await parts.indexOf(owner, stepId))!)).toEqual(['2', '3']);
    await expect(parts.replace(owner, step(stepId, [record('9'), new Error('killed')]), [])).rejects.toThrow('killed');
    expect(await refs(owner, (await parts.indexOf(owner, stepId))!)).toEqual(['2', '3']);
    expect((await onDisk(owner)).length).toBe(3);
  });

  it('refuse a record of another person, and keep nothing of that step', async () => {
    const owner = anOwner();
    const stepId = newId();
    const mixed = parts.replace(owner, step(stepId, [record('1'), record('2', { itemKey: 'key-of-twin' })]), []);
    await expect(mixed).rejects.toMatchObject({ fail: { class: 'bug', code: 'mixed-subjects' } });
    expect(await parts.indexOf(owner, stepId)).toBeUndefined();
  });

  it('lie on disk without a readable value', async () => {
    const owner = anOwner();
    await parts.replace(owner, step(newId(), [record('1')]), []);
    for (const path of await onDisk(owner)) expect(await readFile(path, 'latin1')).not.toContain('canary');
  });

  it('cannot be opened any more once the key of the file is destroyed', async () => {
    const owner = anOwner();
    const stepId = newId();
    const index = await parts.replace(owner, step(stepId, [record('1')]), []);
    expect(await refs(owner, index)).toEqual(['1']);
    await fixture.keyStore.shred(owner.tenant, owner.keyHolder, ['case']);
    await expect(refs(owner, index)).rejects.toMatchObject({ code: 'case-unreadable' });
  });
});

describe('a sealed file', () => {
  const key = Buffer.alloc(32, 7);
  const text = Buffer.alloc(CHUNK_BYTES * 2 + 5, 'abc');

  async function sealed(plain = text): Promise<string> {
    const path = join(dataDir, newId());
    const writer = await SealedWriter.create(path, key, 'here');
    await writer.write(plain);
    await writer.close();
    return path;
  }

  async function read(path: string, place = 'here'): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of readSealed(path, key, place)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, CHUNK_BYTES * 3])(
    'of %d bytes reads back',
    async (size) => {
      const plain = Buffer.alloc(size, 'x');
      expect((await read(await sealed(plain))).equals(plain)).toBe(true);
    },
  );

  const head = 11;
  const chunk = CHUNK_BYTES + 16;
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['changed', (bytes) => Buffer.from(bytes.map((byte, at) => (at === 5000 ? byte ^ 1 : byte)))],
    ['cut off at a border', (bytes) => bytes.subarray(0, head + chunk)],
    ['cut off inside', (bytes) => bytes.subarray(0, -3)],
    ['longer', (bytes) => Buffer.concat([bytes, bytes.subarray(head, head + chunk)])],
    [
      'in another order',
      (bytes) =>
        Buffer.concat([
          bytes.subarray(0, head),
          bytes.subarray(head + chunk, head + 2 * chunk),
          bytes.subarray(head, head + chunk),
          bytes.subarray(head + 2 * chunk),
        ]),
    ],
    ['only a head', (bytes) => bytes.subarray(0, head)],
  ])('that is %s is refused', async (_, bend) => {
    const path = await sealed();
    const bent = join(dataDir, newId());
    await writeFile(bent, bend(await readFile(path)));
    await expect(read(bent)).rejects.toThrow();
  });

  it('opens only where it was put', async () => {
    await expect(read(await sealed(), 'elsewhere')).rejects.toThrow('belongs elsewhere');
  });
});
