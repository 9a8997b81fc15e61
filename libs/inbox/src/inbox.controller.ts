/** Routes of a connected system that pulls its work. Identifiers travel in the answer to a claim and nowhere else. */
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Answers, Audited, By, Caller, Can } from '#platform';
import { ClaimTask } from './claim-task.js';
import { KeyBinding } from './system/key-binding.js';
import { ListTasks } from './list-tasks.js';
import {
  ClaimBody,
  ClaimedTask,
  CompleteTaskBody,
  ConnectionTasks,
  HeartbeatBody,
  HeldTask,
  OutcomesBody,
  RecordsBody,
  RecordsTaken,
  ReleaseTaskBody,
  TaskQuery,
  TaskStanding,
} from './task-bodies.js';
import { WorkTask } from './work-task.js';

const taskId = z.uuid();

@Controller('v1/tasks')
export class InboxController {
  constructor(
    private readonly binding: KeyBinding,
    private readonly lists: ListTasks,
    private readonly claims: ClaimTask,
    private readonly work: WorkTask,
  ) {}

  @Get()
  @Can('operate', 'Inbox')
  @Audited('task.list', 'exempt', 'holds ids and dates, no person')
  @Answers(200, ConnectionTasks)
  listTasks(
    @By() by: Caller,
    @Query({ schema: TaskQuery }) query: z.infer<typeof TaskQuery>,
  ): Promise<z.infer<typeof ConnectionTasks>> {
    return this.lists.wait(by, query);
  }

  /** Not kept under an idempotency key, whose answers outlive a person's keys: a lost answer is claimed anew. */
  @Post(':id/claim')
  @Can('operate', 'Inbox')
  @Audited('task.claim', 'read')
  @Answers(200, ClaimedTask)
  async claimTask(
    @By() by: Caller,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: ClaimBody }) body: z.infer<typeof ClaimBody>,
  ): Promise<ClaimedTask> {
    const task = await this.binding.task(by, id);
    const { actorRef } = by;
    const claimed = await this.claims.take(by.tenant, task, { actorRef, how: 'pulled', ...body });
    by.saw(task.subject, 'identifiers');
    return claimed;
  }

  @Post(':id/heartbeat')
  @Can('operate', 'Inbox')
  @Audited('task.heartbeat', 'exempt', 'renews a lease; ids and dates')
  @Answers(200, HeldTask)
  async heartbeatTask(
    @By() by: Caller,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: HeartbeatBody }) body: z.infer<typeof HeartbeatBody>,
  ): Promise<z.infer<typeof HeldTask>> {
    return this.work.heartbeat(by.tenant, await this.binding.task(by, id), body);
  }

  @Post(':id/outcomes')
  @Can('operate', 'Inbox')
  @Audited('task.report', 'change')
  @Answers(200, TaskStanding)
  async reportTaskOutcomes(
    @By() by: Caller,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: OutcomesBody }) body: z.infer<typeof OutcomesBody>,
  ): Promise<TaskStanding> {
    return this.work.report(by.tenant, by, await this.binding.task(by, id), body);
  }

  /** Repeatable by itself: a part that is here already counts once. */
  @Post(':id/records')
  @Can('operate', 'Inbox')
  @Audited('task.records', 'exempt', 'takes data in and shows none; the request names what was handed in')
  @Answers(200, RecordsTaken)
  async takeTaskRecords(
    @By() by: Caller,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: RecordsBody }) body: z.infer<typeof RecordsBody>,
  ): Promise<z.infer<typeof RecordsTaken>> {
    return { id, received: await this.work.takeRecords(by.tenant, await this.binding.task(by, id), body) };
  }

  @Post(':id/complete')
  @Can('operate', 'Inbox')
  @Audited('task.complete', 'change')
  @Answers(200, TaskStanding)
  async completeTask(
    @By() by: Caller,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: CompleteTaskBody }) body: z.infer<typeof CompleteTaskBody>,
  ): Promise<TaskStanding> {
    return this.work.complete(by.tenant, by, await this.binding.task(by, id), body);
  }

  @Post(':id/release')
  @Can('operate', 'Inbox')
  @Audited('task.release', 'change')
  @Answers(200, TaskStanding)
  async releaseTask(
    @By() by: Caller,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: ReleaseTaskBody }) body: z.infer<typeof ReleaseTaskBody>,
  ): Promise<TaskStanding> {
    return this.work.release(by.tenant, by, await this.binding.task(by, id), body);
  }
}
