/** Keys in files: created once, private, checked before use, and destroyed for good. */
import { createPublicKey, verify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newId, type TenantId } from '#kernel';
import { FileKeys } from './file-keys.js';
import { createKeyFile } from './key-file.js';

const one = '00000000-0000-7000-8000-000000000001' as TenantId;
const two = '00000000-0000-7000-8000-000000000002' as TenantId;

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'lethe-keys-')), 'keys');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

function verifies(raw: Buffer, message: Buffer, signature: Buffer): boolean {
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, message, key, signature);
}

describe('the key directory', () => {
  it('is private and gives the same keys again', async () => {
    const first = await FileKeys.open(directory);
    const again = await FileKeys.open(directory);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(directory))
      expect([file, statSync(join(directory, file)).mode & 0o777]).toEqual([file, 0o600]);
    expect(again.ringId).toBe(first.ringId);
    expect(again.mac(one, 'lookup', 'x')).toEqual(first.mac(one, 'lookup', 'x'));
    expect(await again.publicKey(one, 'log')).toEqual(await first.publicKey(one, 'log'));
    const { epoch, wrapped } = await first.wrap(one, Buffer.alloc(32, 7));
    expect(await again.unwrap(one, epoch, wrapped)).toEqual(Buffer.alloc(32, 7));
  });

  it('is the same for processes that start at the same moment', async () => {
    const rings = await Promise.all(Array.from({ length: 8 }, () => FileKeys.open(directory)));
    expect(new Set(rings.map((ring) => ring.ringId)).size).toBe(1);
    expect(readdirSync(directory).filter((file) => file.startsWith('.'))).toEqual([]);
  });

  it('refuses what group or others may read', async () => {
    await FileKeys.open(directory);
    chmodSync(join(directory, 'mac-lookup.key'), 0o640);
    await expect(FileKeys.open(directory)).rejects.toMatchObject({ reason: 'permissions' });
    chmodSync(join(directory, 'mac-lookup.key'), 0o600);
    chmodSync(directory, 0o750);
    await expect(FileKeys.open(directory)).rejects.toMatchObject({ reason: 'permissions' });
    chmodSync(directory, 0o700);
    await expect(FileKeys.open(directory)).resolves.toBeInstanceOf(FileKeys);
  });

  it('that is older than the last rotation is told by the name of the key it lacks, also where only error names are told', async () => {
    const keys = await FileKeys.open(directory);
    await keys.addGeneration('log', 3);
    rmSync(join(directory, 'sign-log-3.key'));
    writeFileSync(
      join(directory, 'keyring.json'),
      readFileSync(join(directory, 'keyring.json'), 'utf8').replace(/,\s*"sign-log-3": "\w+"/, ''),
    );
    const older = await FileKeys.open(directory);
    await expect(older.sign(one, 'log', Buffer.from('head'), 3)).rejects.toMatchObject({
      name: 'KeyUnavailable(sign-log-3)',
    });
  });

  it('refuses a changed, swapped or missing key instead of making a new one', async () => {
    await FileKeys.open(directory);
    const path = join(directory, 'mac-suppression.key');
    const good = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      good.replace(/secret ./, (text) => `secret ${text.endsWith('A') ? 'B' : 'A'}`),
    );
    await expect(FileKeys.open(directory)).rejects.toMatchObject({ reason: 'damaged' });
    writeFileSync(path, readFileSync(join(directory, 'mac-lookup.key')));
    await expect(FileKeys.open(directory)).rejects.toMatchObject({ reason: 'damaged' });
    renameSync(path, join(directory, 'elsewhere'));
    await expect(FileKeys.open(directory)).rejects.toMatchObject({
      reason: 'missing',
      message: expect.stringContaining('mac-suppression'),
    });
    writeFileSync(path, good, { mode: 0o600 });
    await expect(FileKeys.open(directory)).resolves.toBeInstanceOf(FileKeys);
  });

  it('refuses to begin a new epoch where every epoch was lost', async () => {
    const keys = await FileKeys.open(directory);
    rmSync(join(directory, `kek-${await keys.currentEpoch()}.key`));
    await expect(FileKeys.open(directory)).rejects.toMatchObject({
      reason: 'missing',
      message: expect.stringContaining('kek'),
    });
  });

  it('refuses a valid key file that is not the one it began with', async () => {
    await FileKeys.open(directory);
    const other = join(directory, '..', 'other');
    mkdirSync(other, { mode: 0o700 });
    await FileKeys.open(other);
    writeFileSync(join(directory, 'mac-lookup.key'), readFileSync(join(other, 'mac-lookup.key')));
    await expect(FileKeys.open(directory)).rejects.toMatchObject({ reason: 'damaged' });
  });
});

