/** Bugs that are planted on purpose: the simulation must find each of them. */
import type { KeyProvider } from '#platform';
import type { Sealer } from '#subjects';
import { newId, type TenantId } from '#kernel';
import type { Job, JobContext, JobResult } from '#jobs';
import { CaseFile } from '../../libs/requests/src/case-file.js';
import { LETHE_ITSELF } from '../../libs/requests/src/request.js';
import { BeginRequest } from '../../libs/requests/src/step/begin-request.js';
import type { LastLook } from '../../libs/requests/src/step/last-look.js';
import type { SystemCalls } from '../../libs/requests/src/step/connected-systems.js';
import { toTarget } from '../../libs/requests/src/step/kept-target.js';
import type { Requests } from '../../libs/requests/src/requests.js';

/**
 * `new-key`: every attempt calls with another key. `act-first`: a write happens before the located ids are kept.
 * `no-fence`: who lost a job may still settle it. `silence-is-done`: no answer counts as a good one. `aftercare-lies`: what is
 * kept until a day is said to be erased on it, and nobody was asked to.
 */
export type Plant = 'new-key' | 'act-first' | 'no-fence' | 'silence-is-done' | 'aftercare-lies';
export const PLANTS: readonly Plant[] = ['new-key', 'act-first', 'no-fence', 'silence-is-done', 'aftercare-lies'];

class KeyAnew extends CaseFile {
  override itemKey(tenant: TenantId, planId: string, stepId: string, generation: number): string {
    return `${super.itemKey(tenant, planId, stepId, generation)}/${newId()}`;
  }
}

export function plantedCaseFile(plant: Plant | undefined, sealer: Sealer, keys: KeyProvider): CaseFile | undefined {
  return plant === 'new-key' ? new KeyAnew(sealer, keys) : undefined;
}

type BeginParts = ConstructorParameters<typeof BeginRequest>;

/** Erases what it finds, and only then writes down what that was. */
class ActFirst extends BeginRequest {
  private readonly parts: { requests: Requests; look: LastLook; file: CaseFile };

  constructor(
    private readonly calls: SystemCalls,
    ...[requests, look, file, suppressions, clock]: BeginParts
  ) {
    super(requests, look, file, suppressions, clock);
    this.parts = { requests, look, file };
  }

  override async run(job: Job<{ requestId: string; planId: string }>, context: JobContext): Promise<JobResult> {
    const { requests, look, file } = this.parts;
    const { tenant, payload } = job;
    const state = await requests.load(tenant, payload.requestId);
    if (state.type === 'erasure' && state.status === 'approved' && state.plan) {
      const { draft } = await look.at(tenant, state, state.plan);
      const itemKey = file.itemKey(tenant, payload.planId, 'first', 0);
      for (const [connectionId, targets] of draft.targets) {
        if (connectionId === LETHE_ITSELF || targets.length === 0) continue;
        const at = targets.map((target) => toTarget(target, itemKey));
        const items = [{ itemKey, generation: 0, ids: [] }];
        for await (const _ of this.calls.apply(tenant, connectionId, { kind: 'erasure' }, items, at)) continue;
      }
    }
    return super.run(job, context);
  }
}

export function plantedBegin(plant: Plant | undefined, calls: SystemCalls, ...parts: BeginParts): BeginRequest {
  return plant === 'act-first' ? new ActFirst(calls, ...parts) : new BeginRequest(...parts);
}

export function plantedCalls(plant: Plant | undefined, calls: SystemCalls): SystemCalls {
  if (plant !== 'silence-is-done') return calls;
  const bound = (name: 'locate' | 'read' | 'poll' | 'withdraw' | 'horizon') => calls[name].bind(calls) as never;
  const silent: SystemCalls = {
    ...{
      locate: bound('locate'),
      read: bound('read'),
      poll: bound('poll'),
      withdraw: bound('withdraw'),
      horizon: bound('horizon'),
    },
    async *apply(...call) {
      try {
        yield* calls.apply(...call);
      } catch {
        for (const { itemKey, dataset, ref } of call[4]) yield { itemKey, dataset, ref, count: 1, kind: 'erased' };
      }
    },
    async *verify(...call) {
      try {
        yield* calls.verify(...call);
      } catch {
        for (const dataset of new Set(['accounts', 'invoices']))
          yield { itemKey: call[2][0]?.itemKey ?? '', dataset, kind: 'clean' };
      }
    },
  };
  return silent;
}

export function plantedAftercare(plant: Plant | undefined, calls: SystemCalls): SystemCalls {
  if (plant !== 'aftercare-lies') return calls;
  const lies: Pick<SystemCalls, 'apply' | 'verify'> = {
    async *apply(...call) {
      for (const { itemKey, dataset, ref } of call[4]) yield { itemKey, dataset, ref, count: 1, kind: 'erased' };
    },
    async *verify() {},
  };
  return Object.assign(Object.create(calls) as SystemCalls, lies);
}
