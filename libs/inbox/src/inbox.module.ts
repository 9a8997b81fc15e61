/** Wires the inbox: tasks, their routes, and the drivers behind the calls into connections. */
import { Module, type OnModuleInit } from '@nestjs/common';
import { ConnectorCalls, ConnectorsModule } from '#connectors';
import { Holds } from '#retention';
import { SubjectsModule } from '#subjects';
import { TenancyModule } from '#tenancy';
import { ClaimTask } from './claim-task.js';
import { HeldTasks } from './held-tasks.js';
import { DeclareSystem } from './system/declare-system.js';
import { InboxAdminController } from './system/inbox-admin.controller.js';
import { InboxController } from './inbox.controller.js';
import { InboxDriver } from './inbox-driver.js';
import { CancelTasks, InboxMetrics, InboxProcesses, InboxWorker, TaskChores } from './inbox.worker.js';
import { KeyBinding } from './system/key-binding.js';
import { ListTasks } from './list-tasks.js';
import { OpenTasks } from './open-task.js';
import { PushTask } from './remote/push-task.js';
import { RebindSystem } from './system/rebind-system.js';
import { RedeclareSystem } from './system/redeclare-system.js';
import { RemoteDriver, RemoteParts } from './remote/remote-driver.js';
import { RemoteSender } from './remote/remote-sender.js';
import { TaskRecords } from './task-records.js';
import { Tasks } from './tasks.js';
import { WorkTask } from './work-task.js';

@Module({
  imports: [SubjectsModule, TenancyModule, ConnectorsModule],
  controllers: [InboxController, InboxAdminController],
  providers: [
    ...[Tasks, OpenTasks, ClaimTask, TaskRecords, WorkTask, KeyBinding, ListTasks, DeclareSystem, RebindSystem],
    ...[RedeclareSystem, RemoteSender, PushTask, RemoteParts, InboxDriver, RemoteDriver],
    // Holds are read afresh at every question: an instance of our own sees what any other sees.
    ...[Holds, HeldTasks, CancelTasks, InboxProcesses, TaskChores, InboxWorker, InboxMetrics],
  ],
})
export class InboxModule implements OnModuleInit {
  constructor(
    private readonly calls: ConnectorCalls,
    private readonly inbox: InboxDriver,
    private readonly remote: RemoteDriver,
  ) {}

  onModuleInit(): void {
    this.calls.use('inbox', this.inbox);
    this.calls.use('remote', this.remote);
  }
}
