/** An access request of which one system cannot be read: what was read is handed out all the same. */
import { describe, expect, it } from '@jest/globals';
import { planned, shopAndWarehouse } from '../../../../test/support/approved-erasure.js';
import { requestsPerSpec } from '../../../../test/support/requests-fixture.js';
import { datasetRows } from './answer-outcomes.js';

describe('an access request with a step that was accepted undone', () => {
  const open = requestsPerSpec();

  it('is refused in part, and has a package of what was read', async () => {
    const { shop, warehouse } = shopAndWarehouse();
    warehouse.faults.readDown = { class: 'permanent', code: 'no-such-table' };
    const all = await open([shop, warehouse]);
    const { id, hash } = await planned(all, 'access');
    await all.approve(id, hash, 'officer');
    await all.until(id, (one) => one.status === 'incomplete');
    await all.tasks.accept(all.by('officer'), id, 'warehouse', { reason: 'the table is gone' });
    const view = await all.until(id, (one) => one.status === 'closed');
    expect(view).toMatchObject({ status: 'closed', resolution: 'refused', package: { records: 1 } });
    const rows = datasetRows(await all.requests.load(all.tenant, id));
    expect(rows).toContainEqual(expect.objectContaining({ dataset: 'customers', kind: 'provided' }));
    expect(rows).toContainEqual(expect.objectContaining({ dataset: 'sales', reason: 'accepted-undone' }));
  });
});
