/** Work that only a human can do or attest, and what an officer decides about a target that failed. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { conflict, newId, notFound, type Clock, type JsonObject } from '#kernel';
import { acceptDeadJob, appendFenced, readDeadJob, retryDeadJob, turnJobManual, type JobDecision } from '#jobs';
import { addDays, dateInZone } from '#law';
import { Database, type Append } from '#ledger';
import { CLOCK, vouchedHuman, type Caller } from '#platform';
import { CaseFile } from './case-file.js';
import { ApprovalRule, type Decider } from './plan/approval-rule.js';
import { withNextMove } from './course/next-move.js';
import type { RequestState, StepState, TaskState } from './request-state.js';
import { careForKept } from './step/kept-care.js';
import { fact, notePlace, streamOf } from './request.js';
import { Requests, type Change } from './requests.js';
import { approverCannotAttest, approverRepeated, notNow } from './requests.errors.js';

export const CompleteTaskBody = z
  .strictObject({ outcome: z.enum(['done', 'nothing-found']), proof: z.string().min(1).max(4000) })
  .meta({ id: 'CompleteRequestTask' });
export const TargetDecisionBody = z
  .strictObject({ reason: z.string().min(1).max(2000) })
  .meta({ id: 'DecideRequestTarget' });
export const Decided = z
  .strictObject({ id: z.uuid(), status: z.string(), final: z.boolean() })
  .meta({ id: 'DecidedRequestTarget' });

type Decided = z.infer<typeof Decided>;
/** Days an officer has for what a connector could not do. */
const TASK_DAYS = 7;

@Injectable()
export class ManualTasks {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly rule: ApprovalRule,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** 409 `approver-cannot-attest` for a human who approved, or who made the work manual: nobody attests what he ordered. */
  async complete(by: Caller, id: string, taskId: string, body: z.infer<typeof CompleteTaskBody>): Promise<Decided> {
    const decider = this.rule.decider(by, this.clock.now());
    return this.decide(by, id, async (state) => {
      await this.rule.assertNotOwnCase(by, state);
      const task = state.tasks.find((one) => one.taskId === taskId);
      if (!task) throw notFound('task');
      if (task.completed) throw conflict('task-completed', 'The task is completed already.');
      assertMayAttest(state, task, decider);
      const proof = await this.file.seal(by.tenant, state, body.proof, notePlace(id, `task/${taskId}`));
      const done = fact('ManualTaskCompleted.v1', {
        ...{ requestId: id, taskId, humanRef: decider.humanRef, outcome: body.outcome, proof },
      });
      return { change: { events: [done] }, final: true };
    });
  }

  /** Tries again as another effect: outside keys carry the new generation. */
  retry(by: Caller, id: string, connectionId: string, body: z.infer<typeof TargetDecisionBody>): Promise<Decided> {
    return this.redrive(by, id, connectionId, body.reason, async (step) => ({
      how: 'retry',
      final: true,
      jobs: retryDeadJob(await this.deadJob(by, step), this.clock.now()),
    }));
  }

  /** A human does it by hand, with proof, until the task's day. */
  manual(by: Caller, id: string, connectionId: string, body: z.infer<typeof TargetDecisionBody>): Promise<Decided> {
    return this.redrive(by, id, connectionId, body.reason, async (step) => ({
      how: 'manual',
      final: true,
      jobs: turnJobManual(await this.deadJob(by, step), this.clock.now()),
    }));
  }

  /** It stays undone and the answer says so. Where an erasure is touched, two different humans must say it. */
  accept(by: Caller, id: string, connectionId: string, body: z.infer<typeof TargetDecisionBody>): Promise<Decided> {
    const { humanRefs } = this.rule.decider(by, this.clock.now());
    return this.redrive(by, id, connectionId, body.reason, async (step, state) => {
      await this.rule.assertNotOwnCase(by, state);
      if (step.acceptedBy.some((one) => humanRefs.includes(one))) throw approverRepeated();
      const standing = await this.rule.standing(by.tenant, step.acceptedBy);
      const final = state.type !== 'erasure' || standing.length > 0;
      const jobs = final
        ? acceptDeadJob(await this.deadJob(by, step), { code: 'accepted-undone' }, this.clock.now())
        : { events: [], rows: [] };
      return { how: 'accept', final, jobs };
    });
  }

