/** Everything an attempt of an erasure needs before it acts: whom it is about, what was kept, and what a hold keeps by now. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { CaseFile } from '../case-file.js';
import type { HoldFact } from '../plan/decision.js';
import { exclusionsOf } from '../plan/exclusion.js';
import type { PlanDetails } from '../plan/plan.js';
import type { RequestState, StepState } from '../request-state.js';
import type { Dataset, Item, TakenBack, VerifiedId } from './connected.js';
import { ConnectedSystems, KeepingRules, SystemCalls } from './connected-systems.js';
import { toTarget, type KeptTarget } from './kept-target.js';
import { LateRecords } from './late-records.js';
import type { TargetOutcome } from './step-outcomes.js';
import type { Attempt } from './step-run.js';

/** One call's material. */
export interface Work extends Attempt {
  tenant: TenantId;
  connectionId: string;
  items: Item[];
  itemKey: string;
  kept: KeptTarget[];
  /** The system's datasets as their table maps have them now: asked by whoever needs them, of this system alone. */
  mapped: () => Promise<readonly Dataset[]>;
  /** Whose holds count. */
  subjects: SubjectId[];
  /** Holds in force now, by dataset. */
  holds: ReadonlyMap<string, HoldFact>;
}

@Injectable()
export class PrepareErasure {
  constructor(
    private readonly file: CaseFile,
    private readonly late: LateRecords,
    private readonly rules: KeepingRules,
    private readonly connected: ConnectedSystems,
    private readonly calls: SystemCalls,
  ) {}

  async work(attempt: Attempt): Promise<Work> {
    const { job, state, step } = attempt;
    const { tenant, generation } = job;
    const { connectionId } = step;
    const planId = state.plan?.planId ?? state.id;
    const itemKey = this.file.itemKey(tenant, planId, step.stepId, generation);
    const details = state.plan ? await this.file.details(tenant, state.plan) : undefined;
    const items: Item[] = [{ itemKey, generation, ids: await this.ids(tenant, state, connectionId, details) }];
    const known = await this.file.targets(tenant, state.id, step);
    // An officer's re-drive also takes what came meanwhile, as far as the approved decision covers it.
    const added = generation > 0 ? await this.late.add(attempt, items, known) : [];
    const subjects = [...new Set([...((details?.subjects ?? []) as SubjectId[]), state.subjectId])];
    const holds = await this.holds(tenant, subjects, step);
    const mapped = async (): Promise<Dataset[]> => (await this.connected.find(tenant, connectionId))?.datasets ?? [];
    return { ...attempt, tenant, connectionId, items, itemKey, kept: [...known, ...added], mapped, subjects, holds };
  }

  /**
   * Outcomes of what a hold keeps although its erasure was approved. What a vendor has taken on already cannot be kept; of
   * what nobody was ever handed, no earlier attempt has done anything.
   */
  async held(work: Work, open: ReadonlyMap<number, KeptTarget>): Promise<{ held: TargetOutcome[]; earlier: number }> {
    const { tenant, connectionId, itemKey, holds, earlier, job } = work;
    const covered = [...open].flatMap(([target, { dataset, count, action }]): TargetOutcome[] => {
      const hold = holds.get(dataset);
      if (!hold || action === 'retain') return [];
      const rule = { ruleId: `hold:${hold.id}`, citation: hold.ground, until: null, reason: 'hold' };
      return [{ target, dataset, kind: 'retained', count, ...rule }];
    });
    if (covered.length === 0) return { held: [], earlier };
    const at = [...open.values()].map((target) => toTarget(target, itemKey));
    const answers = await this.calls.withdraw(tenant, connectionId, itemKey, at);
    const taken = new Map([...open.keys()].map((target, index) => [target, answers[index] ?? 'unknown']));
    const held = covered.filter(({ target }) => !isTakenOn(work, target, taken.get(target) ?? 'unknown'));
    // A re-drive has a key of its own: only the first key speaks for every attempt.
    const unasked = job.generation === 0 && answers.every((one) => one === 'unasked');
    return { held, earlier: unasked ? 0 : earlier };
  }

  /** Verified and derived ones only, and none that an officer excluded here. */
  private async ids(
    tenant: TenantId,
    state: RequestState,
    connectionId: string,
    details: PlanDetails | undefined,
  ): Promise<VerifiedId[]> {
    const exclusions = await exclusionsOf(this.file, tenant, state);
    const except = exclusions.flatMap((one) =>
      one.connectionId === connectionId && one.identifierType ? [one.identifierType] : [],
    );
    return (details?.identifiers ?? [])
      .filter((one) => !except.includes(one.type))
      .map(({ type, value, strength }) => ({ type, value, strength }));
  }

  /** A hold wins over everything, also over an approval that came before it (design section 6). */
  private async holds(
    tenant: TenantId,
    subjects: readonly SubjectId[],
    { connectionId, datasets }: StepState,
  ): Promise<Map<string, HoldFact>> {
    const held = new Map<string, HoldFact>();
    for (const dataset of datasets)
      for (const subject of subjects) {
        const hold = await this.rules.hold(tenant, { subject, connectionId, dataset });
        if (hold) held.set(dataset, hold);
      }
    return held;
  }
}

/** Where nobody but the system can say, its last word counts: pending is taken on. */
function isTakenOn({ step, job }: Work, target: number, taken: TakenBack): boolean {
  if (taken !== 'unknown') return taken === 'taken-on';
  return step.settled.get(target) === 'pending' && step.pending?.generation === job.generation;
}

/** Targets that a hold keeps, found at this attempt or an earlier one. */
export function keptByHold(step: Pick<StepState, 'outcomes'>, held: readonly TargetOutcome[]): Set<number> {
  const earlier = step.outcomes.flatMap(({ reason, targets }) => (reason === 'hold' ? targets : []));
  return new Set([...earlier, ...held.flatMap(({ target, reason }) => (reason === 'hold' ? [target] : []))]);
}
