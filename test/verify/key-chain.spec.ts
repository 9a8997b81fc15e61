/** The auditor follows a log's keys by what the log committed, and no further. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { vkey, type NoteSigner } from '../../libs/ledger/src/log/signed-note.js';
import { aLeaf, aSigner, logSigner, logVkey, origin, run, sha256, SmallLog, type Said } from './small-log.js';

const second = aSigner(origin, 11);
const third = aSigner(origin, 12);
const thief = aSigner(origin, 13);
const ROTATED = 120;

const hashOf = (signer: NoteSigner): string => sha256(signer.publicKey).toString('hex');
const genesis = (next: NoteSigner): Buffer =>
  aLeaf(0, { stream: 'tenant', type: 'TenantCreated.v1', data: { nextLogKeyHash: hashOf(next) } });
const rotation = (at: number, to: NoteSigner, next: NoteSigner, lastSeal: string): Buffer => {
  const data = { kind: 'log', publicKey: to.publicKey.toString('base64'), nextLogKeyHash: hashOf(next), lastSeal };
  return aLeaf(at, { stream: 'keys', type: 'KeyRotated.v1', data });
};

/** A log of 300 records whose key was replaced at `ROTATED`, and the last seal of the first key. */
async function rotated(
  over: { committed?: NoteSigner; named?: NoteSigner; lastSeal?: string } = {},
): Promise<{ log: SmallLog; lastSeal: string }> {
  const plain = Array.from({ length: 300 }, (_, at) => aLeaf(at)).with(0, genesis(over.committed ?? second));
  const lastSeal = over.lastSeal ?? (await new SmallLog(plain).checkpoint(100));
  return { log: new SmallLog(plain.with(ROTATED, rotation(ROTATED, over.named ?? second, third, lastSeal))), lastSeal };
}

function check(log: SmallLog, checkpoint: string, key = logVkey, since?: string): Promise<Said> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-keys-'));
  writeFileSync(join(folder, 'checkpoint'), checkpoint);
  const lines = log.leaves.map((leaf, position) => JSON.stringify({ position, bytes: leaf.toString('base64') }));
  writeFileSync(join(folder, 'entries.ndjson'), lines.join('\n'));
  if (since !== undefined) writeFileSync(join(folder, 'kept.txt'), since);
  const kept = since === undefined ? [] : ['--since', join(folder, 'kept.txt')];
  return run('verify-log.mjs', [folder, '--vkey', key, ...kept]).finally(() => rmSync(folder, { recursive: true }));
}

describe('a log whose key was replaced', () => {
  it('is accepted with the first key and with the newest one', async () => {
    const { log } = await rotated();
    const seal = await log.checkpoint(300, second);
    const first = await check(log, seal);
    expect(first).toMatchObject({ code: 0, error: '' });
    // Whole: it is what verify-certificate.mjs is given next.
    expect(first.out).toContain(`by ${vkey(origin, second.publicKey)}, committed before, from 121 records on`);
    expect(first.out).toContain('100, 300 records');
    expect(await check(log, seal, vkey(origin, second.publicKey))).toMatchObject({ code: 0 });
  });

  it('needs the older key for a seal from before, and says so and of which file', async () => {
    const { log, lastSeal } = await rotated();
    const seal = await log.checkpoint(300, second);
    expect(await check(log, seal, logVkey, lastSeal)).toMatchObject({ code: 0 });
    const { error } = await check(log, seal, vkey(origin, second.publicKey), lastSeal);
    expect(error).toMatch(
      /kept\.txt: the seal of 100 records is older than this log key: give the oldest key you hold/,
    );
  });

  it('shows the certificate keys that it records', async () => {
    const data = { kind: 'certificate', publicKey: third.publicKey.toString('base64') };
    const { log } = await rotated();
    const other = new SmallLog(log.leaves.with(200, aLeaf(200, { stream: 'keys', type: 'KeyRotated.v1', data })));
    const { code, out } = await check(other, await other.checkpoint(300, second));
    expect([code, out]).toEqual([0, expect.stringContaining(`${data.publicKey}, recorded at position 200`)]);
  });

  it('is followed through a second replacement', async () => {
    const { log } = await rotated();
    const seal = await log.checkpoint(200, second);
    const twice = new SmallLog(log.leaves.with(220, rotation(220, third, thief, seal)));
    expect(await check(twice, await twice.checkpoint(300, third))).toMatchObject({ code: 0 });
    expect((await check(twice, await twice.checkpoint(300, second))).error).toContain("not the log's at that size");
  });

  it('is refused when the new key was not committed', async () => {
    const { log } = await rotated({ named: thief });
    const said = await check(log, await log.checkpoint(300, thief));
    expect(said).toMatchObject({ code: 1 });
    expect(said.error).toContain(`record ${ROTATED} was not committed before`);
  });

  it('is refused when a thief of the replaced key seals what came later', async () => {
    const { log } = await rotated();
    const forged = await log.checkpoint(300, logSigner);
    expect((await check(log, forged)).error).toContain("not the log's at that size");
    expect(await check(log, forged, vkey(origin, second.publicKey))).toMatchObject({ code: 1 });
    // What it sealed before is as good as ever.
    const before = new SmallLog(log.leaves.slice(0, ROTATED));
    expect(await check(before, await before.checkpoint(ROTATED, logSigner))).toMatchObject({ code: 0 });
  });

  it('is refused when somebody without the first key wrote it anew, committing a key of his own', async () => {
    const { lastSeal } = await rotated();
    // The true log's seal is all he has of the first key; it does not fit his records.
    const { log: forged } = await rotated({ committed: thief, named: thief, lastSeal });
    const said = await check(forged, await forged.checkpoint(300, thief));
    expect(said).toMatchObject({ code: 1 });
    expect(said.out).toContain('NOT THOSE THAT WERE SEALED');
    const { log: unsealed } = await rotated({
      ...{ committed: thief, named: thief },
      lastSeal: await forged.checkpoint(100, thief),
    });
    expect((await check(unsealed, await unsealed.checkpoint(300, thief))).error).toContain('has not signed');
  });
});
