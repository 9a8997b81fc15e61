/** Opens tasks, once per effect, and ends those that nobody may work at any more. */
import { Inject, Injectable } from '@nestjs/common';
import { wakeJob } from '#jobs';
import { newId, type Clock, type SubjectId, type TenantId } from '#kernel';
import type { InlineRow } from '#ledger';
import { CLOCK } from '#platform';
import type { CallAbout, ConnectionRow } from '#connectors';
import { configOf } from './system/declared-system.js';
import { askedPlace, taskFact, type Asked, type EndOfTask, type TaskKind, type TaskRow } from './task.js';
import { endTask, insertTask, Tasks, type NewTask, type TaskEnd } from './tasks.js';

const ACTOR = 'system:inbox';
const DAY = 86_400_000;

/** What is to be done for one person in one system. */
export interface TaskWanted {
  kind: TaskKind;
  itemKey: string;
  asked: Asked;
  about: CallAbout | undefined;
}

@Injectable()
export class OpenTasks {
  constructor(
    private readonly tasks: Tasks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The task of this effect, opened now when there is none: a repeated call is the same task. */
  async ensure(tenant: TenantId, connection: ConnectionRow, wanted: TaskWanted): Promise<TaskRow> {
    const known = await this.tasks.ofItem(tenant, connection.id, wanted.kind, wanted.itemKey);
    if (known) return known;
    await this.endEarlier(tenant, connection, wanted);
    const task = await this.draft(tenant, connection, wanted);
    try {
      await this.tasks.store.append({
        tenant,
        actorRef: ACTOR,
        events: [openedFact(task, wanted.asked)],
        side: (query) => insertTask(query, tenant, task),
      });
    } catch (error) {
      // Another replica was quicker.
      if ((error as { code?: unknown }).code !== '23505') throw error;
    }
    const opened = await this.tasks.ofItem(tenant, connection.id, wanted.kind, wanted.itemKey);
    if (!opened) throw new Error('a task that was opened is not there');
    return opened;
  }

  /**
   * A job that an officer started anew tells by a task of its own. Its earlier one, which nobody waits for any more, would
   * hold up all that the person decides later.
   */
  private async endEarlier(tenant: TenantId, { id }: ConnectionRow, { kind, about }: TaskWanted): Promise<void> {
    if (kind !== 'obey' || about?.jobId === undefined) return;
    const earlier = await this.tasks.tellingOf(tenant, id, about.subject, about.jobId);
    for (const task of earlier) await this.end(tenant, task, 'task-cancelled');
  }

  /** A task ready to be inserted, with its sealed part. */
  async draft(tenant: TenantId, connection: ConnectionRow, wanted: TaskWanted): Promise<NewTask> {
    const id = newId();
    const { kind, itemKey, asked, about } = wanted;
    const now = this.clock.now();
    // Retention asks about records and not about people: then the key is the task's own.
    const subject = about?.subject ?? (id as SubjectId);
    return {
      ...{ id, connection: connection.id, kind, item_key: itemKey, subject },
      request: about?.requestId ?? null,
      job: about?.jobId ?? null,
      must_finish_by: new Date(now.getTime() + configOf(connection).answerWithinDays * DAY),
      asked: await this.tasks.seal(tenant, { subject }, asked, askedPlace(id)),
      created_at: now,
    };
  }

  /** Nobody may work at it any more; its request hears of it at once. */
  async end(tenant: TenantId, task: Pick<TaskRow, 'id' | 'job'>, why: EndOfTask, unhanded = false): Promise<void> {
    await this.over(tenant, task, { why, unhanded });
  }

  /** The same for a task that nobody has begun; false when somebody has, or when it was over. */
  withdraw(tenant: TenantId, task: Pick<TaskRow, 'id' | 'job'>): Promise<boolean> {
    return this.over(tenant, task, { why: 'task-withdrawn', unlessBegun: true });
  }

  private async over(tenant: TenantId, { id, job }: Pick<TaskRow, 'id' | 'job'>, end: TaskEnd): Promise<boolean> {
    const now = this.clock.now();
    const over = new Error('the task was over already');
    try {
      await this.tasks.store.append({
        tenant,
        actorRef: ACTOR,
        events: [taskFact('TaskEnded.v1', { taskId: id, why: end.why })],
        rows: wakeRows(job),
        side: async (query) => {
          if (!(await endTask(query, tenant, id, end, now))) throw over;
        },
      });
      return true;
    } catch (error) {
      if (error !== over) throw error;
      return false;
    }
  }
}

/** Rows that let the waiting request go on at once. */
export const wakeRows = (job: string | null): InlineRow[] => (job === null ? [] : wakeJob(job));

export function openedFact(task: NewTask, asked: Asked): ReturnType<typeof taskFact> {
  return taskFact('TaskOpened.v1', {
    taskId: task.id,
    connectionId: task.connection,
    kind: task.kind,
    requestId: task.request,
    datasets: [...new Set(asked.datasets.map((one) => one.name))],
    mustFinishBy: task.must_finish_by.toISOString(),
  });
}
