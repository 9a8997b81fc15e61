/** The chores of propagation visit every tenant, whatever hinders them in one. */
import { expect, it } from '@jest/globals';
import type { ChoreRun } from '#jobs';
import { newId, type TenantId } from '#kernel';
import type { Config } from '#platform';
import type { PublicEvents } from './event/public-events.js';
import { PropagationWorker, type PropagationRunning, type PropagationWork } from './propagation.worker.js';

it('go on behind a tenant in which they fail, and say that they failed', async () => {
  const [bad, good] = [newId() as TenantId, newId() as TenantId];
  const visited: TenantId[] = [];
  const visit = (tenant: TenantId): Promise<void> => {
    visited.push(tenant);
    return tenant === bad ? Promise.reject(new Error('locked')) : Promise.resolve();
  };
  const runs: ChoreRun[] = [];
  const work = {
    lanes: { resume: visit },
    late: { escalate: visit },
    tenants: { all: () => Promise.resolve([{ id: bad }, { id: good }]) },
  } as unknown as PropagationWork;
  const running = {
    subscriptions: { project: () => undefined, process: () => undefined },
    jobs: { handle: () => undefined, dead: { judge: () => undefined } },
    chores: { every: (_name: string, _intervalMs: number, run: ChoreRun) => runs.push(run) },
  } as unknown as PropagationRunning;
  const config = { LETHE_ROLES: ['worker'] } as unknown as Config;
  new PropagationWorker(work, {} as PublicEvents, running, config).onModuleInit();
  for (const run of runs) await expect(run(new Date('2026-11-22T12:00:00Z'))).rejects.toThrow('locked');
  expect(visited).toEqual([bad, good, bad, good]);
});
