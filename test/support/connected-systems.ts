/** Shop and warehouse connected to a running Lethe, and a request driven over HTTP as its officers would. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { connectPlugin } from './connect-plugin.js';
import { CAROL, openShop, type Shop } from './connected-shop.js';
import { openWarehouse, type Warehouse } from './connected-warehouse.js';
import type { TestAnswer, TestServer } from './test-server.js';

/** What is needed of a server here: its API, wherever it runs. */
export type Api = Pick<TestServer, 'get' | 'post' | 'put'>;

export interface Identifier {
  type: string;
  value: string;
}

export const byEmail = (value: string): Identifier => ({ type: 'email', value });
export const byCustomer = (value: string): Identifier => ({ type: 'shop-customer-id', value });

export interface Systems {
  shop: Shop;
  warehouse: Warehouse;
  shopId: string;
  warehouseId: string;
  close(): Promise<void>;
}

/** Shop and warehouse of their own, connected and enabled, the invoices under the German duty. */
export async function connectSystems(lethe: Api, { slowMs = 0 } = {}): Promise<Systems> {
  const shop = await openShop({ slowMs });
  const warehouse = await openWarehouse();
  const shopId = await connectPlugin(lethe, { plugin: 'postgres', name: 'shop', ...shop.connection() });
  const warehouseId = await connectPlugin(lethe, { plugin: 'duckdb', name: 'warehouse', ...warehouse.connection() });
  await keepInvoices(lethe, shopId);
  const close = async (): Promise<void> => {
    await shop.drop();
    await warehouse.remove();
  };
  return { shop, warehouse, shopId, warehouseId, close };
}

/** A shop alone, without a duty. */
export async function connectShop(lethe: Api, shop: Shop, name = 'shop'): Promise<string> {
  return connectPlugin(lethe, { plugin: 'postgres', name, ...shop.connection() });
}

/** Invoices stay eight years from the year's end; what the duty does not need may go at once. */
export async function keepInvoices(
  lethe: Api,
  connectionId: string,
  stripFields = ['email', 'birthday'],
): Promise<void> {
  const body = {
    connectionId,
    dataset: 'invoices',
    duty: { dutyId: 'de-invoice', recordClass: 'invoice', country: 'DE' },
    action: 'strip',
    stripFields,
    overrides: { enable: ['de-invoice'] },
  };
  const { status, body: answer } = await lethe.put('/v1/retention/policies/invoices', body);
  expect([status, answer.errors]).toEqual([expect.any(Number), undefined]);
  expect([200, 201]).toContain(status);
}

/** Opens a request and proves its identifiers as an officer who has seen the person's papers. */
export async function openProven(
  lethe: Api,
  type: 'erasure' | 'access',
  identifiers: Identifier[] = [byEmail(CAROL.email)],
): Promise<string> {
  const opened = await lethe.post('/v1/requests', {
    type,
    regimes: ['eu-gdpr'],
    territory: 'DE-BE',
    subject: { identifiers },
    channel: 'mail',
  });
  expect(opened).toMatchObject({ status: 201 });
  for (const identifier of identifiers) await prove(lethe, opened.body.id, identifier);
  return opened.body.id;
}

export async function prove(lethe: Api, id: string, identifier: Identifier): Promise<TestAnswer> {
  const body = { identifier, method: 'attest', note: 'Called back on the number on file.' };
  const proven = await lethe.post(`/v1/requests/${id}/identify`, body);
  expect(proven).toMatchObject({ status: 200 });
  return proven;
}

/** A plan without blockers, as the officer reads it. */
export async function planOf(lethe: Api, id: string): Promise<TestAnswer['body']> {
  const planned = await lethe.post(`/v1/requests/${id}/plan`, {});
  expect([planned.status, planned.body.code, planned.body.silent]).toEqual([200, undefined, undefined]);
  return planned.body;
}

export function approve(
  lethe: Api,
  id: string,
  planHash: string,
  as: 'officer' | 'officer2' = 'officer',
): Promise<TestAnswer> {
  return lethe.post(`/v1/requests/${id}/approve`, { planHash }, { as });
}

export async function approveByTwo(lethe: Api, id: string, hash: string): Promise<void> {
  for (const as of ['officer', 'officer2'] as const) {
    const { status, body } = await approve(lethe, id, hash, as);
    expect([status, body.code, body.changes, body.blockers]).toEqual([200, undefined, undefined, undefined]);
  }
}

/** From a new request to work under way. */
export async function approvedErasure(lethe: Api, identifiers?: Identifier[]): Promise<string> {
  const id = await openProven(lethe, 'erasure', identifiers);
  const plan = await planOf(lethe, id);
  await approveByTwo(lethe, id, plan.hash);
  return id;
}

type Request = TestAnswer['body'];

/** Reads the request until it is as wished; fails with what it was last. */
export async function requestWhen(
  lethe: Pick<Api, 'get'>,
  id: string,
  wished: (request: Request) => boolean,
  waitMs = 60_000,
): Promise<Request> {
  const end = Date.now() + waitMs;
  for (;;) {
    const { status, body } = await lethe.get(`/v1/requests/${id}`);
    if (status === 200 && wished(body)) return body;
    if (Date.now() > end) throw new Error(`the request stayed as it is: ${JSON.stringify(shortOf(body))}`);
    await sleep(50);
  }
}

export const hasStatus =
  (...statuses: string[]) =>
  (request: Request): boolean =>
    statuses.includes(request.status);

export function closed(lethe: Pick<Api, 'get'>, id: string, waitMs?: number): Promise<Request> {
  return requestWhen(lethe, id, hasStatus('closed'), waitMs);
}

function shortOf(request: Request): unknown {
  const { status, code, reasons, targets = [], tasks } = request;
  const short = targets.map((one: Request) => [one.name, one.status, one.failure, one.outcomes, one.verification]);
  return { status, code, reasons, tasks, targets: short };
}

/** Outcomes of one connection as `dataset kind count`, sorted. */
export function outcomesOf(request: Request, connectionId: string): string[] {
  const target = request.targets.find((one: Request) => one.connectionId === connectionId);
  return (target?.outcomes ?? []).map((one: Request) => `${one.dataset} ${one.kind} ${one.count}`).sort();
}

/** Another privacy officer of the tenant, made by the admin and confirmed by an officer; resolves with her key. */
export async function thirdOfficer(lethe: Api): Promise<string> {
  const member = { label: `officer ${Date.now()}`, roles: ['privacy-officer'] };
  const added = await lethe.post('/v1/admin/members', member, { as: 'admin' });
  expect(added.status).toBe(201);
  const wanted = { kind: 'personal', label: member.label, memberId: added.body.id, expiresInDays: 30 };
  const issued = await lethe.post('/v1/admin/api-keys', wanted, { as: 'admin' });
  expect(issued.status).toBe(201);
  const confirmed = await lethe.post(`/v1/admin/api-keys/${issued.body.id}/confirm`, {}, { as: 'officer2' });
  expect(confirmed.status).toBe(200);
  return issued.body.key;
}
