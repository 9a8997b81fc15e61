/** After a restore: what was erased in a connection is erased there again, record by record, and nothing else. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { CaseFile } from '../case-file.js';
import { LETHE_ITSELF } from '../request.js';
import { Requests } from '../requests.js';
import type { RequestState, StepState } from '../request-state.js';
import { DECLARED_REF, type Item, type Outcome } from './connected.js';
import { ConnectedSystems, SystemCalls, type ConnectedSystem } from './connected-systems.js';
import { actionAfter, toTarget, type KeptTarget } from './kept-target.js';
import { asKept, erasureOf } from './left-alone.js';
import { FINALITY } from './outcome.js';
import { eventData } from './replay-keys.js';
import { isCaseFile } from './case-files.js';
import { failureResult } from './step-run.js';

/** What was done again in one connection for one request. Counts and ids only. */
export interface ReplayedStep {
  requestId: string;
  connectionId: string;
  /** Records that the erasure was about. */
  records: number;
  /** Records that were back and are gone, or hold nothing any more, again. */
  again: number;
  /** Records of then that are still there: the quarantine must not end. */
  left: number;
  /** Records that lead to the same identifiers and are none of those of then: a new account, untouched. Absent when the system cannot say. */
  newer?: number;
  /** Its case file ended on its day, and with it the list of its records: nobody can do it again, and no backup is that old. */
  ended?: true;
  /** Why it could not be done. */
  failure?: string;
}

const CALL_MS = 10 * 60_000;

@Injectable()
export class ReplayErasures {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly systems: ConnectedSystems,
    private readonly calls: SystemCalls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Every erasure that reached a connection, in the order in which it was begun. */
  async *again(tenant: TenantId): AsyncGenerator<ReplayedStep> {
    const enabled = new Map((await this.systems.enabled(tenant)).map((system) => [system.id, system]));
    const begun = await eventData<{ requestId: string }>(this.requests.store.database, tenant, 'ActingStarted.v1');
    for (const requestId of new Set(begun.map((one) => one.requestId))) {
      const state = await this.requests.load(tenant, requestId);
      if (state.type !== 'erasure') continue;
      for (const step of [...state.formerSteps, ...state.steps]) {
        if (step.connectionId === LETHE_ITSELF || step.settled.size === 0) continue;
        yield hasEnded(state)
          ? { requestId, connectionId: step.connectionId, records: step.settled.size, again: 0, left: 0, ended: true }
          : await this.stepAgain(tenant, state, step, enabled);
      }
    }
  }

  private async stepAgain(
    tenant: TenantId,
    state: RequestState,
    step: StepState,
    enabled: ReadonlyMap<string, ConnectedSystem>,
  ): Promise<ReplayedStep> {
    const { connectionId } = step;
    const none = { requestId: state.id, connectionId, records: step.settled.size, again: 0, left: 0 };
    const system = enabled.get(connectionId);
    if (!system) return { ...none, failure: 'connection-not-enabled' };
    try {
      return { ...none, ...(await this.act(tenant, state, step, system)) };
    } catch (error) {
      return { ...none, failure: causeOf(error) };
    }
  }

  private async act(
    tenant: TenantId,
    state: RequestState,
    step: StepState,
    system: ConnectedSystem,
  ): Promise<Partial<ReplayedStep>> {
    const { connectionId } = step;
    const targets = settledTargets(state, step, await this.file.targets(tenant, state.id, step), system);
    const itemKey = this.file.itemKey(tenant, `replay|${step.planId}`, step.stepId, 0);
    const items: Item[] = [{ itemKey, generation: 0, ids: await this.ids(tenant, state, step) }];
    const at = targets.map((target) => toTarget(target, itemKey));
    const todo = at.filter(({ action }) => action !== 'retain');
    const erasure = erasureOf(targets, new Set(), itemKey);
    const options = { deadline: new Date(this.clock.now().getTime() + CALL_MS) };
    const outcomes: Outcome[] = [];
    if (todo.length > 0)
      for await (const one of this.calls.apply(tenant, connectionId, erasure, items, todo, options)) outcomes.push(one);
    const then = new Set(targets.map(({ dataset, ref }) => `${dataset} ${ref}`));
    const left = new Set<string>();
    for await (const { dataset, ...one } of this.calls.verify(tenant, connectionId, items, at, options))
      if (one.kind === 'residue' && then.has(`${dataset} ${one.ref}`)) left.add(`${dataset} ${one.ref}`);
    const newer = await this.newer(tenant, connectionId, items, then).catch(() => undefined);
    const failed = outcomes.find(({ kind }) => FINALITY[kind] === 'failed' || FINALITY[kind] === 'open');
    return {
      again: outcomes.reduce((sum, one) => sum + (isChange(one) ? one.count : 0), 0),
      left: left.size,
      ...(newer === undefined ? {} : { newer }),
      ...(failed === undefined ? {} : { failure: failed.kind }),
    };
  }

  /**
   * Searched by what the person proved alone: derived identifiers are those of the erased account, and tell a new one apart
   * from it, which is why the second read names none of its records.
   */
  private async newer(
    tenant: TenantId,
    connectionId: string,
    items: Item[],
    then: ReadonlySet<string>,
  ): Promise<number> {
    const found = new Set<string>();
    const proven = items.map((item) => ({ ...item, ids: item.ids.filter(({ strength }) => strength === 'verified') }));
    for await (const { dataset, ref } of this.calls.locate(tenant, connectionId, proven))
      if (ref !== DECLARED_REF && !then.has(`${dataset} ${ref}`)) found.add(`${dataset} ${ref}`);
    return found.size;
  }

  /** Those of the plan that was acted on. */
  private async ids(tenant: TenantId, state: RequestState, step: StepState): Promise<Item['ids']> {
    const plan = [...state.actedPlans, ...(state.plan ? [state.plan] : [])].find(
      ({ planId }) => planId === step.planId,
    );
    if (!plan) return [];
    const { identifiers } = await this.file.details(tenant, plan);
    return identifiers.map(({ type, value, strength }) => ({ type, value, strength }));
  }
}

/** A file of before ends with the last of its groups, without a fact of its own. */
function hasEnded({ fileEnded, aftercare }: RequestState): boolean {
  const files = aftercare.filter(isCaseFile);
  return fileEnded === true || (files.length > 0 && files.every(({ done }) => done?.kind === 'erased'));
}

/** What was settled then, with its action; what stayed under a duty and went on its day goes at once, in the same way. */
function settledTargets(
  state: RequestState,
  step: StepState,
  targets: readonly KeptTarget[],
  { datasets }: ConnectedSystem,
): KeptTarget[] {
  const over = new Set(
    state.aftercare
      .filter((care) => care.stepId === step.stepId && care.done?.kind === 'erased')
      .flatMap((care) => care.targets),
  );
  return targets.flatMap((target, index) => {
    const kind = step.settled.get(index);
    if (kind === undefined || !['gone', 'kept'].includes(FINALITY[kind])) return [];
    if (!over.has(index)) return [asKept(target, index, step)];
    const mapped = datasets.find(({ name }) => name === target.dataset);
    return [{ ...target, action: actionAfter(target, mapped) }];
  });
}

function isChange({ kind }: Outcome): boolean {
  return FINALITY[kind] === 'gone' && kind !== 'not-found';
}

/** A connector's code, or that of what is unreadable; anything else ends the replay. */
function causeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (code === 'case-unreadable') return code;
  const result = failureResult(error);
  return 'code' in result && typeof result.code === 'string' ? result.code : result.kind;
}
