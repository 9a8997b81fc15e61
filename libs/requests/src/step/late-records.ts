/** Records that came after the first write: they join when the approved decision covers them, and are listed. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK } from '#platform';
import { BuildPlan } from '../plan/build-plan.js';
import { CaseFile } from '../case-file.js';
import type { Item } from './connected.js';
import type { KeptTarget } from './kept-target.js';
import { planChanges, type PlanHead } from '../plan/plan.js';
import { fact, targetsPlace } from '../request.js';
import { Requests } from '../requests.js';
import { record, type Attempt } from './step-run.js';

@Injectable()
export class LateRecords {
  constructor(
    private readonly requests: Requests,
    private readonly plans: BuildPlan,
    private readonly file: CaseFile,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Keeps what is new, sealed, before it is acted on. Nothing joins from a system that answers under other terms now. */
  async add(attempt: Attempt, items: Item[], known: readonly KeptTarget[]): Promise<KeptTarget[]> {
    const { job, state, step } = attempt;
    const approved = state.plan?.head as unknown as PlanHead | undefined;
    const before = approved?.systems.find((one) => one.connectionId === step.connectionId);
    if (!approved || !before) return [];
    const now = await this.plans.again(job.tenant, state, step.connectionId, items, approved.ground, this.clock.now());
    if (!now) return [];
    const at = { ...approved, systems: [before] };
    const changes = planChanges({ head: at, macs: [] }, { head: { ...at, systems: [now.system] }, macs: [] });
    const named = new Set(known.map((one) => nameOf(one)));
    // Fewer than approved is what an erasure half done looks like; anything else must be approved anew.
    const refused = new Set(changes.filter((one) => one.code !== 'count-outside-band').map((one) => one.dataset ?? ''));
    const counts = new Map(
      now.system.datasets.map((one) => [one.name, one.decisions.reduce((sum, decision) => sum + decision.count, 0)]),
    );
    const limit = (dataset: string): number =>
      before.datasets.find((one) => one.name === dataset)?.decisions.reduce((sum, one) => sum + one.band.to, 0) ?? 0;
    const added = now.targets.filter(
      (one) =>
        !named.has(nameOf(one)) &&
        !refused.has('') &&
        !refused.has(one.dataset) &&
        (counts.get(one.dataset) ?? 0) <= limit(one.dataset),
    );
    if (added.length === 0) return [];
    const from = known.length;
    const targets = await this.file.seal(job.tenant, state, added, targetsPlace(state.id, step.stepId, from));
    const datasets = added.map(({ dataset }) => ({ dataset, count: 1 }));
    await record(this.requests, attempt, () => [
      fact('TargetsKept.v1', {
        requestId: state.id,
        stepId: step.stepId,
        from,
        datasets,
        added: added.length,
        targets,
      }),
    ]);
    return added;
  }
}

const nameOf = ({ dataset, ref }: KeptTarget): string => JSON.stringify([dataset, ref]);
