/** Hands a task to whoever works at it: under a lease, with a fence, and the identifiers only now. */
import { Inject, Injectable } from '@nestjs/common';
import type { Clock, TenantId } from '#kernel';
import { CLOCK } from '#platform';
import { HeldTasks } from './held-tasks.js';
import { OpenTasks } from './open-task.js';
import type { ClaimedTask } from './task-bodies.js';
import { TaskRecords } from './task-records.js';
import { taskTaken } from './task.errors.js';
import { isOverdue, taskFact, type Asked, type TaskRow } from './task.js';
import { takeTask, Tasks } from './tasks.js';

/** Who takes it, and how. */
export interface Taking {
  actorRef: string;
  how: 'pulled' | 'pushed';
  leaseSeconds: number;
}

@Injectable()
export class ClaimTask {
  constructor(
    private readonly tasks: Tasks,
    private readonly opened: OpenTasks,
    private readonly records: TaskRecords,
    private readonly held: HeldTasks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Errors: 409 `task-taken`. The fact of the claim is on disk before anything is opened; what a hold keeps leaves with nobody. */
  async take(tenant: TenantId, task: TaskRow, { actorRef, how, leaseSeconds }: Taking): Promise<ClaimedTask> {
    if (isOverdue(task, this.clock.now())) {
      await this.opened.end(tenant, task, 'task-overdue');
      throw taskTaken();
    }
    const fence = task.fence + 1;
    let leaseUntil: Date | null = null;
    await this.tasks.store.append({
      tenant,
      actorRef,
      events: [taskFact('TaskClaimed.v1', { taskId: task.id, fence, how, tookOver: task.state === 'claimed' })],
      side: async (query) => {
        const taken = await takeTask(query, tenant, task.id, leaseSeconds);
        // Claimed by somebody between our read and now: the fact would name another fence than the row.
        if (taken?.fence !== fence) throw taskTaken();
        leaseUntil = taken.lease_until;
      },
    });
    const asked = await this.tasks.asked(tenant, task);
    if (!asked || (await this.held.keep(tenant, task, asked))) {
      await this.opened.end(tenant, task, asked ? 'task-withdrawn' : 'task-unreadable', true);
      throw taskTaken();
    }
    return this.view(tenant, { ...task, fence, lease_until: leaseUntil }, asked);
  }

  /** What travels to the system, pulled or pushed. */
  async view(tenant: TenantId, task: TaskRow, asked: Asked): Promise<ClaimedTask> {
    return claimedView(task, asked, await this.records.digest(tenant, task));
  }
}

function claimedView(task: TaskRow, asked: Asked, sha256: string | null): ClaimedTask {
  const rules = new Set(asked.datasets.flatMap((one) => one.ruleId ?? []));
  return {
    id: task.id,
    connectionId: task.connection,
    kind: task.kind,
    fence: task.fence,
    leaseUntil: (task.lease_until ?? task.must_finish_by).toISOString(),
    // With the kind: a system that knows calls by their key alone must not answer a second look with the deed's answer.
    // And with the task where a wider one was handed out before: its answer is not that of the rest.
    idempotencyKey: [`${task.kind}:${task.item_key}`, ...(asked.anew ? [task.id] : [])].join('/'),
    mustFinishBy: task.must_finish_by.toISOString(),
    identifiers: asked.identifiers,
    datasets: asked.datasets,
    ...(asked.decisions ? { decisions: asked.decisions } : {}),
    rules: [...rules].map((id) => ({ id })),
    received: { parts: task.parts, bytes: task.bytes, sha256 },
  };
}
