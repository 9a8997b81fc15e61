/** The auditor's certificate script: a true certificate passes, and every way of bending one is refused with a reason. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalize, type JsonObject } from '#kernel';
import { leafHash } from '../../libs/ledger/src/log/merkle.js';
import { vkey } from '../../libs/ledger/src/log/signed-note.js';
import {
  SmallLog,
  aLeaf,
  aSigner,
  certificateKey,
  certificateSigner,
  logVkey,
  origin,
  requestId,
  run,
  scripts,
  sha256,
  tenant,
  witnessVkey,
  type Said,
} from './small-log.js';

const folder = mkdtempSync(join(tmpdir(), 'lethe-certificate-'));
afterAll(() => rmSync(folder, { recursive: true }));
const listed = [2, 5, 6];
const leaves = Array.from({ length: 9 }, (_, at) => aLeaf(at));

function aBody(over: JsonObject = {}): JsonObject {
  const entries = listed.map((position) => ({
    position,
    type: 'TargetSettled.v1',
    leafHash: leafHash(leaves[position] ?? Buffer.alloc(0)).toString('base64'),
  }));
  return {
    certificateId: '0192f0c1-0000-7000-8000-0000000000cc',
    tenant,
    requestId,
    type: 'erasure',
    status: 'fulfilled-with-retention',
    regimes: ['eu-gdpr'],
    issuedAt: '2026-11-03T09:00:00.000Z',
    targets: [
      {
        connectionId: '0192f0c1-0000-7000-8000-0000000000dd',
        name: 'Shop',
        outcomes: [
          { dataset: 'customers', kind: 'erased', count: 1 },
          { dataset: 'invoices', kind: 'retained', count: 3, citation: 'AO 147', until: '2032-12-31' },
        ],
        verification: 'read again: empty',
        horizon: '2026-12-03',
      },
    ],
    ledger: { origin, entries },
    ...over,
  };
}

interface Certificate {
  format: string;
  body: JsonObject;
  signature: Record<string, string>;
  proofs: { position: number; bytes: string; tlogProof: string }[];
  logKey: string;
}

async function aCertificate(body = aBody(), log = sealing(body), signer = certificateSigner): Promise<Certificate> {
  const checkpoint = await log.cosigned(1_793_700_000);
  const proofs = [...listed, 9].map(async (position) => ({
    position,
    bytes: (log.leaves[position] ?? Buffer.alloc(0)).toString('base64'),
    tlogProof: await log.proof(position, checkpoint),
  }));
  const signature = {
    alg: 'Ed25519',
    keyId: sha256(signer.publicKey).toString('hex').slice(0, 16),
    publicKey: signer.publicKey.toString('base64'),
    value: (await signer.sign(Buffer.from(canonicalize(body)))).toString('base64'),
  };
  return { format: 'lethe-certificate/1', body, signature, proofs: await Promise.all(proofs), logKey: logVkey };
}

/** The nine leaves and, at position 9, the one that seals the certificate. */
function sealing(body: JsonObject): SmallLog {
  const bodySha256 = sha256(canonicalize(body)).toString('base64');
  return new SmallLog([...leaves, aLeaf(9, { type: 'CertificateIssued.v1', data: { requestId, bodySha256 } })]);
}

let files = 0;
function check(text: string, ...args: string[]): Promise<Said> {
  const file = join(folder, `${(files += 1)}.json`);
  writeFileSync(file, text);
  return run('verify-certificate.mjs', [file, ...args]);
}
const pinned = ['--vkey', logVkey, '--certificate-key', certificateKey];

describe('a true certificate', () => {
  it('is verified, and the page says what was done, where it stands and what it does not show', async () => {
    const said = await check(JSON.stringify(await aCertificate(), null, 2), ...pinned, '--witness', witnessVkey);
    expect(said).toMatchObject({ code: 0, error: '' });
    for (const words of [
      'CERTIFICATE VERIFIED',
      requestId,
      'erased',
      'until 2032-12-31',
      'sealed in the ledger at position 9',
      'under the seal of 10 records',
      'witness.example.test/w1 at 2026-11-03T',
      'the one you gave',
      'not show',
    ]) {
      expect(said.out).toContain(words);
    }
    expect(said.out).not.toContain('came with the certificate itself');
  });

  it('without your own keys says that it does not know who made it', async () => {
    const said = await check(JSON.stringify(await aCertificate()));
    expect(said.code).toBe(0);
    expect(said.out).toContain('not who made it');
  });
});

