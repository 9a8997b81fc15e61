/** The list of requests: found by state and person, page by page, and the same after a rebuild. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { planned, shopOfAda } from '../../../../test/support/approved-erasure.js';
import { requestsPerSpec, type RequestsFixture } from '../../../../test/support/requests-fixture.js';

describe('a request', () => {
  const open = requestsPerSpec();
  let all: RequestsFixture;

  beforeEach(async () => {
    all = await open([shopOfAda()]);
  });

  it('is found by state and person, page by page, and a cursor is good for its search only', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push((await all.open('erasure', `${name}@example.test`)).id);
    await all.subscriptions.caughtUp(all.tenant, 'request-summary', (await all.view(ids[2]!)).position);
    const first = await all.search({ open: true, limit: 2 });
    expect(first.items).toHaveLength(2);
    const second = await all.search({ open: true, limit: 2, cursor: first.next! });
    expect([...first.items, ...second.items].map((one) => one.id).sort()).toEqual([...ids].sort());
    expect(second.next).toBeNull();
    await expect(all.search({ open: false, limit: 2, cursor: first.next! })).rejects.toMatchObject({
      code: 'cursor-invalid',
    });
    const one = await all.search({ subject: { identifiers: [{ type: 'email', value: 'b@example.test' }] }, limit: 50 });
    expect(one.items.map((item) => item.id)).toEqual([ids[1]]);
  });

  it('has the same list after a rebuild', async () => {
    const { id } = await planned(all);
    await all.subscriptions.caughtUp(all.tenant, 'request-summary', (await all.view(id)).position);
    const before = await all.search({ limit: 50 });
    await all.subscriptions.rebuild(all.tenant, 'request-summary');
    expect(await all.search({ limit: 50 })).toEqual(before);
    expect(before.items).toMatchObject([{ id, status: 'deciding' }]);
  });

  it('is listed as approved between the last approval and the first job, and as deciding before', async () => {
    await all.worker.stop();
    const { id, hash } = await planned(all);
    const listed = async (status: string): Promise<string[]> => {
      await all.subscriptions.caughtUp(all.tenant, 'request-summary', (await all.view(id)).position);
      return (await all.search({ status: [status], limit: 50 })).items.map((one) => one.id);
    };
    await all.approve(id, hash, 'officer');
    expect([await listed('approved'), await listed('deciding')]).toEqual([[], [id]]);
    await all.approve(id, hash, 'officer2');
    expect([await listed('approved'), await listed('deciding')]).toEqual([[id], []]);
    await all.subscriptions.rebuild(all.tenant, 'request-summary');
    expect(await listed('approved')).toEqual([id]);
    all.worker.start();
    await all.until(id, (one) => one.status === 'closed');
    expect(await listed('approved')).toEqual([]);
  });
});
