/** An erasure of Ada over fakes, as its officers bring it about: planned, then approved by two. */
import type { DutyFact, HoldFact } from '../../libs/requests/src/plan/decision.js';
import { fakeSystem, type FakeSystem } from './fake-systems.js';
import type { RequestsFixture } from './requests-fixture.js';

export const ada = { type: 'email', value: 'ada@example.test' };
export const customer = { type: 'customerId', value: '17' };

export const hold: HoldFact = { id: 'h1', ground: 'GDPR art. 17(3)(e)', reviewOn: null };
export const invoiceDuty: DutyFact = {
  ruleId: 'de-invoice',
  dutyId: 'de-invoice',
  citation: '§ 14b UStG',
  stripFields: [],
};

/** A shop that knows Ada by her address alone, and billed her so long ago that no law keeps the invoice much longer. */
export function shopOfAda(): FakeSystem {
  const shop = fakeSystem('shop', [{ name: 'customers' }, { name: 'invoices' }]);
  shop.rows = [
    { dataset: 'customers', ref: 'c1', ids: [ada] },
    { dataset: 'invoices', ref: 'i1', ids: [ada], startsOn: '2018-03-12' },
  ];
  return shop;
}

/** A shop that knows Ada by her address and as a customer, with a neighbour, and a warehouse that knows the customer only. */
export function shopAndWarehouse(): { shop: FakeSystem; warehouse: FakeSystem } {
  const shop = fakeSystem('shop', [{ name: 'customers' }, { name: 'invoices', action: 'erase' }]);
  const warehouse = fakeSystem('warehouse', [{ name: 'sales' }]);
  shop.rows = [
    { dataset: 'customers', ref: 'c17', ids: [ada, customer] },
    { dataset: 'invoices', ref: 'i1', ids: [customer], startsOn: '2024-03-12' },
    { dataset: 'customers', ref: 'c18', ids: [{ type: 'email', value: 'bob@example.test' }] },
  ];
  warehouse.rows = [{ dataset: 'sales', ref: 's1', ids: [customer] }];
  return { shop, warehouse };
}

/** A request of Ada whose address is proven, with its plan. */
export async function planned(
  all: RequestsFixture,
  type = 'erasure',
  more: { receivedAt?: string } = {},
): Promise<{ id: string; hash: string }> {
  const { id } = await all.open(type, ada.value, more);
  await all.attest(id, 'email', ada.value);
  const { hash } = await all.plan(id);
  return { id, hash };
}

export async function approved(all: RequestsFixture, more: { receivedAt?: string } = {}): Promise<string> {
  const { id, hash } = await planned(all, 'erasure', more);
  await approveByTwo(all, id, hash);
  return id;
}

export async function approveByTwo(all: RequestsFixture, id: string, hash: string): Promise<void> {
  for (const name of ['officer', 'officer2']) await all.approve(id, hash, name);
}
