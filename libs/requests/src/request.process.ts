/** A job nobody tries any more makes its request incomplete, with the system and the code named: never silent. */
import { Injectable } from '@nestjs/common';
import type { Process, StoredEvent } from '#ledger';
import type { TenantId } from '#kernel';
import { withNextMove } from './next-move.js';
import { requestOf } from './request-jobs.js';
import type { RequestState } from './request-state.js';
import { fact } from './request.js';
import { Requests, type Change } from './requests.js';
import { ACTOR, stepOf } from './step/step-run.js';

type JobDied = { jobId: string; dedupeKey: string | null; code: string; class: string };

@Injectable()
export class RequestProcess implements Process {
  readonly name = 'requests';

  constructor(private readonly requests: Requests) {}

  async handle(event: StoredEvent): Promise<void> {
    if (event.type !== 'JobDied.v1') return;
    const died = event.data as unknown as JobDied;
    const about = requestOf(died.dedupeKey);
    if (about) await this.died(event.tenant, about, died);
  }

  private async died(tenant: TenantId, about: NonNullable<ReturnType<typeof requestOf>>, died: JobDied): Promise<void> {
    await this.requests.change(tenant, ACTOR, about.requestId, (state) => {
      const change = about.part === 'step' ? stepFailed(state, about.partId, died) : otherFailed(state, about, died);
      return change && withNextMove(state, change);
    });
  }
}

/** At least once: a second look at the same death changes nothing. */
function stepFailed(
  state: RequestState,
  stepId: string,
  { jobId, code, class: errorClass }: JobDied,
): Change | undefined {
  const step = stepOf(state, stepId);
  if (!step || step.finished || step.failure?.jobId === jobId || step.handled) return undefined;
  return {
    events: [
      fact('StepFailed.v1', {
        requestId: state.id,
        stepId,
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
  { part, partId }: { part: string; partId: string },
  { code }: JobDied,
): Change | undefined {
  if (part === 'aftercare') {
    const care = state.aftercare.find((one) => one.aftercareId === partId);
    if (!care || care.done) return undefined;
    return {
      events: [fact('AftercareDone.v1', { requestId: state.id, aftercareId: partId, kind: 'failed', count: 0, code })],
    };
  }
  if (state.status === 'closed') return undefined;
  return {
    events: [
      fact('RequestIncomplete.v1', {
        requestId: state.id,
        reasons: [...state.incomplete, { code: `${part}-failed` }, { code }],
      }),
    ],
  };
}
