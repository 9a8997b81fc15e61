/** The chores of the inbox visit every tenant, whatever hinders them in one. */
import { expect, it } from '@jest/globals';
import { newId, systemClock, type TenantId } from '#kernel';
import type { Database } from '#ledger';
import type { Tenants } from '#tenancy';
import { TaskChores } from './inbox.worker.js';
import type { OpenTasks } from './open-task.js';
import type { Tasks } from './tasks.js';

it('go on behind a tenant in which they fail, and say that they failed', async () => {
  const [bad, good] = [newId() as TenantId, newId() as TenantId];
  const visited: TenantId[] = [];
  const visit = async (tenant: TenantId): Promise<[]> => {
    visited.push(tenant);
    if (tenant === bad) throw new Error('locked');
    return [];
  };
  const chores = new TaskChores(
    { all: async () => [{ id: bad }, { id: good }] } as unknown as Tenants,
    { overdue: visit } as unknown as Tasks,
    {} as OpenTasks,
    { transaction: visit } as unknown as Database,
    systemClock,
  );
  const now = systemClock.now();
  await expect(chores.endOverdue(now)).rejects.toThrow('locked');
  await expect(chores.prune(now)).rejects.toThrow('locked');
  expect(visited).toEqual([bad, good, bad, good]);
});
