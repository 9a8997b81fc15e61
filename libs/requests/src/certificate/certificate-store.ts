/** Issued certificates as rows. A row without its leaf is one whose issuer crashed: nobody is ever shown it. */
import { Injectable } from '@nestjs/common';
import type { JsonObject, TenantId } from '#kernel';
import { Database } from '#ledger';

/** Ed25519 (RFC 8032) over the canonical body; key and value in base64. */
export type CertificateSignature = { alg: 'Ed25519'; keyId: string; publicKey: string; value: string };

export interface StoredCertificate {
  id: string;
  request: string;
  /** Canonical JSON (RFC 8785). */
  body: string;
  signature: CertificateSignature;
}

@Injectable()
export class CertificateStore {
  constructor(private readonly database: Database) {}

  async put(tenant: TenantId, { id, request, body, signature }: StoredCertificate, issuedAt: Date): Promise<void> {
    await this.database.transaction(tenant, (query) =>
      query({
        text: 'INSERT INTO certificate (tenant, id, request, body, signature, issued_at) VALUES ($1, $2, $3, $4, $5, $6)',
        values: [tenant, id, request, body, JSON.stringify(signature), issuedAt],
      }),
    );
  }

  async find(tenant: TenantId, id: string): Promise<StoredCertificate | undefined> {
    const { rows } = await this.database.fetch<{ request: string; body: string; signature: string }>(tenant, {
      name: 'certificate-read',
      text: 'SELECT request, body, signature FROM certificate WHERE tenant = $1 AND id = $2',
      values: [tenant, id],
    });
    const row = rows[0];
    return row && { id, ...row, signature: JSON.parse(row.signature) as CertificateSignature };
  }
}

/** The body as an object. */
export function bodyOf({ body }: StoredCertificate): JsonObject {
  return JSON.parse(body) as JsonObject;
}
