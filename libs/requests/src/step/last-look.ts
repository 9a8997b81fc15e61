/** The look right before the first write: is what was approved still what would be done, and do they still stand who approved it? */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { CaseFile } from '../case-file.js';
import { ApprovalRule } from '../plan/approval-rule.js';
import { BuildPlan, type PlanDraft } from '../plan/build-plan.js';
import { readPlan } from '../plan/plan-record.js';
import { planChanges, type PlanHead } from '../plan/plan.js';
import type { RequestState } from '../request-state.js';

/** What was approved in the last minute of a plan may still begin. */
const BEGIN_GRACE_MS = 3_600_000;

/** `asks`: the draft is a plan of its own, for people to decide. */
export interface LookedAgain {
  approved: PlanHead;
  draft: PlanDraft;
  asks: boolean;
}

@Injectable()
export class LastLook {
  constructor(
    private readonly plans: BuildPlan,
    private readonly file: CaseFile,
    private readonly rule: ApprovalRule,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Errors: 409 `plan-unconfirmed` while a system is silent. */
  async at(tenant: TenantId, state: RequestState, plan: NonNullable<RequestState['plan']>): Promise<LookedAgain> {
    const now = this.clock.now();
    const approved = await readPlan(this.file, tenant, plan);
    const draft = await this.plans.draft(tenant, state, approved.head.ground, now);
    const changes = [...(await this.rule.gone(tenant, state)), ...planChanges(approved, draft)];
    // An approval that nobody could carry out for so long has expired.
    const expired = Date.parse(plan.expiresAt) + BEGIN_GRACE_MS <= now.getTime();
    const asks = expired || changes.length > 0 || draft.head.blockers.length > 0;
    return { approved: approved.head, draft, asks };
  }
}
