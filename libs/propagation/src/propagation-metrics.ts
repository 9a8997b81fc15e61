/** Numbers to alert on: what waits to be delivered, for how long, and which acknowledgements are late. */
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { Database } from '#ledger';
import { CLOCK, Metrics, TenantReadings } from '#platform';
import { Tenants } from '#tenancy';

interface Row {
  pending: number;
  oldest: Date | null;
  late: number;
}

@Injectable()
export class PropagationMetrics implements OnApplicationBootstrap {
  private readonly readings: TenantReadings<Row>;

  constructor(
    private readonly metrics: Metrics,
    tenants: Tenants,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const ids = async (): Promise<TenantId[]> => (await tenants.all()).map(({ id }) => id);
    this.readings = new TenantReadings(ids, (tenant) => this.read(tenant));
  }

  onApplicationBootstrap(): void {
    const sum = (pick: (row: Row) => number) => async (set: (value: number) => void) =>
      set((await this.readings.all()).reduce((total, row) => total + pick(row), 0));
    this.metrics.gauge(
      'lethe_webhook_deliveries_pending',
      'Deliveries not made yet',
      [],
      sum((row) => row.pending),
    );
    this.metrics.gauge(
      'lethe_propagations_late',
      'Decisions that a system has not acknowledged in time',
      [],
      sum((row) => row.late),
    );
    this.metrics.gauge('lethe_webhook_oldest_seconds', 'Age of the oldest delivery not made yet', [], async (set) => {
      const now = this.clock.now().getTime();
      const ages = (await this.readings.all()).map(({ oldest }) => (oldest ? (now - oldest.getTime()) / 1000 : 0));
      set(Math.max(0, ...ages));
    });
  }

  private async read(tenant: TenantId): Promise<Row> {
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'propagation-metrics',
      text: `SELECT d.pending, d.oldest, l.late FROM
               (SELECT count(*)::int AS pending, min(created_at) AS oldest FROM webhook_delivery WHERE tenant = $1 AND state = 'pending') d,
               (SELECT count(*)::int AS late FROM propagation WHERE tenant = $1 AND state = 'waiting' AND late_at IS NOT NULL) l`,
      values: [tenant],
    });
    return rows[0] ?? { pending: 0, oldest: null, late: 0 };
  }
}
