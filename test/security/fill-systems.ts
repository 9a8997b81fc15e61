/** What a tenant has of systems that must hear of decisions or pull their work: declarations, webhooks, an inbox with a task. */
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
  filling.know('/v1/propagations', withdrawn.records[0].id);
  filling.know('/v1/propagations/*/systems', 'same-name');
  const events = await made(api.get('/v1/events?limit=1', { key: key.key }));
  filling.cursor(events);
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
  return { connectionId: id, key: key.key };
}

/** The task that the inbox is offered for an approved erasure. */
export async function fillTasks(
  filling: Filling,
  { connectionId, key }: { connectionId: string; key: string },
  advance: (milliseconds: number) => void,
): Promise<void> {
  for (let turn = 0; turn < 60; turn++) {
    const { items } = await made(filling.api.get(`/v1/tasks?connectionId=${connectionId}&wait=1`, { key }));
    filling.know('/v1/tasks', ...items.map((one: { id: string }) => one.id));
    if (items.length > 0) return;
    advance(500);
  }
  throw new Error('filling: no task was offered');
}
