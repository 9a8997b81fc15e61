/** Makes a plan: searches everywhere, decides about every record, writes nothing anywhere. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { unprocessable, type Clock } from '#kernel';
import { groundsOf, legalRule, type RegimeId } from '#law';
import { CLOCK, type Caller } from '#platform';
import { BuildPlan } from './build-plan.js';
import { CaseFile } from '../case-file.js';
import { planFact, readPlan } from './plan-record.js';
import { planView, type PlanView } from './plan-view.js';
import type { RequestState } from '../request-state.js';
import { Requests } from '../requests.js';
import { alreadyClosed, notNow } from '../requests.errors.js';

/** `ground`: a rule id of the law engine such as `gdpr-17-1-b`; default: no longer needed (17(1)(a)). */
export const MakePlanBody = z.strictObject({ ground: z.string().min(1).max(64).optional() }).meta({ id: 'MakePlan' });

export class MakePlan extends Command<PlanView> {
  constructor(
    readonly by: Caller,
    readonly requestId: string,
    readonly body: z.infer<typeof MakePlanBody>,
  ) {
    super();
  }
}

@CommandHandler(MakePlan)
export class MakePlanHandler implements ICommandHandler<MakePlan> {
  constructor(
    private readonly requests: Requests,
    private readonly plans: BuildPlan,
    private readonly file: CaseFile,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, requestId, body }: MakePlan): Promise<PlanView> {
    const state = await this.requests.load(by.tenant, requestId);
    assertPlannable(state);
    const draft = await this.plans.draft(by.tenant, state, groundOf(state, body.ground), this.clock.now());
    const after = await this.requests.change(by.tenant, by.actorRef, requestId, async (now) => {
      assertPlannable(now);
      return { events: [await planFact(this.file, by.tenant, now, draft, 'asked', this.clock.now())] };
    });
    by.saw(after.subjectId, 'identifiers', 'plan');
    // The answer shows more than ids: it is read again for a repeat, never kept.
    by.idempotency = undefined;
    // Another call may have set it aside before this one read it again.
    if (!after.plan) throw notNow(after.status, 'The plan was set aside meanwhile. Read the request.');
    return planView(await readPlan(this.file, by.tenant, after.plan));
  }
}

function assertPlannable(state: RequestState): void {
  if (state.status === 'closed') throw alreadyClosed();
  if (state.type !== 'access' && state.type !== 'erasure') throw notNow(state.status, 'This right needs no plan.');
  // An approval that could not be carried out because a system stayed silent is decided about anew.
  const notBegun = state.status === 'incomplete' && state.steps.length === 0;
  if (!notBegun && !['identifying', 'deciding', 'approved'].includes(state.status))
    throw notNow(state.status, 'Nothing can be planned while it is carried out.');
}

function groundOf({ type, regimes }: RequestState, wished: string | undefined): string {
  if (type === 'access') return `${regimes[0] ?? 'eu-gdpr'}/access`;
  if (wished !== undefined) {
    if (legalRule(wished)?.kind !== 'ground')
      throw unprocessable(
        'ground-unknown',
        'The ground is not one the law engine knows. Use a rule id such as gdpr-17-1-b (docs/rules.md).',
      );
    return wished;
  }
  return (
    regimes.map((regime: RegimeId) => groundsOf(regime)[0]?.ruleId).find((one) => one !== undefined) ??
    `${regimes[0] ?? 'eu-gdpr'}/erasure`
  );
}
