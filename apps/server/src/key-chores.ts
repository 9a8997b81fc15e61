/** Recurring work on keys: epochs end in time, replaced lookup keys are worked off, and what expired is forgotten. */
import { Inject, Injectable } from '@nestjs/common';
import type { Housekeeping } from '#jobs';
import type { TenantId } from '#kernel';
import { CONFIG, type Config } from '#platform';
import { endYearKeys, forgetNotices, KeyRotation, KeyStore, lookupKeyState, Suppressions } from '#subjects';
import { eachTenant, Tenants } from '#tenancy';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** From the replacement of an epoch's key to its end: room for a backup of the key store and a copy of the key files. */
const REST_MS = 12 * HOUR;
/** Pseudonym of facts that no human caused. */
const ACTOR = 'system:housekeeping';

@Injectable()
export class KeyChores {
  constructor(
    private readonly tenants: Tenants,
    private readonly rotation: KeyRotation,
    private readonly keyStore: KeyStore,
    private readonly suppressions: Suppressions,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  register(chores: Housekeeping): void {
    chores.every('key-epoch', HOUR, (now) => this.endEpoch(now));
    chores.every('key-notices', 10 * MINUTE, async () => void (await forgetNotices(this.keyStore.database)));
    chores.every('suppressions-forgotten', HOUR, () => this.each((tenant) => this.suppressions.forgetExpired(tenant)));
    chores.every('year-keys-ended', DAY, (now) => this.each((tenant) => endYearKeys(this.keyStore, tenant, now)));
    chores.every('lookup-rekeyed', MINUTE, () => this.each((tenant) => this.rekey(tenant)));
  }

  /** What ends when dates "Lethe itself" on every certificate: a day more than the setting says is promised there. */
  private async endEpoch(now: Date): Promise<void> {
    const epochMs = this.config.LETHE_EPOCH_DAYS * DAY;
    const tenants = (await this.tenants.all()).map(({ id }) => id);
    await this.rotation.dueEpochs(tenants, ACTOR, { now, epochMs, restMs: REST_MS });
  }

  /** Goes on where a rotation was interrupted. */
  private async rekey(tenant: TenantId): Promise<void> {
    const { generation, rekeyedAt } = await lookupKeyState(this.rotation.database, tenant);
    if (generation > 1 && rekeyedAt === null) await this.rotation.lookup(tenant, ACTOR);
  }

  private each(run: (tenant: TenantId) => Promise<unknown>): Promise<void> {
    return eachTenant(this.tenants, run);
  }
}
