/** Wires propagation: events out by cursor and webhook, who must obey, who has said so, who is late. */
import { Module, type Provider } from '@nestjs/common';
import { ConnectorsModule } from '#connectors';
import { ConsentModule } from '#consent';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { AcknowledgeEvents } from './acknowledge-events.js';
import { AttemptDelivery } from './attempt-delivery.js';
import { ConnectorObedience } from './connector-obedience.js';
import { ConsentSnapshot, SnapshotPeople } from './consent-snapshot.js';
import { EndpointHealth } from './endpoint-health.js';
import { EventFeed } from './event-feed.js';
import { EventsController } from './events.controller.js';
import { LateList } from './late-list.js';
import { LatePropagations } from './late-propagations.js';
import { PlanDeliveries, Wakeable } from './plan-deliveries.process.js';
import { PropagationMetrics } from './propagation-metrics.js';
import { PropagationReports } from './propagation-report.js';
import { PropagationRunning, PropagationWork, PropagationWorker } from './propagation.worker.js';
import { PropagationsController } from './propagations.controller.js';
import { PublicEvents } from './public-events.js';
import { Systems } from './systems.js';
import { ObeyPort, TellPeople, TellSystem } from './tell-system.js';
import { WebhookDeliveries } from './webhook-deliveries.js';
import { WebhookEndpoints } from './webhook-endpoints.js';
import { WebhooksController } from './webhooks.controller.js';
import { CHANCE, DeliveryTime, WorkLane } from './work-lane.js';

const feed: Provider[] = [PublicEvents, Systems, EventFeed, AcknowledgeEvents, SnapshotPeople, ConsentSnapshot];
const webhooks: Provider[] = [
  ...[WebhookEndpoints, WebhookDeliveries, EndpointHealth, AttemptDelivery, WorkLane, DeliveryTime],
  { provide: CHANCE, useValue: Math.random },
];
const propagation: Provider[] = [
  ...[PropagationReports, LateList, LatePropagations, PropagationMetrics, TellPeople, TellSystem],
  { provide: ObeyPort, useClass: ConnectorObedience },
  ...[Wakeable, PlanDeliveries, PropagationWork, PropagationRunning, PropagationWorker],
];

@Module({
  imports: [TenancyModule, SubjectsModule, ConsentModule, ConnectorsModule],
  controllers: [EventsController, WebhooksController, PropagationsController],
  providers: [...feed, ...webhooks, ...propagation],
})
export class PropagationModule {}
