/** Makes a retention plan: zero writes in the connected systems, one fact in the ledger. */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { z } from 'zod';
import { notFound, type Clock } from '#kernel';
import { EventStore } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { DraftPlan } from './draft-plan.js';
import { answerOf, planMade, Plans, viewAfter, type PlanView } from './plans.js';
import { PolicyId } from '../policy.js';
import { noPolicies, tooManyPolicies } from '../retention.errors.js';
import { RetentionRules } from '../retention-rules.js';
import { MOST_POLICIES } from './retention-plan.js';

export const MakePlanBody = z
  .union([z.strictObject({ policyId: PolicyId }), z.strictObject({ all: z.literal(true) })])
  .meta({ id: 'NewRetentionPlan' });

export class MakePlan extends Command<z.infer<typeof PlanView>> {
  constructor(
    readonly by: Caller,
    readonly body: z.infer<typeof MakePlanBody>,
  ) {
    super();
  }
}

@CommandHandler(MakePlan)
export class MakePlanHandler implements ICommandHandler<MakePlan> {
  constructor(
    private readonly store: EventStore,
    private readonly rules: RetentionRules,
    private readonly drafts: DraftPlan,
    private readonly plans: Plans,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async execute({ by, body }: MakePlan): Promise<z.infer<typeof PlanView>> {
    const planner = this.plans.plannerOf(by);
    const ids = (await this.rules.policies(by.tenant)).map(({ id }) => id);
    const chosen = 'policyId' in body ? [body.policyId] : ids;
    if (ids.length === 0 && !('policyId' in body)) throw noPolicies();
    if (chosen.some((id) => !ids.includes(id))) throw notFound('retention policy');
    if (chosen.length > MOST_POLICIES) throw tooManyPolicies();
    const draft = await this.drafts.draft(by.tenant, chosen, await this.rules.today(by.tenant));
    const made = planMade(draft, planner, this.clock.now());
    const view = viewAfter([made]);
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [made],
      expect: { [made.stream]: 0 },
      ...(by.idempotency
        ? { idempotency: by.idempotency, respond: () => ({ status: 201, body: answerOf(view) }) }
        : {}),
    });
    by.idempotency = undefined;
    return view;
  }
}
