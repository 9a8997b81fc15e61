/** Fills a tenant with one of everything that can be made over HTTP, and tells the ids of it by where they go in a path. */
import { connectPlugin } from '../support/connect-plugin.js';
import type { Shop } from '../support/connected-shop.js';
import {
  approve,
  approveByTwo,
  byEmail,
  closed,
  openProven,
  planOf,
  requestWhen,
  thirdOfficer,
} from '../support/connected-systems.js';
import type { TestAnswer, TestServer } from '../support/test-server.js';
import { fillInbox, fillPropagation, fillTasks } from './fill-systems.js';
import { Filling, made, type Filled, type Keys } from './filling.js';

type Answer = TestAnswer['body'];

/** Every text carries `mark`; the shop may be shared, its rows carry none. */
export async function fillTenant(
  lethe: Pick<TestServer, 'get' | 'post' | 'put'> & { clock: Pick<TestServer['clock'], 'now' | 'advance'> },
  tenant: { keys: Keys; logId: string },
  mark: string,
  shop: Shop,
): Promise<Filled> {
  const now = (): string => lethe.clock.now().toISOString();
  const filling = new Filling(lethe, tenant, mark, shop, now);
  await consents(filling);
  const connectionId = await administration(filling);
  await retention(filling, connectionId);
  await doneRequest(filling);
  await fillPropagation(filling);
  const inbox = await fillInbox(filling);
  for (const name of ['gone', 'leaving']) await waitingRequest(filling, connectionId, name);
  await fillTasks(filling, inbox, (milliseconds) => lethe.clock.advance(milliseconds));
  await ledger(filling);
  return filling.filled;
}

async function consents(filling: Filling): Promise<void> {
  const { api, mark, now, filled } = filling;
  const { person } = filling;
  const purposes = [`${mark}-news`, `${mark}-insight`, 'same-name'];
  for (const id of purposes) {
    const legalBasis = id.endsWith('insight') ? 'legitimate-interest' : 'consent';
    await made(api.put(`/v1/purposes/${id}`, { name: mark, legalBasis, model: 'opt-in' }, { as: 'admin' }));
  }
  // A slug is the caller's own word: both tenants use it, each for its own.
  filling.know('/v1/purposes', 'same-name');
  await made(api.post('/v1/notices', { id: mark, version: '1', language: 'en', text: mark, purposes }));
  const given = {
    ...{
      subject: person,
      decisions: [{ purpose: purposes[0], decision: 'given' }],
      notice: { id: mark, version: '1' },
    },
    ...{ method: mark, collectedAt: now(), evidence: { mark } },
  };
  const consent = await made(api.post('/v1/consents', given, { as: 'system' }));
  filled.tokens.push(consent.token);
  filling.know('/v1/consents', consent.records[0].id);
  filling.know('/v1/subjects', consent.subjectId);
  const question = { subjectId: consent.subjectId, purpose: purposes[0] };
  await made(api.post('/v1/consents/check', question, { as: 'system' }));
  await made(api.post('/v1/consents/check-batch', { items: [{ ref: mark, ...question }] }, { as: 'system' }));
  const access = (id: string): object => ({
    ...{ id, actor: { type: 'employee', id: mark }, subject: person, action: 'read', resource: mark, fields: [mark] },
    ...{ purpose: purposes[0], at: now() },
  });
  const entries = [access(`${mark}-1`), access(`${mark}-2`)];
  await made(api.post('/v1/access-log/entries', { entries }, { as: 'system' }));
}

