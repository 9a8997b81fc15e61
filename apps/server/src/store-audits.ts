/** When the store is audited: a quick look at each start, everything once a day, and how many things were found changed. */
import { Inject, Injectable } from '@nestjs/common';
import type { Housekeeping } from '#jobs';
import { Database, FileCheckpointLock, LogReader, type AuditParts } from '#ledger';
import { CONFIG, Metrics, type Config } from '#platform';
import { checkpointFolder } from './ledger-parts.js';
import { StoreAudit } from './store-audit.js';

const DAY = 86_400_000;

@Injectable()
export class StoreAudits {
  private readonly parts: AuditParts;

  constructor(
    private readonly audit: StoreAudit,
    private readonly metrics: Metrics,
    database: Database,
    reader: LogReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.parts = { database, reader, lock: new FileCheckpointLock(checkpointFolder(config)) };
  }

  register(chores: Housekeeping): void {
    chores.every('store-audited', DAY, async () => void (await this.audit.audit(this.parts, true)));
  }

  /** Every process looks, since each may be the only one; what it finds is in its log and its metrics. */
  async start(): Promise<void> {
    this.metrics.gauge(
      'lethe_store_faults',
      'Leaves, heads, suppressions and rows of decisions or rights that were changed behind the service',
      [],
      (set) => set(this.audit.faults.length),
    );
    // A command reads for itself what it needs.
    if (this.config.LETHE_LOG_LEVEL === 'silent' || !this.config.LETHE_ROLES.includes('worker')) return;
    await this.audit.look(this.parts);
  }
}
