/** Builds, signs and keeps a certificate, and hands back the leaf that seals it. */
import { Inject, Injectable } from '@nestjs/common';
import { canonicalize, newId, type Clock, type TenantId } from '#kernel';
import { leafHash, leafText, LogReader, type NewEvent, type StoredEvent } from '#ledger';
import { CLOCK, CONFIG, type Config } from '#platform';
import { CertificateKeys, epochHorizon, KeyStore } from '#subjects';
import { Tenants } from '#tenancy';
import { basisOf, certificateBody, sha256 } from './certificate.js';
import { bodyOf, CertificateStore, type CertificateSignature } from './certificate-store.js';
import { CertificateIssuer } from '../ports.js';
import type { RequestState } from '../request-state.js';
import { fact, streamOf } from '../request.js';
import { Requests } from '../requests.js';

const DAY_MS = 86_400_000;

/** Who speaks on a certificate, and what its keys can still open. */
@Injectable()
export class CertificateSources {
  constructor(
    private readonly requests: Requests,
    private readonly tenants: Tenants,
    private readonly reader: LogReader,
    private readonly keyStore: KeyStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async gather(
    tenant: TenantId,
    requestId: string,
  ): Promise<{
    events: StoredEvent[];
    controller: string;
    origin: string;
    keys: { horizon: string | null; oldestEpochSince: string | null; endsOn: string | null };
  }> {
    const [events, { name }, { origin }, epochs] = await Promise.all([
      this.requests.store.load(tenant, streamOf(requestId)),
      this.tenants.get(tenant),
      this.reader.identity(tenant),
      epochHorizon(this.keyStore),
    ]);
    const text = (date: Date | null): string | null => date?.toISOString() ?? null;
    const since = epochs.oldestEpochSince;
    const current = epochs.currentEpochSince ?? since;
    // Looked at once an hour, destroyed half a day after it is replaced: within a day more than the setting says.
    const ends = current && new Date(current.getTime() + (this.config.LETHE_EPOCH_DAYS + 1) * DAY_MS);
    const endsOn = ends?.toISOString().slice(0, 10) ?? null;
    const keys = { horizon: text(epochs.horizon), oldestEpochSince: text(since), endsOn };
    return { events, controller: name, origin, keys };
  }
}

@Injectable()
export class IssueCertificate extends CertificateIssuer {
  constructor(
    private readonly sources: CertificateSources,
    private readonly certificates: CertificateStore,
    private readonly keys: CertificateKeys,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    super();
  }

  /** Nothing when the last certificate says the same already. */
  async issue(tenant: TenantId, request: RequestState): Promise<NewEvent[]> {
    const { events, ...sources } = await this.sources.gather(tenant, request.id);
    const now = this.clock.now();
    const certificateId = newId(now.getTime());
    const body = certificateBody({
      ...sources,
      certificateId,
      tenant,
      issuedAt: now.toISOString(),
      state: request,
      // Only what the state knows: an event that came since would be listed but not counted.
      events: events.filter((event) => event.version <= request.version),
      leafHashOf: (event) => leafHash(Buffer.from(leafText(event))).toString('base64'),
    });
    const before = request.certificates.at(-1);
    const last = before && (await this.certificates.find(tenant, before.certificateId));
    if (last && basisOf(bodyOf(last)) === basisOf(body)) return [];
    const text = canonicalize(body);
    const signature = await this.sign(tenant, text);
    await this.certificates.put(tenant, { id: certificateId, request: request.id, body: text, signature }, now);
    return [sealOf(request, certificateId, text)];
  }

  private async sign(tenant: TenantId, text: string): Promise<CertificateSignature> {
    return { alg: 'Ed25519', ...(await this.keys.sign(tenant, Buffer.from(text, 'utf8'))) };
  }
}

function sealOf(request: RequestState, certificateId: string, text: string): NewEvent {
  return fact('CertificateIssued.v1', {
    requestId: request.id,
    certificateId,
    version: request.certificates.length + 1,
    hash: sha256(text, 'hex'),
    bodySha256: sha256(text, 'base64'),
    supersedes: request.certificates.at(-1)?.certificateId ?? null,
  });
}
