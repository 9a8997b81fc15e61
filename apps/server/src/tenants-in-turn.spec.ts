/** Recurring work goes round all tenants, whatever becomes of one of them, and is told as failed when it could not do one. */
import { beforeEach, expect, it } from '@jest/globals';
import type { ChoreRun } from '#jobs';
import { ChoresModule } from './chores.js';
import { DeadJobChore } from './dead-job-chore.js';
import { KeptArchive } from './kept-archive.js';
import { KeyChores } from './key-chores.js';
import { StoreAudit } from './store-audit.js';

const broken = new Error('unreadable');
const tenants = { all: async () => ['a', 'b', 'c'].map((id) => ({ id })) } as never;
let looked: string[];
let runs: Map<string, ChoreRun>;
const chores = { every: (name: string, _: number, run: ChoreRun) => void runs.set(name, run) } as never;
/** What is asked first of each tenant. */
const ask = async (tenant: string): Promise<never> => {
  looked.push(tenant);
  throw broken;
};
const database = { fetch: ask, transaction: ask } as never;
const nobody = {} as never;
const quiet = { register: () => undefined } as never;
beforeEach(() => {
  [looked, runs] = [[], new Map()];
});

it.each<[string, () => { onModuleInit(): void }]>([
  ['answers-forgotten', () => new ChoresModule(chores, tenants, database, quiet, quiet)],
  ['checkpoints-thinned', () => new ChoresModule(chores, tenants, database, quiet, quiet)],
  [
    'dead-jobs-settled',
    () => new DeadJobChore(chores, { dead: { settle: (_: unknown, id: string) => ask(id) } } as never, tenants, nobody),
  ],
  [
    'archive-kept',
    () =>
      new KeptArchive({ LETHE_ARCHIVE_URL: 'file:///tmp' } as never, chores, tenants, database, { database } as never),
  ],
  [
    'suppressions-forgotten',
    () => ({
      onModuleInit: () =>
        new KeyChores(tenants, nobody, nobody, { forgetExpired: ask } as never, nobody).register(chores),
    }),
  ],
])('%s', async (name, chore) => {
  chore().onModuleInit();
  await expect(runs.get(name)?.(new Date())).rejects.toBe(broken);
  expect(looked).toEqual(['a', 'b', 'c']);
});

it('the audit of the store at a start, which holds up no start', async () => {
  const told: object[] = [];
  const log = { error: (fields: object) => told.push(fields) } as never;
  await new StoreAudit(tenants, nobody, { database } as never, nobody, log).look({ database } as never);
  expect([looked, told]).toEqual([['a', 'b', 'c'], [{ cause: 'Error' }]]);
});

it('the audit of the store', async () => {
  const audit = new StoreAudit(tenants, nobody, nobody, nobody, nobody);
  await expect(audit.audit({ reader: { identity: ask } } as never, true)).rejects.toBe(broken);
  expect(looked).toEqual(['a', 'b', 'c']);
});