  private async redrive(
    by: Caller,
    id: string,
    connectionId: string,
    reason: string,
    choose: (
      step: StepState,
      state: RequestState,
    ) => Promise<{ how: 'retry' | 'manual' | 'accept'; final: boolean; jobs: JobDecision }>,
  ): Promise<Decided> {
    const humanRef = this.humanRef(by);
    return this.decide(by, id, async (state) => {
      const step = state.steps.find((one) => one.connectionId === connectionId);
      if (!step) throw notFound('target');
      if (!step.failure || step.handled)
        throw notNow(state.status, 'This target has not failed, or is decided about already.');
      const { how, final, jobs } = await choose(step, state);
      const sealed = await this.file.seal(
        by.tenant,
        state,
        reason,
        notePlace(id, `redrive/${step.stepId}/${state.version}`),
      );
      const redriven = fact('StepRedriven.v1', {
        requestId: id,
        stepId: step.stepId,
        how,
        humanRef,
        final,
        reason: sealed,
      });
      const tasks = how === 'manual' ? [this.task(state, step)] : [];
      // Nobody runs it again: what it kept so far is all it keeps, and has a day.
      const ends = final && how !== 'retry' && state.type === 'erasure';
      const care = ends ? careForKept(state, step, this.clock.now()) : { events: [], rows: [] };
      const change = { events: [redriven, ...tasks, ...care.events], rows: [...jobs.rows, ...care.rows] };
      return { change, jobs, final };
    });
  }

  private task(state: RequestState, step: StepState): ReturnType<typeof fact> {
    const dueOn = addDays(dateInZone(this.clock.now(), state.timeZone), TASK_DAYS);
    return fact('ManualTaskOpened.v1', {
      ...{
        requestId: state.id,
        taskId: newId(),
        kind: 'dead-letter',
        systemId: step.stepId,
        systemName: step.connectionId,
      },
      ...{ why: step.failure?.code ?? 'failed', owner: 'privacy-office', dueOn },
    });
  }

  /** The job's own facts stand in its own stream and are not folded here; both are one append. */
  private async decide(
    by: Caller,
    id: string,
    choose: (state: RequestState) => Promise<{ change: Change; jobs?: JobDecision; final: boolean }>,
  ): Promise<Decided> {
    let answer: Decided = { id, status: '', final: false };
    await this.requests.appending(
      by.tenant,
      id,
      async (state) => {
        const { change, jobs, final } = await choose(state);
        const next = withNextMove(state, change);
        answer = { id, status: state.status, final };
        return { ...next, events: [...next.events, ...(jobs?.events ?? [])] };
      },
      async ({ events, rows }, state) => {
        const body: JsonObject = { ...answer };
        const claim: Partial<Append> = by.idempotency
          ? { idempotency: by.idempotency, respond: () => ({ status: 200, body }) }
          : {};
        await appendFenced(this.requests.store, {
          tenant: by.tenant,
          actorRef: by.actorRef,
          events,
          rows: rows ?? [],
          expect: { [streamOf(id)]: state.version },
          ...claim,
        });
        by.idempotency = undefined;
      },
    );
    return answer;
  }

  private humanRef(by: Caller): string {
    return this.file.humanRef(by.tenant, vouchedHuman(by).humanId);
  }

  private deadJob(by: Caller, step: StepState): ReturnType<typeof readDeadJob> {
    return readDeadJob(this.database, by.tenant, step.failure?.jobId ?? step.jobId);
  }
}

/** Attesting and ordering are different people's: neither an approver nor whoever turned the failed work into a task. */
function assertMayAttest(state: RequestState, task: TaskState, { humanRefs }: Decider): void {
  if (state.approvals.some((one) => humanRefs.includes(one.humanRef))) throw approverCannotAttest();
  const step = task.kind === 'dead-letter' ? state.steps.find((one) => one.stepId === task.systemId) : undefined;
  if (step?.manualBy !== undefined && humanRefs.includes(step.manualBy)) throw approverCannotAttest();
}
