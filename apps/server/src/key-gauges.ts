/** Tells when a key-encryption epoch runs without a backup of the key store: those before it open nothing once the old epoch ends. */
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Clock } from '#kernel';
import { Database } from '#ledger';
import { CLOCK, Metrics } from '#platform';
import { epochHorizon, KeyStore } from '#subjects';

@Injectable()
export class KeyGauges implements OnApplicationBootstrap {
  constructor(
    private readonly metrics: Metrics,
    private readonly database: Database,
    private readonly keyStore: KeyStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    const help =
      'Age of the newest key epoch while no backup of the key store was made with all keys in it; 0 after one';
    this.metrics.gauge('lethe_key_epoch_unbacked_seconds', help, [], async (set) => {
      const since = await unbackedSince(this.database, this.keyStore);
      set(since ? Math.max(0, (this.clock.now().getTime() - since.getTime()) / 1000) : 0);
    });
  }
}

/** When the newest epoch began, if no backup of the key store was made with all keys in it. */
export async function unbackedSince(ledger: Database, keyStore: Pick<KeyStore, 'database'>): Promise<Date | undefined> {
  const { currentEpochSince: since, lastRewrapped } = await epochHorizon(keyStore);
  const { rows } = await ledger.global<{ set_at: Date }>({
    text: `SELECT set_at FROM installation_mark WHERE name = 'backup-keys'`,
  });
  const backed = rows[0]?.set_at;
  const isBacked = since && backed && backed >= since && (!lastRewrapped || backed >= lastRewrapped);
  return since && !isBacked ? since : undefined;
}
