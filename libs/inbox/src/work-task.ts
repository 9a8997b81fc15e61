/** What the holder of a task does with it: heartbeat, outcomes, records, complete, release. */
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { Clock, TenantId } from '#kernel';
import type { Append, NewEvent, Query } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { Connections } from '#connectors';
import { openedFact, OpenTasks, wakeRows } from './open-task.js';
import type { HeldTask, TaskStanding } from './task-bodies.js';
import { leaseLost, notARead, outcomesMissing, recordsDiffer } from './task.errors.js';
import { assertOutcomes, mergeOutcomes, missingDatasets, type TaskOutcome } from './task-outcome.js';
import { TaskRecords, type HandedPart, type Received } from './task-records.js';
import { outcomesPlace, taskFact, type Asked, type TaskRow } from './task.js';
import { changeHeld, insertTask, TaskMoved, Tasks, type NewTask } from './tasks.js';

/** Who does it; a push has no caller of its own. */
export type Actor = Pick<Caller, 'actorRef'> & { idempotency?: Caller['idempotency'] };

type Said = { fence: number; outcomes: TaskOutcome[] };
/** How often a holder's own calls may meet before the last one is refused. */
const MEETINGS = 20;

/** Seconds after which a task is offered again that failed for now. */
const RETRY_S = 30;
/** Outcomes after which somebody must look again: the system says that it is done. */
const TO_VERIFY = ['erased', 'anonymised', 'masked', 'detached', 'rectified', 'not-found'];
/** Outcomes that stand without a second look. */
const SETTLED = ['retained', 'restricted'];

