/** Where a receipt's parts come from: the record's place, its opened particulars, the signature. */
import { Injectable } from '@nestjs/common';
import { canonicalize, type Json, type TenantId } from '#kernel';
import { Database } from '#ledger';
import { CertificateKeys, Sealer } from '#subjects';
import type { ConsentRecorded } from './consent.js';
import { particularsPlace } from './consent-input.js';

/** Ed25519 over the canonical JSON (RFC 8785) of the receipt; both values base64. */
export interface ReceiptSignature {
  alg: 'Ed25519';
  publicKey: string;
  value: string;
}

@Injectable()
export class ReceiptSources {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly keys: CertificateKeys,
  ) {}

  async locate(tenant: TenantId, id: string): Promise<{ subject: string; position: number } | undefined> {
    const { rows } = await this.database.fetch<{ subject: string; position: number }>(tenant, {
      name: 'consent-place',
      text: 'SELECT subject, position FROM consent_record WHERE tenant = $1 AND id = $2',
      values: [tenant, id],
    });
    return rows[0];
  }

  /** Method and evidence, or why they cannot be read any more. */
  async particulars(tenant: TenantId, data: ConsentRecorded): Promise<Json> {
    const opened = await this.sealer.open(tenant, data.particulars, particularsPlace(data.id));
    return opened.readable ? opened.value : { unreadable: opened.reason };
  }

  async sign(tenant: TenantId, receipt: Json): Promise<ReceiptSignature> {
    const { publicKey, value } = await this.keys.sign(tenant, Buffer.from(canonicalize(receipt), 'utf8'));
    return { alg: 'Ed25519', publicKey, value };
  }
}
