/** Wires propagation: events out by cursor and webhook, who must obey, who has said so, who is late. */
import { Module, type Provider } from '@nestjs/common';
import { ConnectorsModule } from '#connectors';
import { ConsentModule } from '#consent';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { AcknowledgeEvents } from './event/acknowledge-events.js';
import { AttemptDelivery } from './webhook/attempt-delivery.js';
import { ConnectorObedience } from './connector-obedience.js';
import { ConsentSnapshot, SnapshotPeople } from './event/consent-snapshot.js';
import { DeliverySlots } from './webhook/delivery-slots.js';
import { EndpointHealth } from './webhook/endpoint-health.js';
import { EventFeed } from './event/event-feed.js';
import { EventsController } from './event/events.controller.js';
import { LateList } from './report/late-list.js';
import { LatePropagations } from './report/late-propagations.js';
import { PlanDeliveries, Wakeable } from './webhook/plan-deliveries.process.js';
import { PropagationMetrics } from './propagation-metrics.js';
import { PropagationReports } from './report/propagation-report.js';
import { PropagationRunning, PropagationWork, PropagationWorker } from './propagation.worker.js';
import { PropagationsController } from './report/propagations.controller.js';
import { PublicEvents } from './event/public-events.js';
import { Systems } from './systems.js';
import { ObeyPort, TellPeople, TellSystem } from './tell-system.js';
import { PruneDeliveries } from './webhook/prune-deliveries.js';
import { WebhookDeliveries } from './webhook/webhook-deliveries.js';
import { WebhookEndpoints } from './webhook/webhook-endpoints.js';
import { WebhooksController } from './webhook/webhooks.controller.js';
import { CHANCE, DeliveryTime, WorkLane } from './webhook/work-lane.js';

const feed: Provider[] = [PublicEvents, Systems, EventFeed, AcknowledgeEvents, SnapshotPeople, ConsentSnapshot];
const webhooks: Provider[] = [
  ...[WebhookEndpoints, WebhookDeliveries, DeliverySlots, EndpointHealth, AttemptDelivery, WorkLane, DeliveryTime],
  PruneDeliveries,
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
