/** A job nobody tries any more makes its request incomplete, with the system and the code named: never silent. */
import { Injectable } from '@nestjs/common';
import { enqueue, settleDeadIn, type DeadJudge, type NewJob } from '#jobs';
import type { Process, StoredEvent } from '#ledger';
import type { TenantId } from '#kernel';
import { afterDeath, careOf } from './after-death.js';
import { withNextMove } from './next-move.js';
import { againJob, requestOf, type RequestJob } from './request-jobs.js';
import type { AftercareState, RequestState } from '../request-state.js';
import { fact, LETHE_ITSELF } from '../request.js';
import { Requests, type Change } from '../requests.js';
import { aftercareEnded } from '../step/aftercare-ended.js';
import { ACTOR, stepOf } from '../step/step-run.js';

type JobDied = { jobId: string; dedupeKey: string | null; code: string; class: string };

@Injectable()
export class RequestProcess implements Process {
  readonly name = 'requests';
  readonly types = new Set(['JobDied.v1']);

  constructor(private readonly requests: Requests) {}

  async handle(event: StoredEvent): Promise<void> {
    if (event.type !== 'JobDied.v1') return;
    const died = { ...(event.data as unknown as JobDied), at: new Date(event.recordedAt) };
    const about = requestOf(died.dedupeKey);
    if (about) await this.died(event.tenant, about, died);
  }

  /** What follows from deaths that a build before had left, or of things that have ended since. */
  readonly judge: DeadJudge = async (tenant, dead) => {
    const judged: Awaited<ReturnType<DeadJudge>> = [];
    for (const { id: jobId, dedupeKey, diedAt: at, errorCode, errorClass } of dead) {
      const about = requestOf(dedupeKey);
      const state = about && (await this.requests.find(tenant, about.requestId));
      if (!state) continue;
      const died = { jobId, dedupeKey, at, code: errorCode ?? 'unknown', class: errorClass ?? 'unknown' };
      const after = afterDeath(state, about, died);
      // Whom it waits for has to know: a build before may not have understood whose job it was.
      if (after === 'waits') await this.tell(tenant, about, died);
      judged.push({ id: jobId, after });
    }
    return judged;
  };

  private async died(tenant: TenantId, about: RequestJob, died: Died): Promise<void> {
    const state = await this.tell(tenant, about, died);
    const death = { id: died.jobId, after: afterDeath(state, about, died) };
    await this.requests.store.database.transaction(tenant, (query) => settleDeadIn(query, tenant, [death], died.at));
  }

  private tell(tenant: TenantId, about: RequestJob, died: Died): Promise<RequestState> {
    const again = againJob(about, died);
    return this.requests.change(tenant, ACTOR, about.requestId, (now) => {
      const change = about.part === 'step' ? stepFailed(now, about.partId, died) : otherFailed(now, about, died, again);
      return change && withNextMove(now, change);
    });
  }
}

type Died = JobDied & { at: Date };

/** At least once: a second look at the same death changes nothing. */
function stepFailed(state: RequestState, partId: string, { jobId, code, class: errorClass }: Died): Change | undefined {
  const step = stepOf(state, partId);
  if (!step || step.finished || step.failure?.jobId === jobId || step.handled) return undefined;
  return {
    events: [
      fact('StepFailed.v1', {
        requestId: state.id,
        stepId: step.stepId,
        connectionId: step.connectionId,
        jobId,
        code,
        class: errorClass,
      }),
    ],
  };
}

function otherFailed(
  state: RequestState,
  { part, partId }: RequestJob,
  { code }: Died,
  again: NewJob | undefined,
): Change | undefined {
  if (part === 'aftercare') return aftercareFailed(state, careOf(state, partId), code);
  if (state.status === 'closed') return undefined;
  const reasons = [{ code: `${part}-failed` }, { code }];
  const incomplete = fact('RequestIncomplete.v1', { requestId: state.id, reasons });
  switch (part) {
    case 'begin':
      // A plan that is no longer the one to carry out has failed nobody.
      return state.plan?.planId === partId &&
        state.steps.length === 0 &&
        ['approved', 'incomplete'].includes(state.status)
        ? {
            events: [fact('RequestIncomplete.v1', { requestId: state.id, reasons: [...state.incomplete, ...reasons] })],
          }
        : undefined;
    case 'answer':
      return { events: [incomplete], rows: again ? enqueue(again) : [] };
    case 'stop':
      return { events: [incomplete] };
  }
  return undefined;
}

/** What a system would not give up goes back to the people who decide; Lethe's own part is tried anew. */
function aftercareFailed(state: RequestState, care: AftercareState | undefined, code: string): Change | undefined {
  if (!care || care.connectionId === LETHE_ITSELF) return undefined;
  const { aftercareId } = care;
  return { events: aftercareEnded(state, { aftercareId, kind: 'failed', count: 0, code }) };
}
