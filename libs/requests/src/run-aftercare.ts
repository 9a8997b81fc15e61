/** What was lawfully kept goes by itself when its day is over; nobody has to remember it. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type SubjectId, type TenantId } from '#kernel';
import { done, enqueue, later, type Job, type JobContext, type JobResult } from '#jobs';
import type { NewEvent } from '#ledger';
import { CLOCK } from '#platform';
import { CaseFile } from './case-file.js';
import { ConnectedSystems, KeepingRules, SystemCalls } from './connected-systems.js';
import type { Outcome } from './connected.js';
import { toTarget, type KeptTarget } from './kept-target.js';
import { FINALITY } from './outcome.js';
import { keyClassOf } from './own-records.js';
import { OwnErasure } from './ports.js';
import { certificateJob } from './request-jobs.js';
import type { AftercareState, RequestState, StepState } from './request-state.js';
import { fact, LETHE_ITSELF, streamOf } from './request.js';
import { Requests } from './requests.js';
import { ACTOR, failureResult } from './step-run.js';

const DAY = 86_400_000;

/** The systems side of aftercare, in one. */
@Injectable()
export class AftercareSystems {
  constructor(
    readonly connected: ConnectedSystems,
    readonly calls: SystemCalls,
    readonly rules: KeepingRules,
  ) {}
}

@Injectable()
export class RunAftercare {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly systems: AftercareSystems,
    private readonly own: OwnErasure,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async run(
    { tenant, payload, generation }: Job<{ requestId: string; aftercareId: string }>,
    context: JobContext,
  ): Promise<JobResult> {
    const state = await this.requests.load(tenant, payload.requestId);
    const care = state.aftercare.find((one) => one.aftercareId === payload.aftercareId);
    if (!care || care.done) return done();
    const held = await this.systems.rules.hold(tenant, {
      subject: state.subjectId,
      connectionId: care.connectionId,
      dataset: care.dataset,
    });
    // A hold wins over everything, and the case file outlives what still needs it; tomorrow it is asked again.
    if (held || isNeeded(state, care)) return later(new Date(this.clock.now().getTime() + DAY));
    try {
      const ended =
        care.connectionId === LETHE_ITSELF
          ? await this.eraseOwn(tenant, state, care)
          : await this.erase(tenant, state, care, generation, context);
      return await this.finish(
        tenant,
        state,
        context,
        fact('AftercareDone.v1', { requestId: state.id, aftercareId: care.aftercareId, ...ended }),
      );
    } catch (error) {
      return failureResult(error);
    }
  }

  private async finish(
    tenant: TenantId,
    state: RequestState,
    context: JobContext,
    event: NewEvent,
  ): Promise<JobResult> {
    let result: JobResult = done();
    await this.requests.appending(
      tenant,
      state.id,
      () => ({ events: [event], rows: enqueue(certificateJob(state.id, newId())) }),
      async (change, now) => {
        result = await context.finish({
          actorRef: ACTOR,
          events: change.events,
          rows: change.rows ?? [],
          expect: { [streamOf(state.id)]: now.version },
        });
      },
    );
    return result;
  }

  private async eraseOwn(
    tenant: TenantId,
    state: RequestState,
    care: AftercareState,
  ): Promise<{ kind: 'erased'; count: number }> {
    const subjects = (await this.targets(tenant, state, care)).map((target) => target.ref as SubjectId);
    const keyClass = keyClassOf(care.dataset);
    if (keyClass) for (const subject of subjects) await this.own.erase(tenant, subject, [keyClass]);
    return { kind: 'erased', count: subjects.length };
  }

  private async targets(tenant: TenantId, state: RequestState, care: AftercareState): Promise<KeptTarget[]> {
    const step = careStep(state, care);
    if (!step) return [];
    const kept = await this.file.targets(tenant, state.id, step);
    return care.targets.flatMap((index) => kept[index] ?? []);
  }

  private async erase(
    tenant: TenantId,
    state: RequestState,
    care: AftercareState,
    generation: number,
    context: JobContext,
  ): Promise<{ kind: 'erased' | 'failed'; count: number; code?: string }> {
    const { connectionId, dataset } = care;
    const system = (await this.systems.connected.enabled(tenant)).find((one) => one.id === connectionId);
    const planned = system?.datasets.find((one) => one.name === dataset)?.action;
    // What the table map only ever keeps or strips has no way to go by itself.
    const action = planned === 'erase' || planned === 'anonymise' || planned === 'detach' ? planned : 'erase';
    const itemKey = this.file.itemKey(tenant, care.aftercareId, care.stepId, generation);
    const kept = await this.targets(tenant, state, care);
    const at = kept.map(({ ruleId: _, fields: __, ...target }) => ({ ...toTarget(target, itemKey), action }));
    if (at.length === 0) return { kind: 'failed', count: 0, code: 'targets-unreadable' };
    const plan = state.actedPlans.find((one) => one.planId === careStep(state, care)?.planId);
    const details = plan ? await this.file.details(tenant, plan) : { identifiers: [] };
    const items = [
      { itemKey, generation, ids: details.identifiers.map(({ type, value, strength }) => ({ type, value, strength })) },
    ];
    const outcomes: Outcome[] = [];
    const options = { signal: context.signal };
    for await (const one of this.systems.calls.apply(tenant, connectionId, { kind: 'erasure' }, items, at, options))
      outcomes.push(one);
    const failed = outcomes.find((one) => FINALITY[one.kind] !== 'gone');
    if (failed) return { kind: 'failed', count: 0, code: failed.kind };
    const refs = new Set(at.map((one) => one.ref));
    for await (const one of this.systems.calls.verify(tenant, connectionId, items, at, options))
      if (one.kind === 'residue' && one.dataset === dataset && refs.has(one.ref))
        return { kind: 'failed', count: 0, code: 'residue' };
    return { kind: 'erased', count: at.length };
  }
}

/** The step that kept it, of this round or an earlier one. */
function careStep(state: RequestState, care: AftercareState): StepState | undefined {
  return [...state.steps, ...state.formerSteps].find((one) => one.stepId === care.stepId);
}

function isNeeded(state: RequestState, care: AftercareState): boolean {
  if (care.connectionId !== LETHE_ITSELF || care.dataset !== 'cases') return false;
  return (
    state.status !== 'closed' ||
    state.aftercare.some((one) => one.connectionId !== LETHE_ITSELF && one.done === undefined)
  );
}
