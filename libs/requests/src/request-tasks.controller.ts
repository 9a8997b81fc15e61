/** Routes for manual tasks and for targets that failed. */
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Audited, By, Can, Caller } from '#platform';
import { CompleteTaskBody, Decided, ManualTasks, TargetDecisionBody } from './manual-tasks.js';
import { ReadRequest } from './reading/read-request.js';
import { TaskList } from './reading/request-view.js';

const requestId = z.uuid();
/** A connection's id, or `lethe` for Lethe itself. */
const connectionId = z.string().regex(/^[a-z0-9-]{1,64}$/);
type Decided = z.infer<typeof Decided>;
type Decision = z.infer<typeof TargetDecisionBody>;

@Controller('v1/requests/:id')
export class RequestTasksController {
  constructor(
    private readonly tasks: ManualTasks,
    private readonly reads: ReadRequest,
  ) {}

  @Get('tasks')
  @Can('read', 'Request')
  @Audited('request.tasks', 'exempt', 'names systems, owners and dates, no person')
  @Answers(200, TaskList)
  listRequestTasks(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
  ): Promise<z.infer<typeof TaskList>> {
    return this.reads.tasks(by, id);
  }

  @Post('tasks/:taskId/complete')
  @Can('decide', 'Request')
  @Audited('request.complete-task', 'change')
  @Answers(200, Decided)
  completeRequestTask(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Param('taskId', { schema: requestId }) taskId: string,
    @Body({ schema: CompleteTaskBody }) body: z.infer<typeof CompleteTaskBody>,
  ): Promise<Decided> {
    return this.tasks.complete(by, id, taskId, body);
  }

  @Post('targets/:connectionId/retry')
  @Can('decide', 'Request')
  @Audited('request.retry-target', 'change')
  @Answers(200, Decided)
  retryRequestTarget(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Param('connectionId', { schema: connectionId }) connection: string,
    @Body({ schema: TargetDecisionBody }) body: Decision,
  ): Promise<Decided> {
    return this.tasks.retry(by, id, connection, body);
  }

  @Post('targets/:connectionId/manual')
  @Can('decide', 'Request')
  @Audited('request.manual-target', 'change')
  @Answers(200, Decided)
  handleRequestTargetManually(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Param('connectionId', { schema: connectionId }) connection: string,
    @Body({ schema: TargetDecisionBody }) body: Decision,
  ): Promise<Decided> {
    return this.tasks.manual(by, id, connection, body);
  }

  @Post('targets/:connectionId/accept')
  @Can('approve', 'Request')
  @Audited('request.accept-target', 'change')
  @Answers(200, Decided)
  acceptRequestTarget(
    @By() by: Caller,
    @Param('id', { schema: requestId }) id: string,
    @Param('connectionId', { schema: connectionId }) connection: string,
    @Body({ schema: TargetDecisionBody }) body: Decision,
  ): Promise<Decided> {
    return this.tasks.accept(by, id, connection, body);
  }
}
