/** The certificate file an auditor checks offline: signed body, and each listed entry proved under one checkpoint. */
import { Injectable } from '@nestjs/common';
import { notFound, type JsonObject, type TenantId } from '#kernel';
import { formatTlogProof, LogReader } from '#ledger';
import { bodyOf, CertificateStore, type CertificateSignature } from './certificate-store.js';
import { streamOf } from '../request.js';
import { Requests } from '../requests.js';
import { notIssuedYet } from '../requests.errors.js';

/** Format `lethe-certificate/1` (docs/certificate.md). */
export type CertificateFile = {
  format: 'lethe-certificate/1';
  body: JsonObject;
  signature: CertificateSignature;
  proofs: { position: number; bytes: string; tlogProof: string }[];
  logKey: string;
};

@Injectable()
export class CertificateFiles {
  constructor(
    private readonly requests: Requests,
    private readonly certificates: CertificateStore,
    private readonly reader: LogReader,
  ) {}

  /** The newest version, or the one asked for. Errors: 404; 503 `checkpoint-not-signed` while the signer is behind. */
  async file(tenant: TenantId, requestId: string, version?: number): Promise<CertificateFile> {
    const state = await this.requests.load(tenant, requestId);
    const issued = version === undefined ? state.certificates.at(-1) : state.certificates[version - 1];
    const stored = issued && (await this.certificates.find(tenant, issued.certificateId));
    if (!stored && version === undefined && state.status !== 'closed') throw notIssuedYet('certificate', state.status);
    if (!stored) throw notFound('certificate');
    const events = await this.requests.store.load(tenant, streamOf(requestId));
    const seal = events.find(
      ({ type, data }) => type === 'CertificateIssued.v1' && data['certificateId'] === stored.id,
    );
    const body = bodyOf(stored);
    const { entries } = body['ledger'] as { entries: { position: number }[] };
    const positions = entries.map((entry) => entry.position);
    if (seal) positions.push(seal.position);
    const { vkey } = await this.reader.identity(tenant);
    return {
      format: 'lethe-certificate/1',
      body,
      signature: stored.signature,
      proofs: await this.proofs(tenant, positions),
      logKey: vkey,
    };
  }

  private async proofs(tenant: TenantId, positions: readonly number[]): Promise<CertificateFile['proofs']> {
    const { size, note } = await this.reader.checkpointFor(tenant, Math.max(...positions));
    return Promise.all(
      positions.map(async (position) => {
        const entry = await this.reader.entry(tenant, position);
        if (!entry) throw notFound('ledger entry');
        const hashes = await this.reader.inclusion(tenant, position, size);
        const tlogProof = formatTlogProof({ index: position, hashes, checkpoint: note });
        return { position, bytes: entry.bytes.toString('base64'), tlogProof };
      }),
    );
  }
}
