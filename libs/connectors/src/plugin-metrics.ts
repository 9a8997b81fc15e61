/** What the operator's metrics say of plugins. */
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Metrics } from '#platform';
import { Tenants } from '#tenancy';
import { Quarantines } from './quarantines.js';

@Injectable()
export class PluginMetrics implements OnApplicationBootstrap {
  constructor(
    private readonly metrics: Metrics,
    private readonly quarantines: Quarantines,
    private readonly tenants: Tenants,
  ) {}

  onApplicationBootstrap(): void {
    const help = 'Plugin versions set aside for a connection, by plugin; 0 without a label when there is none';
    this.metrics.gauge('lethe_plugins_quarantined', help, ['plugin'], async (set) => {
      const counts = await this.quarantines.counts((await this.tenants.all()).map(({ id }) => id));
      for (const [plugin, count] of counts) set(count, { plugin });
      if (counts.size === 0) set(0, { plugin: '' });
    });
  }
}
