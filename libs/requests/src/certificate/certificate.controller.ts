/** The certificate of a request, as the file an auditor checks or as a page; and the key it is signed with. */
import { Controller, Get, Header, Param, Query, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import type { SubjectId } from '#kernel';
import { Answers, Audited, By, Caller, Can, JsonValue } from '#platform';
import { CertificateKeys } from '#subjects';
import { PAGE_HEADERS } from '../answer/answer-letter.js';
import { CertificateFiles, type CertificateFile } from './certificate-file.js';
import { certificatePage } from './certificate-page.js';
import { Requests } from '../requests.js';

const CertificateView = z
  .strictObject({
    format: z.literal('lethe-certificate/1'),
    body: z.record(z.string(), JsonValue),
    signature: z.strictObject({
      alg: z.literal('Ed25519'),
      keyId: z.string(),
      publicKey: z.string(),
      value: z.string(),
    }),
    proofs: z.array(z.strictObject({ position: z.number().int(), bytes: z.string(), tlogProof: z.string() })),
    logKey: z.string(),
  })
  .meta({ id: 'Certificate' });

const CertificateKey = z
  .strictObject({
    alg: z.literal('Ed25519'),
    keyId: z.string(),
    publicKey: z.string(),
    keys: z
      .array(
        z.strictObject({
          keyId: z.string(),
          publicKey: z.string(),
          validFrom: z.iso.datetime().nullable(),
          validUntil: z.iso.datetime().nullable(),
        }),
      )
      .describe('Every key that ever signed, the first one first; null: from the beginning, or still in use'),
  })
  .meta({ id: 'CertificateKey' });

const CertificateChoice = z.strictObject({
  version: z.coerce.number().int().min(1).max(10_000).optional(),
  format: z.enum(['json', 'html']).optional(),
});

/** What of a reply this route sets. */
interface Reply {
  headers(values: Record<string, string>): unknown;
}

@Controller('v1')
export class CertificateController {
  constructor(
    private readonly files: CertificateFiles,
    private readonly requests: Requests,
    private readonly keys: CertificateKeys,
  ) {}

  @Get('requests/:id/certificate')
  @Can('read', 'Request')
  @Audited('request.certificate', 'read')
  @Answers(200, CertificateView)
  @ApiProduces('application/json', 'text/html')
  @Header('cache-control', 'no-store')
  async getCertificate(
    @By() by: Caller,
    @Param('id', { schema: z.uuid() }) id: string,
    @Query({ schema: CertificateChoice }) { version, format }: z.infer<typeof CertificateChoice>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<CertificateFile | string> {
    const { subjectId } = await this.requests.load(by.tenant, id);
    const file = await this.files.file(by.tenant, id, version);
    by.saw(subjectId as SubjectId, 'certificate');
    if (format !== 'html') return file;
    reply.headers(PAGE_HEADERS);
    return certificatePage(file);
  }

  /** For auditors, who should compare it with what they were given on another way. */
  @Get('certificate-key')
  @Can('read', 'Ledger')
  @Audited('certificate-key.read', 'exempt', 'a public key, no personal data')
  @Answers(200, CertificateKey)
  async getCertificateKey(@By() by: Caller): Promise<z.infer<typeof CertificateKey>> {
    const keys = await this.keys.list(by.tenant);
    const { keyId = '', publicKey = '' } = keys.at(-1) ?? {};
    return { alg: 'Ed25519', keyId, publicKey, keys };
  }
}