async function administration(filling: Filling): Promise<string> {
  const { api, mark, shop } = filling;
  const admin = { as: 'admin' } as const;
  const key = { kind: 'system', label: mark, scopes: ['consents:check'] };
  filling.know('/v1/admin/api-keys', (await made(api.post('/v1/admin/api-keys', key, admin))).id);
  const member = { label: mark, roles: ['auditor'], identifiers: [byEmail(`staff-${mark}@example.test`)] };
  filling.know('/v1/admin/members', (await made(api.post('/v1/admin/members', member, admin))).id);
  const change = { name: 'two-person-erasure', value: 'off' };
  filling.know('/v1/admin/settings/changes', (await made(api.post('/v1/admin/settings/changes', change, admin))).id);
  const place = { name: mark, legalEntity: mark, country: 'DE', owner: mark, why: mark };
  const system = (await made(api.post('/v1/admin/systems', place, admin))).id;
  const connectionId = await connectPlugin(api, { plugin: 'postgres', name: `${mark} shop`, ...shop.connection() });
  filling.know('/v1/admin/connections', connectionId, system);
  filling.know('/v1/admin/plugins', 'postgres');
  // Refused attempts, so that there are two pages of them.
  for (const id of [connectionId, system]) await api.post(`/v1/holds/${id}/release`, { reason: mark }, admin);
  return connectionId;
}

async function retention(filling: Filling, connectionId: string): Promise<void> {
  const { api, mark, person } = filling;
  const words = { ground: 'gdpr-17-3-e', reason: mark, owner: mark, reviewOn: '2031-01-01' };
  for (const scope of [{ subject: person }, { connectionId }])
    filling.know('/v1/holds', (await made(api.post('/v1/holds', { ...words, scope }))).id);
  const policy = {
    ...{ connectionId, dataset: 'invoices', action: 'strip', stripFields: ['email', 'birthday'] },
    ...{ duty: { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' }, overrides: { enable: ['de-invoice'] } },
  };
  await made(api.put('/v1/retention/policies/same-name', policy));
  filling.know('/v1/retention/policies', 'same-name');
  filling.know('/v1/retention/plans', (await made(api.post('/v1/retention/plans', { all: true }))).id);
}

/** An access request that is done: package, answers and certificate are there. And one just received. */
async function doneRequest(filling: Filling): Promise<void> {
  const { api, mark, person } = filling;
  const done = await openProven(api, 'access', person.identifiers);
  await approve(api, done, (await planOf(api, done)).hash);
  const { tasks } = await requestWhen(api, done, (one) => one.tasks.length > 0);
  const key = await thirdOfficer(api);
  for (const task of tasks) {
    const proof = { outcome: 'nothing-found', proof: mark };
    await made(api.post(`/v1/requests/${done}/tasks/${task.id}/complete`, proof, { key }));
  }
  await closed(api, done);
  const received = { type: 'access', regimes: ['eu-gdpr'], subject: person, channel: 'letter' };
  await made(api.post('/v1/requests', received));
  filling.know('/v1/requests', done);
  filling.know('/v1/requests/*/answers', '1');
  filling.know('/v1/requests/*/tasks', ...tasks.map((one: Answer) => one.id));
}

/** An erasure that waits for a human and for a system that pulls its work. */
async function waitingRequest(filling: Filling, connectionId: string, name: string): Promise<void> {
  const { api, mark } = filling;
  const erasure = await openProven(api, 'erasure', [byEmail(`${mark}-${name}@example.test`)]);
  await approveByTwo(api, erasure, (await planOf(api, erasure)).hash);
  const { tasks } = await requestWhen(api, erasure, (one) => one.tasks.length > 0);
  filling.know('/v1/requests', erasure);
  filling.know('/v1/requests/*/tasks', ...tasks.map((one: Answer) => one.id));
  filling.know('/v1/requests/*/targets', connectionId, 'lethe');
}

async function ledger(filling: Filling): Promise<void> {
  const { api, logId } = filling;
  filling.know('/v1/logs', logId);
  for (const prefix of ['/v1/logs/*/entries', '/v1/logs/*/tile']) filling.know(prefix, '0');
  for (const prefix of ['/v1/logs/*/tile/*', '/v1/logs/*/tile/entries']) filling.know(prefix, '000.p/5');
  filling.cursor(await made(api.post('/v1/access-log/search', { limit: 1 }, { as: 'auditor' })));
  filling.cursor(await made(api.post('/v1/requests/search', { limit: 1 })));
  filling.cursor(await made(api.post('/v1/admin/refusals/search', { limit: 1 }, { as: 'auditor' })));
}