@Injectable()
export class WorkTask {
  constructor(
    private readonly tasks: Tasks,
    private readonly opened: OpenTasks,
    private readonly records: TaskRecords,
    private readonly connections: Connections,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async heartbeat(
    tenant: TenantId,
    task: TaskRow,
    { fence, leaseSeconds }: { fence: number; leaseSeconds: number },
  ): Promise<z.infer<typeof HeldTask>> {
    const until = await this.tasks.transaction(tenant, (query) =>
      changeHeld(query, tenant, { id: task.id, fence }, { leaseSeconds }),
    );
    const received = { parts: task.parts, bytes: task.bytes };
    return { id: task.id, fence, leaseUntil: (until ?? task.must_finish_by).toISOString(), received };
  }

  takeRecords(tenant: TenantId, task: TaskRow, part: HandedPart): Promise<Received> {
    if (task.kind !== 'read') throw notARead();
    return this.records.take(tenant, task, part);
  }

  /** Keeps what is known so far; the task stays claimed. */
  report(tenant: TenantId, by: Actor, task: TaskRow, said: Said): Promise<TaskStanding> {
    return this.asItStands(tenant, task, (now) => this.reportNow(tenant, by, now, said));
  }

  private async reportNow(
    tenant: TenantId,
    by: Actor,
    task: TaskRow,
    { fence, outcomes }: Said,
  ): Promise<TaskStanding> {
    const { asked, merged } = await this.said(tenant, task, fence, outcomes);
    const sealed = await this.tasks.seal(tenant, task, merged, outcomesPlace(task.id));
    const answer: TaskStanding = { id: task.id, state: 'claimed', missing: missingDatasets(asked, merged) };
    await this.append(tenant, by, answer, {
      events: [reportedFact(task, fence, outcomes)],
      side: async (query) => {
        await changeHeld(query, tenant, { id: task.id, fence }, { outcomes: sealed, from: task });
      },
    });
    return answer;
  }

  /** Every dataset has an outcome then. What was reported done is looked at again by a task of its own. Errors: 422 `outcomes-missing`. */
  complete(tenant: TenantId, by: Actor, task: TaskRow, said: Said): Promise<TaskStanding> {
    return this.asItStands(tenant, task, (now) => this.completeNow(tenant, by, now, said));
  }

  private async completeNow(
    tenant: TenantId,
    by: Actor,
    task: TaskRow,
    { fence, outcomes }: Said,
  ): Promise<TaskStanding> {
    const { asked, merged } = await this.said(tenant, task, fence, outcomes);
    const sealed = await this.tasks.seal(tenant, task, merged, outcomesPlace(task.id));
    if (merged.some((one) => one.kind === 'failed' && one.retryable))
      return this.giveBack(tenant, by, task, { fence, reason: 'failed-for-now', outcomes: sealed });
    const missing = missingDatasets(asked, merged);
    if (missing.length > 0) throw outcomesMissing(missing);
    const counted = task.kind === 'read' ? await this.counted(tenant, task, asked, merged) : 0;
    const next = await this.verifyTask(tenant, task, asked, merged);
    const answer: TaskStanding = { id: task.id, state: 'done', missing };
    await this.append(tenant, by, answer, {
      events: [
        ...(outcomes.length > 0 ? [reportedFact(task, fence, outcomes)] : []),
        taskFact('TaskCompleted.v1', { taskId: task.id, fence, missing, records: counted }),
        ...(next ? [openedFact(next.task, next.asked)] : []),
      ],
      rows: wakeRows(task.job),
      side: async (query) => {
        const done = { state: 'done' as const, outcomes: sealed, finishedAt: this.clock.now(), from: task };
        await changeHeld(query, tenant, { id: task.id, fence }, done);
        if (next) await insertTask(query, tenant, next.task);
      },
    });
    return answer;
  }

  /** Gives the task back: nothing that was reported or handed in is lost. */
  release(
    tenant: TenantId,
    by: Actor,
    task: TaskRow,
    { fence, reason, retryAfterSeconds }: { fence: number; reason: string; retryAfterSeconds: number },
  ): Promise<TaskStanding> {
    return this.giveBack(tenant, by, task, { fence, reason, retryAfterSeconds });
  }

  private async giveBack(
    tenant: TenantId,
    by: Actor,
    task: TaskRow,
    given: { fence: number; reason: string; outcomes?: string; retryAfterSeconds?: number },
  ): Promise<TaskStanding> {
    const { fence, reason, outcomes, retryAfterSeconds: notBeforeSeconds = RETRY_S } = given;
    const answer: TaskStanding = { id: task.id, state: 'open', missing: [] };
    await this.append(tenant, by, answer, {
      events: [taskFact('TaskReleased.v1', { taskId: task.id, fence, reason })],
      side: async (query) => {
        const said = outcomes === undefined ? {} : { outcomes, from: task };
        const change = { state: 'open' as const, notBeforeSeconds, ...said };
        await changeHeld(query, tenant, { id: task.id, fence }, change);
      },
    });
    return answer;
  }

  /** What a holder says in two calls at once is kept from both: the second is made again on top of the first. */
  private async asItStands<T>(tenant: TenantId, task: TaskRow, work: (now: TaskRow) => Promise<T>): Promise<T> {
    let now: TaskRow | undefined = task;
    for (let meeting = 1; now; meeting += 1) {
      try {
        return await work(now);
      } catch (error) {
        if (!(error instanceof TaskMoved) || meeting === MEETINGS) throw error;
        now = await this.tasks.find(tenant, task.id);
      }
    }
    throw leaseLost();
  }

  /** What was asked and all that was said of it. Errors: 409 `lease-lost`, 422 `outcome-invalid`. */
  private async said(
    tenant: TenantId,
    task: TaskRow,
    fence: number,
    outcomes: TaskOutcome[],
  ): Promise<{ asked: Asked; merged: TaskOutcome[] }> {
    const asked = task.fence === fence && task.state === 'claimed' ? await this.tasks.asked(tenant, task) : undefined;
    if (!asked) throw leaseLost();
    assertOutcomes(task.kind, asked, outcomes);
    const before = (await this.tasks.outcomes(tenant, task)).filter((one) => one.kind !== 'failed');
    return { asked, merged: mergeOutcomes(before, outcomes) };
  }

  /** Refuses an answer that says more, or less, than was handed in. */
  private async counted(tenant: TenantId, task: TaskRow, asked: Asked, outcomes: TaskOutcome[]): Promise<number> {
    const counts = await this.records.count(tenant, task, new Set(asked.datasets.map((one) => one.name)));
    for (const { name } of asked.datasets) {
      const said = outcomes.filter((one) => one.dataset === name && one.kind === 'provided');
      if (said.reduce((sum, one) => sum + one.count, 0) !== (counts.get(name) ?? 0)) throw recordsDiffer(name);
    }
    return [...counts.values()].reduce((sum, one) => sum + one, 0);
  }

  /** The second look, when everything asked is done or kept for a reason; else somebody must do it again first. */
  private async verifyTask(
    tenant: TenantId,
    task: TaskRow,
    asked: Asked,
    outcomes: TaskOutcome[],
  ): Promise<{ task: NewTask; asked: Asked } | undefined> {
    if (task.kind !== 'apply') return undefined;
    if (!outcomes.every(({ kind }) => TO_VERIFY.includes(kind) || SETTLED.includes(kind))) return undefined;
    const gone = new Set(outcomes.filter(({ kind }) => TO_VERIFY.includes(kind)).map((one) => one.dataset));
    const datasets = asked.datasets
      .filter((one) => gone.has(one.name) && one.action !== 'retain' && one.action !== 'strip')
      .map(({ name, refs }) => ({ name, action: 'verify' as const, ...(refs ? { refs } : {}) }));
    if (datasets.length === 0) return undefined;
    const connection = await this.connections.get(tenant, task.connection);
    const about = { requestId: task.request ?? '', subject: task.subject, ...(task.job ? { jobId: task.job } : {}) };
    const wanted = { identifiers: asked.identifiers, datasets };
    const next = await this.opened.draft(tenant, connection, {
      ...{ kind: 'verify' as const, itemKey: task.item_key, asked: wanted, about },
    });
    return { task: { ...next, request: task.request }, asked: wanted };
  }

  private async append(
    tenant: TenantId,
    by: Actor,
    answer: TaskStanding,
    change: { events: NewEvent[]; rows?: Append['rows']; side: (query: Query) => Promise<void> },
  ): Promise<void> {
    await this.tasks.store.append({
      tenant,
      actorRef: by.actorRef,
      events: change.events,
      ...(change.rows ? { rows: change.rows } : {}),
      side: change.side,
      ...(by.idempotency ? { idempotency: by.idempotency, respond: () => ({ status: 200, body: { ...answer } }) } : {}),
    });
    by.idempotency = undefined;
  }
}

function reportedFact({ id }: TaskRow, fence: number, outcomes: readonly TaskOutcome[]): NewEvent {
  const reported = outcomes.map(({ dataset, kind, count }) => ({ dataset, kind, count }));
  return taskFact('TaskReported.v1', { taskId: id, fence, reported });
}
