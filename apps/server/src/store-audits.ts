/** When the store is audited: a quick look at each start, and everything once a day. */
import { Inject, Injectable } from '@nestjs/common';
import type { Housekeeping } from '#jobs';
import { Database, FileCheckpointLock, LogReader, type AuditParts } from '#ledger';
import { CONFIG, ServiceState, type Config } from '#platform';
import { checkpointFolder } from './ledger-parts.js';
import { StoreAudit } from './store-audit.js';

const DAY = 86_400_000;

@Injectable()
export class StoreAudits {
  private readonly parts: AuditParts;

  constructor(
    private readonly audit: StoreAudit,
    private readonly state: ServiceState,
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
    // A command reads for itself what it needs.
    if (this.config.LETHE_LOG_LEVEL === 'silent' || !this.config.LETHE_ROLES.includes('worker')) return;
    // What was erased since the backup is back by design: lethe replay looks, and the daily audit after it.
    if (this.state.refusals.some(({ code }) => code === 'quarantined')) return;
    await this.audit.look(this.parts);
  }
}
