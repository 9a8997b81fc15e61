/** Routes from receipt to approval. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { ApproveBody, Approved, ApproveRequest } from './plan/approve-request.js';
import { ExcludeBody, Excluded, ExcludeFromPlan } from './plan/exclude-from-plan.js';
import { IdentifyBody, Identified, IdentifySubject } from './identify/identify-subject.js';
import { MakePlan, MakePlanBody } from './plan/make-plan.js';
import { OpenedRequest, OpenRequest, OpenRequestBody } from './opening/open-request.js';
import { PlanView } from './plan/plan-view.js';
import { ReadRequest } from './reading/read-request.js';
import { RequestView } from './reading/request-view.js';
import { SearchBody, SearchRequests, SummaryList } from './reading/search-requests.js';
import { SendCodeBody, SendVerificationCode, SentCode } from './identify/send-verification-code.js';

const requestId = z.uuid();

@Controller('v1/requests')
export class RequestsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly reads: ReadRequest,
    private readonly list: SearchRequests,
  ) {}

  @Post()
  @Can('open', 'Request')
  @Audited('request.open', 'change')
  @Answers(201, OpenedRequest)
  openRequest(
    @By() by: Caller,
    @Body({ schema: OpenRequestBody }) body: z.infer<typeof OpenRequestBody>,
  ): Promise<z.infer<typeof OpenedRequest>> {
    return this.commands.execute(new OpenRequest(by, body));
  }

  @Post('search')
  @Can('read', 'Request')
  @Audited('request.search', 'read')
  @Answers(200, SummaryList)
  searchRequests(
    @By() by: Caller,
    @Body({ schema: SearchBody }) body: z.infer<typeof SearchBody>,
  ): Promise<z.infer<typeof SummaryList>> {
    return this.list.page(by, body);
  }

  @Get(':id')
  @Can('read', 'Request')
  @Audited('request.read', 'read')
  @Answers(200, RequestView)
  readRequest(@By() by: Caller, @Param('id', { schema: requestId }) id: string): Promise<RequestView> {
    return this.reads.request(by, id);
  }

  @Post(':id/verification-codes')
  @Can('decide', 'Request')
  @Audited('request.send-code', 'change')
  @Answers(201, SentCode)
  sendVerificationCode(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: SendCodeBody }) body: z.infer<typeof SendCodeBody>,
  ): Promise<z.infer<typeof SentCode>> {
    return this.commands.execute(new SendVerificationCode(by, id, body));
  }

  @Post(':id/identify')
  @Can('decide', 'Request')
  @Audited('request.identify', 'change')
  @Answers(200, Identified)
  identifySubject(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: IdentifyBody }) body: z.infer<typeof IdentifyBody>,
  ): Promise<z.infer<typeof Identified>> {
    return this.commands.execute(new IdentifySubject(by, id, body));
  }

  @Post(':id/plan')
  @Can('decide', 'Request')
  @Audited('request.plan', 'change')
  @Answers(200, PlanView)
  makePlan(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: MakePlanBody }) body: z.infer<typeof MakePlanBody>,
  ): Promise<PlanView> {
    return this.commands.execute(new MakePlan(by, id, body));
  }

  @Get(':id/plan')
  @Can('read', 'Request')
  @Audited('request.read-plan', 'read')
  @Answers(200, PlanView)
  readPlan(@By() by: Caller, @Param('id', { schema: requestId }) id: string): Promise<PlanView> {
    return this.reads.plan(by, id);
  }

  @Post(':id/exclusions')
  @Can('decide', 'Request')
  @Audited('request.exclude', 'change')
  @Answers(201, Excluded)
  excludeFromPlan(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: ExcludeBody }) body: z.infer<typeof ExcludeBody>,
  ): Promise<z.infer<typeof Excluded>> {
    return this.commands.execute(new ExcludeFromPlan(by, id, body));
  }

  @Post(':id/approve')
  @Can('approve', 'Request')
  @Audited('request.approve', 'change')
  @Answers(200, Approved)
  approveRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: ApproveBody }) body: z.infer<typeof ApproveBody>,
  ): Promise<z.infer<typeof Approved>> {
    return this.commands.execute(new ApproveRequest(by, id, body));
  }
}
