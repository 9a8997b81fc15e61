/** An erasure of Ada over fakes, as its officers bring it about: planned, then approved by two. */
import { fakeSystem, type FakeSystem } from './fake-systems.js';
import type { RequestsFixture } from './requests-fixture.js';

export const ada = { type: 'email', value: 'ada@example.test' };
export const customer = { type: 'customerId', value: '17' };

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
  await all.approve(id, hash, 'officer');
  await all.approve(id, hash, 'officer2');
  return id;
}
