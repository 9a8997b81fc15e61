/** What is old is forgotten in every tenant, whatever hinders it in one. */
import { expect, it } from '@jest/globals';
import type { Housekeeping } from '#jobs';
import { newId, type TenantId } from '#kernel';
import type { Database, Query } from '#ledger';
import type { Config } from '#platform';
import type { Tenants } from '#tenancy';
import { PruneDeliveries } from './prune-deliveries.js';

it('goes on behind a tenant in which it fails, and says that it failed', async () => {
  const [bad, good] = [newId() as TenantId, newId() as TenantId];
  const visited: TenantId[] = [];
  const query = (() => Promise.resolve({ rows: [], rowCount: 0 })) as unknown as Query;
  const database = {
    transaction: (tenant: TenantId, work: (query: Query) => Promise<unknown>) => {
      if (tenant === bad) return Promise.reject(new Error('locked'));
      visited.push(tenant);
      return work(query);
    },
  } as unknown as Database;
  const tenants = { all: () => Promise.resolve([{ id: bad }, { id: good }]) } as unknown as Tenants;
  const prune = new PruneDeliveries(database, tenants, {} as Housekeeping, {} as Config);
  await expect(prune.run(new Date('2026-11-22T12:00:00Z'))).rejects.toThrow('locked');
  expect(new Set(visited)).toEqual(new Set([good]));
});
