/** The archive's folder holds whole files: what was begun and never got its name does not stay. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ArchiveFiles } from './archive-files.js';

let files: ArchiveFiles;
beforeEach(async () => {
  files = new ArchiveFiles(await mkdtemp(join(tmpdir(), 'lethe-files-')));
});
afterEach(() => rm(files.folder, { recursive: true }));

const names = async (): Promise<string[]> => (await readdir(files.folder, { recursive: true })).sort();

describe('a file of the archive', () => {
  it('that cannot be written whole leaves nothing', async () => {
    const full = async function* (): AsyncGenerator<string> {
      yield 'half';
      throw new Error('no space');
    };
    await expect(files.write('log/one', full() as never)).rejects.toThrow('no space');
    expect(await names()).toEqual(['log']);
  });

  it('that cannot be given its name leaves nothing', async () => {
    await mkdir(join(files.folder, 'log/taken'), { recursive: true });
    await expect(files.write('log/taken', 'whole')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await names()).toEqual(['log', 'log/taken']);
  });

  it('whose writer was killed is swept a day later, and nothing else is', async () => {
    const now = new Date();
    await files.write('kept/a/suppression.json', 'whole');
    await files.write('log/redo/0-1.jsonl', 'whole');
    for (const name of [
      'kept/a/suppression.json.0a1b2c.draft',
      'log/redo/0-1.jsonl.0a1b2c.draft',
      'log/now.0a1b2c.draft',
    ])
      await writeFile(join(files.folder, name), 'half');
    const begun = new Date(now.getTime() - 25 * 3_600_000);
    for (const name of await names())
      if (!name.startsWith('log/now')) await utimes(join(files.folder, name), begun, begun);
    expect(await files.sweep(now)).toBe(2);
    expect((await names()).filter((name) => name.includes('.'))).toEqual([
      'kept/a/suppression.json',
      'log/now.0a1b2c.draft',
      'log/redo/0-1.jsonl',
    ]);
    await rm(files.folder, { recursive: true });
    expect(await files.sweep(now)).toBe(0);
    await mkdir(files.folder);
  });
});
