/** Systems with an endpoint of their own, behind the same calls: what is asked becomes a task, and the task is pushed. */
import { Inject, Injectable } from '@nestjs/common';
import { PluginFailure, type Check, type ConnectionRow, type SystemCallOptions } from '#connectors';
import type { Clock, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { InboxDriver } from '../inbox-driver.js';
import { KeyBinding } from '../system/key-binding.js';
import { OpenTasks } from '../open-task.js';
import { PushTask } from './push-task.js';
import { RemoteSender } from './remote-sender.js';
import { TaskRecords } from '../task-records.js';
import type { TaskRow } from '../task.js';
import { Tasks } from '../tasks.js';

/** What moves tasks of a pushed system on. */
@Injectable()
export class RemoteParts {
  constructor(
    readonly push: PushTask,
    readonly sender: RemoteSender,
    readonly records: TaskRecords,
    readonly keys: KeyBinding,
  ) {}
}

@Injectable()
export class RemoteDriver extends InboxDriver {
  override readonly isolation: string = 'remote, self-reported';

  constructor(
    tasks: Tasks,
    opened: OpenTasks,
    private readonly parts: RemoteParts,
    @Inject(CLOCK) clock: Clock,
  ) {
    super(tasks, opened, parts.records, parts.keys, clock);
  }

  override async check(tenant: TenantId, row: ConnectionRow): Promise<Check> {
    try {
      await this.parts.sender.check(tenant, row, this.clock.now());
      return { ok: true, account: 'endpoint' };
    } catch (error) {
      if (!(error instanceof PluginFailure)) throw error;
      return { ok: false, error: error.fail, message: error.message };
    }
  }

  protected override async advance(
    tenant: TenantId,
    row: ConnectionRow,
    task: TaskRow,
    options: SystemCallOptions,
  ): Promise<void> {
    await this.parts.push.push(tenant, row, task, options.signal);
  }
}
