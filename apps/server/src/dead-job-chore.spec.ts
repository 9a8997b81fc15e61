/** The look at dead jobs goes round all tenants, whatever becomes of one of them. */
import { expect, it } from '@jest/globals';
import type { ChoreRun } from '#jobs';
import { DeadJobChore } from './dead-job-chore.js';

it('looks at every tenant, and is told as failed when it could not look at one', async () => {
  const looked: string[] = [];
  const broken = new Error('unreadable');
  const settle = async (_: unknown, tenant: string): Promise<void> => {
    looked.push(tenant);
    if (tenant === 'b') throw broken;
  };
  const tenants = { all: async () => ['a', 'b', 'c'].map((id) => ({ id })) };
  let run: ChoreRun = async () => undefined;
  const chores = { every: (_: string, __: number, chore: ChoreRun) => void (run = chore) };
  new DeadJobChore(chores as never, { dead: { settle } } as never, tenants as never, {} as never).onModuleInit();
  await expect(run(new Date())).rejects.toBe(broken);
  expect(looked).toEqual(['a', 'b', 'c']);
});