describe('keys', () => {
  it('differ by tenant and by use', async () => {
    const keys = await FileKeys.open(directory);
    const macs = [keys.mac(one, 'lookup', 'x'), keys.mac(two, 'lookup', 'x'), keys.mac(one, 'suppression', 'x')];
    expect(new Set(macs.map((mac) => mac.toString('hex'))).size).toBe(3);
    expect(keys.macKeyId('lookup')).not.toBe(keys.macKeyId('suppression'));
    expect(await keys.publicKey(one, 'log')).not.toEqual(await keys.publicKey(two, 'log'));
  });

  it('sign as Ed25519, and the next log key is committed by its hash only', async () => {
    const keys = await FileKeys.open(directory);
    const message = Buffer.from('head');
    const signature = await keys.sign(one, 'log', message);
    expect(verifies(await keys.publicKey(one, 'log'), message, signature)).toBe(true);
    expect(verifies(await keys.publicKey(one, 'log'), Buffer.from('tail'), signature)).toBe(false);
    expect(await keys.nextLogKeyHash(one)).toHaveLength(32);
  });

  it('do not unwrap for another tenant or from changed bytes', async () => {
    const keys = await FileKeys.open(directory);
    const { epoch, wrapped } = await keys.wrap(one, Buffer.alloc(32, 7));
    await expect(keys.unwrap(two, epoch, wrapped)).rejects.toMatchObject({ reason: 'damaged' });
    wrapped[20]! ^= 1;
    await expect(keys.unwrap(one, epoch, wrapped)).rejects.toMatchObject({ reason: 'damaged' });
  });

  it('of a destroyed epoch are gone, and told apart from a lost file', async () => {
    const keys = await FileKeys.open(directory);
    const old = await keys.wrap(one, Buffer.alloc(32, 7));
    await expect(keys.destroyEpoch(old.epoch)).rejects.toThrow('current epoch');
    await keys.newEpoch();
    expect((await keys.wrap(one, Buffer.alloc(32, 7))).epoch).not.toBe(old.epoch);
    expect(await keys.unwrap(one, old.epoch, old.wrapped)).toEqual(Buffer.alloc(32, 7));
    await keys.destroyEpoch(old.epoch);
    await expect(keys.unwrap(one, old.epoch, old.wrapped)).rejects.toMatchObject({ reason: 'destroyed' });
    await expect(keys.unwrap(one, '00000000-0000-7000-8000-00000000ffff', old.wrapped)).rejects.toMatchObject({
      reason: 'missing',
    });
    await expect((await FileKeys.open(directory)).unwrap(one, old.epoch, old.wrapped)).rejects.toMatchObject({
      reason: 'destroyed',
    });
  });

  it('of a destroyed epoch stay gone when a copy of its file is laid back, or its destruction was cut short', async () => {
    const keys = await FileKeys.open(directory);
    const old = await keys.wrap(one, Buffer.alloc(32, 7));
    const path = join(directory, `kek-${old.epoch}.key`);
    const escrowed = readFileSync(path);
    await keys.newEpoch();
    await keys.destroyEpoch(old.epoch);
    // The second: killed between the overwriting and the removal.
    for (const found of [escrowed, Buffer.alloc(escrowed.length, 'x')]) {
      writeFileSync(path, found, { mode: 0o600 });
      await expect(keys.unwrap(one, old.epoch, old.wrapped)).rejects.toMatchObject({ reason: 'destroyed' });
      expect(await keys.epochKeyId(old.epoch)).toBeUndefined();
      await FileKeys.open(directory);
      expect(existsSync(path)).toBe(false);
    }
  });

  it('leave no second copy where a process was killed while it wrote', async () => {
    await FileKeys.open(directory);
    const [old, fresh] = ['.kek-x.key.0a1b2c3d4e5f', '.mac-lookup-2.key.0a1b2c3d4e5f'].map((name) =>
      join(directory, name),
    );
    for (const half of [old!, fresh!]) writeFileSync(half, 'secret', { mode: 0o600 });
    // The other may be a process's that is writing now.
    utimesSync(old!, 1, Date.now() / 1000 - 7200);
    await FileKeys.open(directory);
    expect([existsSync(old!), existsSync(fresh!)]).toEqual([false, true]);
  });

  it('of an epoch are destroyed by several processes at once without a fault', async () => {
    const replicas = await Promise.all(Array.from({ length: 6 }, () => FileKeys.open(directory)));
    for (let round = 0; round < 10; round++) {
      const old = await replicas[0]!.currentEpoch();
      await replicas[0]!.newEpoch();
      const destroyed = await Promise.allSettled(replicas.map((replica) => replica.destroyEpoch(old)));
      expect(destroyed.filter(({ status }) => status === 'rejected')).toEqual([]);
    }
  });

  it('of a new epoch come after all others at once, also when the clock was set back', async () => {
    const keys = await FileKeys.open(directory);
    const ahead = newId(Date.now() + 2_000);
    await createKeyFile(directory, `kek-${ahead}`);
    const began = performance.now();
    const epoch = await keys.newEpoch();
    expect(epoch > ahead).toBe(true);
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(await keys.currentEpoch()).toBe(epoch);
  });
});
