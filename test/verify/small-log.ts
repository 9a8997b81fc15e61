/** A small real log, made with the ledger's own functions: what the auditor's scripts must accept, and what is then spoilt. */
import { execFile } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalize, type JsonObject } from '#kernel';
import { signCheckpoint } from '../../libs/ledger/src/log/checkpoint.js';
import { EMPTY_FRONTIER, appendLeaves, leafHash, rootOf } from '../../libs/ledger/src/log/merkle.js';
import { consistencyProof, inclusionProof } from '../../libs/ledger/src/log/merkle-proof.js';
import { cosign, vkey, type NoteSigner } from '../../libs/ledger/src/log/signed-note.js';
import { formatTlogProof } from '../../libs/ledger/src/log/tlog-proof.js';

export const scripts = join(dirname(fileURLToPath(import.meta.url)), '../../scripts/verify');
export const tenant = '0192f0c1-0000-7000-8000-000000000001';
export const requestId = '0192f0c1-0000-7000-8000-0000000000aa';
export const origin = 'lethe.example.test/0192f0c1';

/** An Ed25519 signer from a seed (RFC 8410 PKCS#8 head): the same keys in every run. */
export function aSigner(name: string, seed: number): NoteSigner {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12);
  return { name, publicKey, sign: (message) => sign(null, message, privateKey) };
}
export const logSigner = aSigner(origin, 1);
export const certificateSigner = aSigner('certificate', 2);
export const witness = aSigner('witness.example.test/w1', 3);
export const logVkey = vkey(logSigner.name, logSigner.publicKey);
export const witnessVkey = vkey(witness.name, witness.publicKey, 0x04);
export const certificateKey = certificateSigner.publicKey.toString('base64');

/** Canonical bytes of a leaf; the minute of `recordedAt` is its position. */
export function aLeaf(position: number, over: JsonObject = {}): Buffer {
  const at = new Date(Date.UTC(2026, 10, 2, 8, position)).toISOString();
  const leaf = {
    v: 1,
    tenant,
    stream: `request/${requestId}`,
    version: position + 1,
    type: 'TargetSettled.v1',
    occurredAt: at,
    recordedAt: at,
    actorRef: 'staff-7',
    data: { requestId, note: `step ${position} \u2013 "quoted"` },
  };
  return Buffer.from(canonicalize({ ...leaf, ...over }));
}

/** A log over these leaf bytes. */
export class SmallLog {
  constructor(readonly leaves: readonly Buffer[]) {}

  get hashes(): Buffer[] {
    return this.leaves.map(leafHash);
  }

  checkpoint(size = this.leaves.length, signer = logSigner): Promise<string> {
    const root = rootOf(appendLeaves(EMPTY_FRONTIER, this.hashes.slice(0, size)));
    return signCheckpoint({ origin: signer.name, size, root }, signer);
  }

  async cosigned(time: number): Promise<string> {
    const note = await this.checkpoint();
    return note + (await cosign(note.slice(0, note.indexOf('\n\n') + 1), time, witness));
  }

  async proof(position: number, checkpoint: string): Promise<string> {
    const hashes = await inclusionProof(this.source, position, this.leaves.length);
    return formatTlogProof({ index: position, hashes, checkpoint });
  }

  consistency(from: number, to: number): Promise<Buffer[]> {
    return consistencyProof(this.source, from, to);
  }

  private get source() {
    const hashes = this.hashes;
    return { leafHashes: (start: number, count: number) => Promise.resolve(hashes.slice(start, start + count)) };
  }
}

/** What a script said. */
export interface Said {
  code: number;
  out: string;
  error: string;
}

/** Runs one of the auditor's scripts as its own process, with nothing in the environment but what is given. */
export function run(script: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Said> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script.includes('/') ? script : join(scripts, script), ...args],
      { env: environment },
      (failure, out, error) => {
        resolve({ code: failure === null ? 0 : Number(failure.code ?? 1), out, error });
      },
    );
  });
}

export const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();