describe('a bent certificate', () => {
  let good: Certificate;
  beforeAll(async () => {
    good = await aCertificate();
  });
  const other = aSigner(origin, 9);
  const bent: [string, () => Certificate | Promise<Certificate>, string][] = [
    ['a changed outcome', () => ({ ...good, body: aBody({ status: 'fulfilled' }) }), 'does not fit the body'],
    ['another format', () => ({ ...good, format: 'lethe-certificate/2' }), 'not a lethe-certificate/1'],
    ['an unsigned member', () => Object.assign({ note: 'all fine' }, good), 'nothing signs'],
    ['a foreign key', () => aCertificate(aBody(), sealing(aBody()), other), 'another key than yours'],
    ['a key id of another key', () => ({ ...good, signature: { ...good.signature, keyId: '0' } }), 'key id'],
    ['another algorithm', () => ({ ...good, signature: { ...good.signature, alg: 'none' } }), 'not Ed25519'],
    ['a proof left out', () => ({ ...good, proofs: good.proofs.slice(1) }), 'proof of entry 2 is missing'],
    ['a proof twice', () => ({ ...good, proofs: [...good.proofs, ...good.proofs] }), 'proved twice'],
    [
      'a proof exchanged',
      () => ({ ...good, proofs: good.proofs.map((proof) => ({ ...proof, bytes: good.proofs[0]?.bytes ?? '' })) }),
      'not under the signed root',
    ],
    [
      'a leaf that is not sealed',
      () => withLeaf(good, (text) => text.replace('step 2', 'step 3')),
      'not under the signed root',
    ],
    ['fulfilled over a kept dataset', () => aCertificate(aBody({ status: 'fulfilled' })), 'is retained'],
    [
      'fulfilled over a failed dataset',
      () => aCertificate(aBody({ targets: [{ connectionId: 'c', outcomes: [{ dataset: 'd', kind: 'failed' }] }] })),
      'is failed',
    ],
    ['another request', () => aCertificate(aBody({ requestId: tenant })), 'does not name this request'],
    ['another tenant', () => aCertificate(aBody({ tenant: requestId })), 'another tenant'],
    [
      'another log',
      () => aCertificate(aBody({ ledger: { origin: 'other.example.test/1', entries: [1] } })),
      'not of the log',
    ],
    ['no entries', () => aCertificate(aBody({ ledger: { origin, entries: [] } })), 'no ledger entry'],
    [
      'an entry of another type',
      () => aCertificate(aBody({ ledger: { origin, entries: entriesAs('Other.v1') } })),
      'another type',
    ],
    [
      'a seal over another body',
      () => aCertificate(aBody(), sealing(aBody({ type: 'access' }))),
      'not one that the certificate',
    ],
    [
      'a log that its key did not sign',
      () => ({ ...good, logKey: logVkey.replace(/\+(.{8})/, '+00000000') }),
      'not the one you hold',
    ],
  ];

  function entriesAs(type: string): JsonObject[] {
    const { entries } = aBody()['ledger'] as { entries: JsonObject[] };
    return entries.map((entry) => ({ ...entry, type }));
  }

  it.each(bent)('is refused: %s', async (_, make, reason) => {
    const said = await check(JSON.stringify(await make()), ...pinned);
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.error).toMatch(/^NOT VERIFIED: .+\n$/);
    expect(said.error).toContain(reason);
  });

  it('is refused when a checkpoint is signed by another key of the same name', async () => {
    const log = sealing(aBody());
    const foreign = await log.checkpoint(10, other);
    const proofs = good.proofs.map((proof) => ({
      ...proof,
      tlogProof: proof.tlogProof.slice(0, proof.tlogProof.indexOf('\n\n') + 2) + foreign,
    }));
    const said = await check(JSON.stringify({ ...good, proofs }), ...pinned);
    expect(said).toMatchObject({ code: 1 });
    expect(said.error).toContain('the log has not signed');
  });

  it('is refused when a witness that you name has not countersigned, or not with this key', async () => {
    const stranger = vkey(other.name, other.publicKey, 0x04);
    const said = await check(JSON.stringify(good), ...pinned, '--witness', stranger);
    expect(said).toMatchObject({ code: 1 });
    expect(said.error).toContain('has not countersigned');
  });

  it('is refused with a member twice, broken JSON, no file, or two files', async () => {
    const text = JSON.stringify(good);
    const twice = await check(text.replace('"body":', '"body":{},"body":'), ...pinned);
    expect(twice.error).toContain('a member twice');
    expect((await check(text.slice(0, -1))).error).toContain('not JSON');
    expect(await run('verify-certificate.mjs', [join(folder, 'none.json')])).toMatchObject({ code: 1 });
    expect((await run('verify-certificate.mjs', [])).error).toContain('usage');
    expect(await check(text, '--unknown')).toMatchObject({ code: 1 });
    expect(await check('[]')).toMatchObject({ code: 1 });
    expect(await check('['.repeat(100_000) + ']'.repeat(100_000))).toMatchObject({ code: 1 });
  });

  it('is refused with any single byte of the file changed or taken out', async () => {
    const driver = join(folder, 'every-byte.mjs');
    const file = join(folder, 'good.json');
    writeFileSync(file, JSON.stringify(good));
    writeFileSync(
      driver,
      `import { readFileSync } from 'node:fs';
       import { verifyCertificate } from ${JSON.stringify(join(scripts, 'check-certificate.mjs'))};
       const bytes = readFileSync(process.argv[2]);
       const trust = { witnesses: [${JSON.stringify(witnessVkey)}] };
       const passes = (copy) => { try { verifyCertificate(copy.toString(), trust); return true; } catch { return false; } };
       if (!passes(bytes)) throw new Error('control: the whole file must pass');
       const survivors = [];
       let tried = 0;
       for (let at = 0; at < bytes.length; at += 1) {
         for (const flip of [1 << at % 8]) {
           const copy = Buffer.from(bytes);
           copy[at] ^= flip;
           tried += 1;
           if (passes(copy)) survivors.push(at + ':' + flip);
         }
         if (passes(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]))) survivors.push('-' + at);
       }
       process.stdout.write(JSON.stringify({ tried, survivors }));`,
    );
    const said = await run(driver, [file]);
    expect(said.error).toBe('');
    const { tried, survivors } = JSON.parse(said.out) as { tried: number; survivors: string[] };
    expect(tried).toBeGreaterThan(5_000);
    expect(survivors).toEqual([]);
  }, 60_000);
});

/** The first proof with its leaf text changed. */
function withLeaf(certificate: Certificate, change: (text: string) => string): Certificate {
  const [first, ...rest] = certificate.proofs;
  if (first === undefined) throw new Error('a certificate has proofs');
  const bytes = Buffer.from(change(Buffer.from(first.bytes, 'base64').toString())).toString('base64');
  return { ...certificate, proofs: [{ ...first, bytes }, ...rest] };
}
