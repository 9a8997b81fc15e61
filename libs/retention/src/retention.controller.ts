/** Routes of retention: policies, plans, runs. */
import { Body, Controller, Get, Param, Post, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { ApprovePlan, ApprovePlanBody } from './plan/approve-plan.js';
import { DefinePolicy } from './define-policy.js';
import { MakePlan, MakePlanBody } from './plan/make-plan.js';
import { Plans, PlanView, viewOf } from './plan/plans.js';
import { PolicyBody, PolicyId, PolicyView } from './policy.js';
import { RetentionRules } from './retention-rules.js';

const PolicyList = z.strictObject({ items: z.array(PolicyView), next: z.null() }).meta({ id: 'RetentionPolicyList' });
const planId = z.uuid();

@Controller('v1/retention')
export class RetentionController {
  constructor(
    private readonly commands: CommandBus,
    private readonly rules: RetentionRules,
    private readonly plans: Plans,
  ) {}

  @Put('policies/:id')
  @Can('configure', 'Retention')
  @Audited('retention-policy.define', 'change')
  @Answers(200, PolicyView)
  defineRetentionPolicy(
    @By() by: Caller,
    @Param('id', { schema: PolicyId }) id: string,
    @Body({ schema: PolicyBody }) body: z.infer<typeof PolicyBody>,
  ): Promise<z.infer<typeof PolicyView>> {
    return this.commands.execute(new DefinePolicy(by, id, body));
  }

  @Get('policies')
  @Can('read', 'Retention')
  @Audited('retention-policy.list', 'exempt', 'rules about datasets, no personal data')
  @Answers(200, PolicyList)
  async listRetentionPolicies(@By() by: Caller): Promise<z.infer<typeof PolicyList>> {
    return { items: await this.rules.policies(by.tenant), next: null };
  }

  @Post('plans')
  @Can('open', 'Retention')
  @Audited('retention-plan.make', 'change')
  @Answers(201, PlanView)
  makeRetentionPlan(
    @By() by: Caller,
    @Body({ schema: MakePlanBody }) body: z.infer<typeof MakePlanBody>,
  ): Promise<z.infer<typeof PlanView>> {
    return this.commands.execute(new MakePlan(by, body));
  }

  @Get('plans/:id')
  @Can('read', 'Retention')
  @Audited('retention-plan.read', 'exempt', 'counts and versions, no personal data')
  @Answers(200, PlanView)
  async getRetentionPlan(
    @By() by: Caller,
    @Param('id', { schema: planId }) id: string,
  ): Promise<z.infer<typeof PlanView>> {
    return viewOf(await this.plans.get(by.tenant, id));
  }

  @Post('plans/:id/approve')
  @Can('approve', 'Retention')
  @Audited('retention-plan.approve', 'change')
  @Answers(200, PlanView)
  approveRetentionPlan(
    @By() by: Caller,
    @Param('id', { schema: planId }) id: string,
    @Body({ schema: ApprovePlanBody }) body: z.infer<typeof ApprovePlanBody>,
  ): Promise<z.infer<typeof PlanView>> {
    return this.commands.execute(new ApprovePlan(by, id, body.hash));
  }
}
