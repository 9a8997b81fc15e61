/** Routes for turns in a request's course. */
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import {
  CourseOfRequest,
  ExtendBody,
  PauseBody,
  RefuseBody,
  ReopenBody,
  ResumeBody,
  Turned,
  WithdrawBody,
} from './course-of-request.js';

const requestId = z.uuid();
type Turned = z.infer<typeof Turned>;

@Controller('v1/requests/:id')
export class RequestCourseController {
  constructor(private readonly course: CourseOfRequest) {}

  @Post('refuse')
  @Can('decide', 'Request')
  @Audited('request.refuse', 'change')
  @Answers(200, Turned)
  refuseRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: RefuseBody }) body: z.infer<typeof RefuseBody>,
  ): Promise<Turned> {
    return this.course.refuse(by, id, body);
  }

  @Post('extend')
  @Can('decide', 'Request')
  @Audited('request.extend', 'change')
  @Answers(200, Turned)
  extendRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: ExtendBody }) body: z.infer<typeof ExtendBody>,
  ): Promise<Turned> {
    return this.course.extend(by, id, body);
  }

  @Post('pause')
  @Can('decide', 'Request')
  @Audited('request.pause', 'change')
  @Answers(200, Turned)
  pauseRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: PauseBody }) body: z.infer<typeof PauseBody>,
  ): Promise<Turned> {
    return this.course.pause(by, id, body);
  }

  @Post('resume')
  @Can('decide', 'Request')
  @Audited('request.resume', 'change')
  @Answers(200, Turned)
  resumeRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: ResumeBody }) body: z.infer<typeof ResumeBody>,
  ): Promise<Turned> {
    return this.course.resume(by, id, body);
  }

  @Post('withdraw')
  @Can('decide', 'Request')
  @Audited('request.withdraw', 'change')
  @Answers(200, Turned)
  withdrawRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: WithdrawBody }) body: z.infer<typeof WithdrawBody>,
  ): Promise<Turned> {
    return this.course.withdraw(by, id, body);
  }

  @Post('reopen')
  @Can('decide', 'Request')
  @Audited('request.reopen', 'change')
  @Answers(200, Turned)
  reopenRequest(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Body({ schema: ReopenBody }) body: z.infer<typeof ReopenBody>,
  ): Promise<Turned> {
    return this.course.reopen(by, id, body);
  }
}
