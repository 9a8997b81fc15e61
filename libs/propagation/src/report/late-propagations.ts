/** Says aloud which system has not acknowledged a stop in time: a fact, a line for the operator, a number for the alert. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { Database, EventStore, Subscriptions, VersionConflict } from '#ledger';
import { CLOCK, LOGGER, type Logger } from '#platform';
import { latenessStream } from '../propagation.js';
import { endAnswered } from './answered-jobs.js';
import { PROPAGATION } from '../propagation.projection.js';

const ACTOR = 'system:propagation';
const BATCH = 500;

interface LateRow {
  position: number;
  system: string;
  subject: string;
  type: string;
  due_at: Date;
}

@Injectable()
export class LatePropagations {
  constructor(
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly subscriptions: Subscriptions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** Everything overdue of one tenant; returns how many are newly late. A repeat after a crash says nothing twice. */
  async escalate(tenant: TenantId): Promise<number> {
    // Judged by a projection that lags, a system that has spoken would be called late.
    const { size } = await this.store.head(tenant);
    if (size > 0 && !(await this.subscriptions.caughtUp(tenant, PROPAGATION, size - 1))) return 0;
    await endAnswered(this.database, tenant, this.clock.now());
    let count = 0;
    for (const row of await this.overdue(tenant)) if (await this.say(tenant, row)) count += 1;
    return count;
  }

  private async overdue(tenant: TenantId): Promise<LateRow[]> {
    const { rows } = await this.database.fetch<LateRow>(tenant, {
      name: 'propagation-overdue',
      text: `SELECT position, system, subject, type, due_at FROM propagation
             WHERE tenant = $1 AND state = 'waiting' AND forbids AND late_at IS NULL AND due_at <= $2 ORDER BY due_at, position, system LIMIT $3`,
      values: [tenant, this.clock.now(), BATCH],
    });
    return rows;
  }

  private async say(tenant: TenantId, { position, system, subject, type, due_at }: LateRow): Promise<boolean> {
    const stream = latenessStream(position, system);
    try {
      await this.store.append({
        tenant,
        actorRef: ACTOR,
        events: [
          {
            stream,
            type: 'PropagationLate.v1',
            data: { systemId: system, position, subject, change: type, dueAt: due_at.toISOString() },
          },
        ],
        expect: { [stream]: 0 },
      });
    } catch (error) {
      if (error instanceof VersionConflict) return false;
      throw error;
    }
    this.log.warn({ tenant, system, position, change: type }, 'a system has not acknowledged a decision in time');
    return true;
  }
}
