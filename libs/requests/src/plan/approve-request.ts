/** Approves a plan by its hash. Each approval looks everywhere again; what has changed asks again, before any write. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import type { Clock, JsonObject } from '#kernel';
import { enqueue } from '#jobs';
import { CLOCK, type Caller } from '#platform';
import { BuildPlan, type PlanDraft } from './build-plan.js';
import { CaseFile } from '../case-file.js';
import { planFact, readPlan, type ReadPlan } from './plan-record.js';
import { changedPlan } from './plan-view.js';
import { ApprovalRule, type Decider } from './approval-rule.js';
import { PLAN_TTL_MS, planChanges, type PlanChange } from './plan.js';
import { beginJob } from '../course/request-jobs.js';
import type { RequestState } from '../request-state.js';
import { fact } from '../request.js';
import { Requests } from '../requests.js';
import {
  alreadyClosed,
  approverRepeated,
  notNow,
  planBlocked,
  planChanged,
  planExpired,
  planMissing,
} from '../requests.errors.js';

export const ApproveBody = z
  .strictObject({ planHash: z.string().regex(/^[0-9a-f]{64}$/) })
  .meta({ id: 'ApproveRequest' });
export const Approved = z
  .strictObject({ id: z.uuid(), status: z.string(), approvals: z.number().int(), needed: z.number().int() })
  .meta({ id: 'ApprovedRequest' });

export class ApproveRequest extends Command<z.infer<typeof Approved>> {
  constructor(
    readonly by: Caller,
    readonly requestId: string,
    readonly body: z.infer<typeof ApproveBody>,
  ) {
    super();
  }
}

@CommandHandler(ApproveRequest)
export class ApproveRequestHandler implements ICommandHandler<ApproveRequest> {
  constructor(
    private readonly requests: Requests,
    private readonly plans: BuildPlan,
    private readonly file: CaseFile,
    private readonly rule: ApprovalRule,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, requestId, body }: ApproveRequest): Promise<z.infer<typeof Approved>> {
    const { tenant } = by;
    const decider = this.rule.decider(by, this.clock.now());
    const state = await this.requests.load(tenant, requestId);
    const plan = await this.approvable(by, state, body.planHash, decider);
    await this.rule.assertNotOwnCase(by, state, plan.details.identifiers);
    const draft = await this.plans.draft(tenant, state, plan.head.ground, this.clock.now());
    const changes = [...(await this.rule.gone(tenant, state)), ...planChanges(plan, draft)];
    if (changes.length > 0) await this.replan(by, state, draft, changes);
    if (draft.head.blockers.length > 0) throw planBlocked(draft.head.blockers);
    const madeAt = new Date(Date.parse(plan.expiresAt) - PLAN_TTL_MS);
    const needed = await this.rule.needed(tenant, state.type, madeAt, this.clock.now());
    let answer = { id: requestId, status: 'deciding', approvals: 0, needed };
    await this.requests.change(
      tenant,
      by.actorRef,
      requestId,
      async (now) => {
        assertDecidable(now, plan.planId, decider);
        const approvals = now.approvals.length + 1;
        answer = { id: requestId, status: approvals >= needed ? 'approved' : 'deciding', approvals, needed };
        const body = { ...answer } as JsonObject;
        const events = [
          fact('RequestApproved.v1', {
            requestId,
            planId: plan.planId,
            hash: plan.hash,
            humanRef: decider.humanRef,
            needed,
          }),
        ];
        return {
          events,
          expect: await this.rule.placeOf(by),
          rows: approvals >= needed ? enqueue(beginJob(requestId, plan.planId)) : [],
          respond: () => ({ status: 200, body }),
        };
      },
      by,
    );
    return answer;
  }

  private async approvable(by: Caller, state: RequestState, hash: string, decider: Decider): Promise<ReadPlan> {
    if (state.status === 'closed') throw alreadyClosed();
    if (!state.plan) throw planMissing();
    assertDecidable(state, state.plan.planId, decider);
    if (Date.parse(state.plan.expiresAt) <= this.clock.now().getTime()) throw planExpired();
    const plan = await readPlan(this.file, by.tenant, state.plan);
    if (plan.hash !== hash) throw planChanged([{ code: 'hash-differs' }], changedPlan(plan));
    if (plan.head.blockers.length > 0) throw planBlocked(plan.head.blockers);
    return plan;
  }

  /** The new plan is recorded, so that it can be read and approved; approvals of the old one are void. */
  private async replan(by: Caller, state: RequestState, draft: PlanDraft, changes: PlanChange[]): Promise<never> {
    const after = await this.requests.change(by.tenant, by.actorRef, state.id, async (now) => {
      // Somebody else's newer plan stands; theirs is the one to read. A request that was withdrawn meanwhile needs none.
      if (now.status !== 'deciding' || now.plan?.planId !== state.plan?.planId) return undefined;
      return { events: [await planFact(this.file, by.tenant, now, draft, 'approval', this.clock.now())] };
    });
    throw planChanged(changes, after.plan ? changedPlan(await readPlan(this.file, by.tenant, after.plan)) : {});
  }
}

function assertDecidable(state: RequestState, planId: string, { humanRefs }: Decider): void {
  if (state.status === 'closed') throw alreadyClosed();
  if (state.approvals.some((one) => humanRefs.includes(one.humanRef) && one.planId === planId))
    throw approverRepeated();
  // Nobody orders anew what he has attested to be done.
  if (state.tasks.some(({ completed }) => completed && humanRefs.includes(completed.humanRef)))
    throw approverRepeated();
  if (state.status !== 'deciding' || state.plan?.planId !== planId)
    throw notNow(state.status, 'Make a plan and approve that.');
}
