/** Recurring work on keys: epochs end in time, replaced lookup keys are worked off, and what expired is forgotten. */
import { Inject, Injectable } from '@nestjs/common';
import type { Housekeeping } from '#jobs';
import type { TenantId } from '#kernel';
import { CONFIG, type Config } from '#platform';
import { epochHorizon, forgetNotices, KeyRotation, KeyStore, lookupKeyState, Suppressions } from '#subjects';
import { Tenants } from '#tenancy';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
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
    chores.every('suppressions-forgotten', HOUR, () =>
      this.each(async (tenant) => void (await this.suppressions.forgetExpired(tenant))),
    );
    chores.every('lookup-rekeyed', MINUTE, () => this.each((tenant) => this.rekey(tenant)));
  }

  /** The oldest epoch that still opens a backup is what dates "Lethe itself" on every certificate. */
  private async endEpoch(now: Date): Promise<void> {
    const { oldestEpochSince } = await epochHorizon(this.keyStore);
    const age = oldestEpochSince ? now.getTime() - oldestEpochSince.getTime() : 0;
    if (age < this.config.LETHE_EPOCH_DAYS * DAY) return;
    await this.rotation.epoch(await this.tenantIds(), ACTOR);
  }

  /** Goes on where a rotation was interrupted. */
  private async rekey(tenant: TenantId): Promise<void> {
    const { generation, rekeyedAt } = await lookupKeyState(this.rotation.database, tenant);
    if (generation > 1 && rekeyedAt === null) await this.rotation.lookup(tenant, ACTOR);
  }

  private async each(run: (tenant: TenantId) => Promise<void>): Promise<void> {
    for (const tenant of await this.tenantIds()) await run(tenant);
  }

  private async tenantIds(): Promise<TenantId[]> {
    return (await this.tenants.all()).map(({ id }) => id);
  }
}
