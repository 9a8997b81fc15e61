/** Routes of webhook endpoints and their deliveries. */
import { Body, Controller, Get, Param, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { EndpointHealth } from './endpoint-health.js';
import { DeliveryList, DeliveryStarted, SearchDeliveriesBody, WebhookDeliveries } from './webhook-deliveries.js';
import { EndpointBody, EndpointList, EndpointSecret, EndpointView, RotateBody } from './webhook-endpoint.js';
import { WebhookEndpoints } from './webhook-endpoints.js';

const endpointId = z.uuid();
const Removed = z.strictObject({ id: z.uuid(), removed: z.literal(true) }).meta({ id: 'RemovedWebhookEndpoint' });
const Status = z
  .strictObject({ id: z.uuid(), status: z.enum(['enabled', 'disabled']) })
  .meta({ id: 'WebhookEndpointStatus' });
const NO_PERSON = 'names endpoints, types and statuses, no person';
type View = z.infer<typeof EndpointView>;

@Controller('v1')
export class WebhooksController {
  constructor(
    private readonly endpoints: WebhookEndpoints,
    private readonly deliveries: WebhookDeliveries,
    private readonly health: EndpointHealth,
  ) {}

  @Get('webhook-endpoints')
  @Can('read', 'WebhookEndpoint')
  @Audited('webhook-endpoint.list', 'exempt', NO_PERSON)
  @Answers(200, EndpointList)
  async listWebhookEndpoints(@By() by: Caller): Promise<z.infer<typeof EndpointList>> {
    const rows = await this.endpoints.rows(by.tenant);
    return { items: await Promise.all(rows.map((row) => this.endpoints.view(by.tenant, row))), next: null };
  }

  @Post('webhook-endpoints')
  @Can('configure', 'WebhookEndpoint')
  @Audited('webhook-endpoint.create', 'change')
  @Answers(201, EndpointSecret)
  createWebhookEndpoint(
    @By() by: Caller,
    @Body({ schema: EndpointBody }) body: z.infer<typeof EndpointBody>,
  ): Promise<z.infer<typeof EndpointSecret>> {
    return this.endpoints.create(by, body);
  }

  @Get('webhook-endpoints/:id')
  @Can('read', 'WebhookEndpoint')
  @Audited('webhook-endpoint.read', 'exempt', NO_PERSON)
  @Answers(200, EndpointView)
  readWebhookEndpoint(@By() by: Caller, @Param('id', { schema: endpointId }) id: string): Promise<View> {
    return this.view(by, id);
  }

  @Put('webhook-endpoints/:id')
  @Can('configure', 'WebhookEndpoint')
  @Audited('webhook-endpoint.change', 'change')
  @Answers(200, EndpointView)
  changeWebhookEndpoint(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
    @Body({ schema: EndpointBody }) body: z.infer<typeof EndpointBody>,
  ): Promise<View> {
    return this.endpoints.change(by, id, body);
  }

  @Post('webhook-endpoints/:id/remove')
  @Can('configure', 'WebhookEndpoint')
  @Audited('webhook-endpoint.remove', 'change')
  @Answers(200, Removed)
  async removeWebhookEndpoint(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
  ): Promise<z.infer<typeof Removed>> {
    await this.endpoints.remove(by, id);
    return { id, removed: true };
  }

  @Post('webhook-endpoints/:id/rotate-secret')
  @Can('configure', 'WebhookEndpoint')
  @Audited('webhook-endpoint.rotate-secret', 'change')
  @Answers(200, EndpointSecret)
  async rotateWebhookSecret(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
    @Body({ schema: RotateBody }) body: z.infer<typeof RotateBody>,
  ): Promise<z.infer<typeof EndpointSecret>> {
    return { id, ...(await this.endpoints.rotate(by, id, body.overlapHours)) };
  }

  @Post('webhook-endpoints/:id/enable')
  @Can('operate', 'WebhookEndpoint')
  @Audited('webhook-endpoint.enable', 'change')
  @Answers(200, Status)
  async enableWebhookEndpoint(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
  ): Promise<z.infer<typeof Status>> {
    const row = await this.endpoints.get(by.tenant, id);
    await this.endpoints.inside(by.tenant, row);
    await this.health.enable(by.tenant, row, by.actorRef);
    return { id, status: 'enabled' };
  }

  @Post('webhook-endpoints/:id/disable')
  @Can('operate', 'WebhookEndpoint')
  @Audited('webhook-endpoint.disable', 'change')
  @Answers(200, Status)
  async disableWebhookEndpoint(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
  ): Promise<z.infer<typeof Status>> {
    await this.health.disable(by.tenant, await this.endpoints.get(by.tenant, id), 'by-hand', by.actorRef);
    return { id, status: 'disabled' };
  }

  @Post('webhook-endpoints/:id/test')
  @Can('operate', 'WebhookEndpoint')
  @Audited('webhook-endpoint.test', 'change')
  @Answers(202, DeliveryStarted)
  testWebhookEndpoint(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
  ): Promise<z.infer<typeof DeliveryStarted>> {
    return this.deliveries.test(by, id);
  }

  @Post('webhook-deliveries/search')
  @Can('read', 'WebhookEndpoint')
  @Audited('webhook-delivery.search', 'exempt', NO_PERSON)
  @Answers(200, DeliveryList)
  searchWebhookDeliveries(
    @By() by: Caller,
    @Body({ schema: SearchDeliveriesBody }) body: z.infer<typeof SearchDeliveriesBody>,
  ): Promise<z.infer<typeof DeliveryList>> {
    return this.deliveries.search(by, body);
  }

  @Post('webhook-deliveries/:id/redeliver')
  @Can('operate', 'WebhookEndpoint')
  @Audited('webhook-delivery.redeliver', 'change')
  @Answers(202, DeliveryStarted)
  redeliverWebhook(
    @By() by: Caller,
    @Param('id', { schema: endpointId }) id: string,
  ): Promise<z.infer<typeof DeliveryStarted>> {
    return this.deliveries.redeliver(by, id);
  }

  private async view(by: Caller, id: string): Promise<View> {
    return this.endpoints.view(by.tenant, await this.endpoints.get(by.tenant, id));
  }
}
