/** What a tenant has of systems that must hear of decisions or pull their work: declarations, webhooks, an inbox with a task. */
import { until } from '../support/until.js';
import { made, type Filling } from './filling.js';

/** A system that reads events, a webhook with a delivery, and a withdrawal that both are to obey. */
export async function fillPropagation(filling: Filling): Promise<void> {
  const { api, mark, filled } = filling;
  const admin = { as: 'admin' } as const;
  const key = await made(
    api.post('/v1/admin/api-keys', { kind: 'system', label: mark, scopes: ['consents:check', 'events:read'] }, admin),
  );
  const declared = { name: mark, purposes: [`${mark}-news`], acknowledgeWithin: 'PT15M' };
  await made(api.put('/v1/systems/same-name', { ...declared, channel: 'cursor', keyId: key.id }, admin));
  filling.know('/v1/systems', 'same-name');
  const endpoint = { url: `https://${mark}.example.test/hook`, description: mark };
  const { id } = await made(api.post('/v1/webhook-endpoints', endpoint, admin));
  filling.know('/v1/webhook-endpoints', id);
  await made(api.post(`/v1/webhook-endpoints/${id}/test`, {}, admin));
  const { items } = await made(api.post('/v1/webhook-deliveries/search', { endpointId: id }, admin));
  filling.know('/v1/webhook-deliveries', ...items.map((one: { id: string }) => one.id));
  const withdrawn = await made(
    api.post(
      '/v1/consents',
      {
        ...{ subject: filling.person, decisions: [{ purpose: `${mark}-news`, decision: 'withdrawn' }] },
        ...{ notice: { id: mark, version: '1' }, method: mark, collectedAt: filling.now(), evidence: { mark } },
      },
      { as: 'system' },
    ),
  );
  filling.know('/v1/propagations', withdrawn.records[0].id, String(withdrawn.position));
  filling.know('/v1/propagations/*/systems', 'same-name');
  const events = await made(api.get('/v1/events?limit=1', { key: key.key }));
  filling.cursor(events);
  await made(api.post('/v1/events/ack', { cursor: events.next }, { key: key.key }));
  filled.keys.cursor = key.key;
  filled.tokens.push(withdrawn.token);
}

/** An inbox; the tasks of what is approved afterwards are `fillTasks`'s. */
export async function fillInbox(filling: Filling): Promise<{ connectionId: string; key: string }> {
  const { api, mark } = filling;
  const admin = { as: 'admin' } as const;
  const key = await made(
    api.post('/v1/admin/api-keys', { kind: 'system', label: `${mark} worker`, scopes: ['tasks:work'] }, admin),
  );
  const fields = [{ name: 'email', identifier: { type: 'email', strength: 'identifying' } }];
  const inbox = {
    ...{ name: `${mark} inbox`, legalEntity: mark, country: 'DE', keyId: key.id },
    datasets: [{ name: 'members', title: mark, fields }],
  };
  const { id } = await made(api.post('/v1/admin/inboxes', inbox, admin));
  for (const step of ['check', 'enable']) await made(api.post(`/v1/admin/connections/${id}/${step}`, {}, admin));
  filling.know('/v1/admin/connections', id);
  filling.filled.keys.inbox = key.key;
  return { connectionId: id, key: key.key };
}

/** Two tasks that the inbox is offered for approved erasures: the first is claimed, the other stays open. */
export async function fillTasks(
  filling: Filling,
  { connectionId, key }: { connectionId: string; key: string },
  advance: (milliseconds: number) => void,
): Promise<void> {
  const open = `/v1/tasks?connectionId=${connectionId}`;
  const items = await until('two tasks are offered', async () => {
    advance(100);
    const tasks = (await made(filling.api.get(open, { key }))).items as { id: string }[];
    return tasks.length > 1 ? tasks : undefined;
  });
  filling.know('/v1/tasks', ...items.map(({ id }) => id));
  const lease = { leaseSeconds: 900 };
  const { fence } = await made(filling.api.post(`/v1/tasks/${items[0]!.id}/claim`, lease, { key }));
  await made(filling.api.post(`/v1/tasks/${items[0]!.id}/heartbeat`, { fence, ...lease }, { key }));
}
