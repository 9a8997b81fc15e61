/** The last signed head in files: one signer at a time moves it on, and it survives whoever is killed. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { FileCheckpointLock } from './checkpoint-lock.js';

const folders: string[] = [];
const aFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'lethe-lock-'));
  folders.push(folder);
  return folder;
};
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe('the lock of a log', () => {
  it('begins empty and holds what was written last', async () => {
    const lock = new FileCheckpointLock(await aFolder());
    expect(await lock.read('a')).toBeUndefined();
    expect(await lock.replace('a', undefined, 'one')).toBe(true);
    expect(await lock.replace('a', await lock.read('a'), 'two')).toBe(true);
    expect((await lock.read('a'))?.note).toBe('two');
    expect(await lock.read('b')).toBeUndefined();
  });

  it('lets exactly one of many signers write the next head', async () => {
    const folder = await aFolder();
    for (let round = 0; round < 20; round += 1) {
      const signers = Array.from({ length: 8 }, () => new FileCheckpointLock(folder));
      const before = await signers[0]!.read('log');
      const won = await Promise.all(signers.map((lock, at) => lock.replace('log', before, `${round}/${at}`)));
      expect(won.filter(Boolean)).toHaveLength(1);
      expect((await signers[1]!.read('log'))?.note).toBe(`${round}/${won.indexOf(true)}`);
    }
  });

  it('refuses a signer that slept while others went on, also after old heads were tidied away', async () => {
    const lock = new FileCheckpointLock(await aFolder());
    await lock.replace('log', undefined, 'one');
    const slept = await lock.read('log');
    for (const note of ['two', 'three', 'four', 'five']) await lock.replace('log', await lock.read('log'), note);
    expect(await lock.replace('log', slept, 'rewritten')).toBe(false);
    expect(await lock.replace('log', undefined, 'rewritten')).toBe(false);
    expect((await lock.read('log'))?.note).toBe('five');
  });

  it('keeps few files, and is not disturbed by the draft of a killed signer', async () => {
    const folder = await aFolder();
    const lock = new FileCheckpointLock(folder);
    for (let at = 0; at < 10; at += 1) await lock.replace('log', await lock.read('log'), String(at));
    await writeFile(join(folder, 'log', 'draft-0123'), 'half');
    expect((await lock.read('log'))?.note).toBe('9');
    expect((await readdir(join(folder, 'log'))).length).toBeLessThanOrEqual(3);
  });

  it('keeps nothing of a head that could not be written whole, however often it is tried', async () => {
    const folder = await aFolder();
    const lock = new FileCheckpointLock(folder);
    const full = async function* (): AsyncGenerator<string> {
      yield 'half';
      throw new Error('no space');
    };
    for (let at = 0; at < 3; at += 1)
      await expect(lock.replace('log', undefined, full() as never)).rejects.toThrow('no space');
    expect(await readdir(join(folder, 'log'))).toEqual([]);
  });
});
