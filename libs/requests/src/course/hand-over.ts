/** A connector goes away: what open requests still need of it becomes manual tasks with an owner and a day. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type TenantId } from '#kernel';
import { appendFenced, readDeadJob, turnJobManual, type JobDecision } from '#jobs';
import type { CivilDate } from '#law';
import { Database, type NewEvent } from '#ledger';
import { CLOCK, type Caller } from '#platform';
import { CaseFile } from '../case-file.js';
import { careForKept } from '../step/kept-care.js';
import { withNextMove } from './next-move.js';
import type { PlanHead } from '../plan/plan.js';
import type { RequestState, StepState } from '../request-state.js';
import { fact, notePlace, streamOf } from '../request.js';
import { Requests } from '../requests.js';

/** A request with work left in a connection. */
export interface LeftOver {
  requestId: string;
  /** Revision of the connection the plan was made on; null when it is not known. */
  configVersion: number | null;
  /** Approved, with a step that is not over; else planned only, or waiting for a duty to end. */
  acting: boolean;
}

/** Who takes over, until which day, and why. */
export interface NewOwner {
  owner: string;
  dueOn: string;
  reason: string;
}

/** Actor of a hand-over by somebody who is no member, such as the operator at the command line. */
const OPERATOR = 'operator';

@Injectable()
export class HandOver {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly database: Database,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Requests that are not done with the connection: planned, acting, or waiting for a duty to end. */
  async open(tenant: TenantId, connectionId: string): Promise<LeftOver[]> {
    const found: LeftOver[] = [];
    for (const id of await this.candidates(tenant, connectionId)) {
      const state = await this.requests.find(tenant, id);
      if (!state || !isOpen(state, connectionId)) continue;
      const acting = openStep(state, connectionId) !== undefined;
      found.push({ requestId: id, configVersion: plannedRevision(state, connectionId), acting });
    }
    return found;
  }

  /** Every open step in the connection becomes a task; returns how many. Plans that have not begun are made anew. */
  async handOver(by: Caller, connectionId: string, to: NewOwner): Promise<number> {
    let tasks = 0;
    for (const { requestId } of await this.open(by.tenant, connectionId)) {
      await this.requests.appending(
        by.tenant,
        requestId,
        async (state) => {
          const step = openStep(state, connectionId);
          if (!step) return undefined;
          const { jobs, events } = await this.taskInstead(by, state, step, to);
          const care = state.type === 'erasure' ? careForKept(state, step, this.clock.now()) : { events: [], rows: [] };
          const rows = [...jobs.rows, ...care.rows];
          const next = withNextMove(state, { events: [...events, ...care.events], rows });
          tasks += 1;
          return { ...next, events: [...next.events, ...jobs.events] };
        },
        async ({ events, rows }, state) => {
          const expect = { [streamOf(requestId)]: state.version };
          await appendFenced(this.requests.store, {
            ...{ tenant: by.tenant, actorRef: by.actorRef, events, rows: rows ?? [], expect },
          });
        },
      );
    }
    return tasks;
  }

  private async taskInstead(
    by: Caller,
    state: RequestState,
    step: StepState,
    { owner, dueOn, reason }: NewOwner,
  ): Promise<{ events: NewEvent[]; jobs: JobDecision }> {
    const { humanId } = by.principal;
    const humanRef = humanId === undefined ? OPERATOR : this.file.humanRef(by.tenant, humanId);
    const place = notePlace(state.id, `redrive/${step.stepId}/${state.version}`);
    const sealed = await this.file.seal(by.tenant, state, reason, place);
    const at = { requestId: state.id, stepId: step.stepId };
    const redriven = fact('StepRedriven.v1', { ...at, how: 'manual', humanRef, final: true, reason: sealed });
    const task = fact('ManualTaskOpened.v1', {
      ...{ requestId: state.id, taskId: newId(), kind: 'dead-letter', systemId: step.stepId },
      ...{ systemName: step.connectionId, why: 'connector-removed', owner, dueOn: dueOn as CivilDate },
    });
    // A job that still lives finds its step handled, and ends.
    const jobs = step.failure
      ? turnJobManual(await readDeadJob(this.database, by.tenant, step.failure.jobId), this.clock.now())
      : { events: [], rows: [] };
    return { events: [redriven, task], jobs };
  }

  private async candidates(tenant: TenantId, connectionId: string): Promise<string[]> {
    const { rows } = await this.database.fetch<{ id: string }>(tenant, {
      name: 'requests-left-over',
      text: `SELECT id FROM request_summary WHERE tenant = $1 AND status <> 'closed'
             UNION SELECT request FROM request_kept_group WHERE tenant = $1 AND connection = $2`,
      values: [tenant, connectionId],
    });
    return rows.map(({ id }) => id);
  }
}

function isOpen(state: RequestState, connectionId: string): boolean {
  if (state.aftercare.some((one) => one.connectionId === connectionId && !one.done)) return true;
  if (state.status === 'closed') return false;
  if (state.steps.length > 0) return openStep(state, connectionId) !== undefined;
  return planned(state, connectionId) !== undefined;
}

function openStep(state: RequestState, connectionId: string): StepState | undefined {
  if (state.status === 'closed' || state.withdrawn) return undefined;
  return state.steps.find((one) => one.connectionId === connectionId && !one.finished && one.handled === undefined);
}

function planned(state: RequestState, connectionId: string): PlanHead['systems'][number] | undefined {
  const head = state.plan?.head as PlanHead | undefined;
  return head?.systems.find((one) => one.connectionId === connectionId);
}

function plannedRevision(state: RequestState, connectionId: string): number | null {
  return planned(state, connectionId)?.configVersion ?? null;
}
