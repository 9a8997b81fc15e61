/** Withdrawal and marketing objection: done at once, without proof (GDPR 7(3), 21(3)), and closed. */
import { Injectable } from '@nestjs/common';
import type { TenantId } from '#kernel';
import { enqueue } from '#jobs';
import type { NewEvent } from '#ledger';
import { CaseFile } from '../case-file.js';
import { WithdrawalPort } from '../ports.js';
import { OwnRecords } from '../opening/own-records.js';
import { noticeJob } from './request-jobs.js';
import type { RequestState } from '../request-state.js';
import { fact } from '../request.js';
import { Requests } from '../requests.js';
import type { Identifier } from '../step/connected.js';
import { ACTOR } from '../step/step-run.js';

@Injectable()
export class StopAtOnce {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    private readonly own: OwnRecords,
    private readonly withdrawals: WithdrawalPort,
  ) {}

  /** Asked before the request is recorded: what cannot be stopped must not be promised. */
  async assertStoppable(tenant: TenantId, type: string, purposes: readonly string[]): Promise<void> {
    if (type === 'objection' || type === 'withdrawal') await this.withdrawals.assertStoppable(tenant, type, purposes);
  }

  /** Stops and closes; a repeat after a crash stops again, which changes nothing, and closes once. */
  async finish(tenant: TenantId, requestId: string, actorRef: string = ACTOR): Promise<RequestState> {
    const state = await this.requests.load(tenant, requestId);
    if (state.type !== 'objection' && state.type !== 'withdrawal') return state;
    if (state.status === 'closed') return state;
    const { type, purposes, receivedAt } = state;
    const identifiers = await this.file.identifiers(tenant, state);
    const marks: { count: number; until: string }[] = [];
    for (const subject of await this.people(tenant, state, identifiers)) {
      const { remembered } = await this.withdrawals.stop({
        tenant,
        actorRef,
        subject,
        identifiers,
        type,
        purposes,
        receivedAt: new Date(receivedAt),
        requestId,
      });
      if (remembered) marks.push(remembered);
    }
    return this.requests.change(tenant, actorRef, requestId, (now) =>
      now.status === 'closed'
        ? undefined
        : {
            events: [
              ...remembering(requestId, marks),
              fact('RequestClosed.v1', { requestId, resolution: 'fulfilled' }),
            ],
            rows: enqueue(noticeJob(requestId, 'completion', now.version)),
          },
    );
  }

  /** Everybody behind the identifiers: what stops a family's mail must not wait for the question whose it is. */
  private async people(
    tenant: TenantId,
    state: RequestState,
    identifiers: readonly Identifier[],
  ): Promise<RequestState['subjectId'][]> {
    const found = await this.own.everybody(tenant, identifiers);
    return found.length > 0 ? found : [state.subjectId];
  }
}

/** Told in the answer: such a mark is personal data too. */
function remembering(requestId: string, marks: readonly { count: number; until: string }[]): NewEvent[] {
  const [first] = marks;
  if (!first) return [];
  const count = marks.reduce((sum, one) => sum + one.count, 0);
  return [fact('SuppressionRecorded.v1', { requestId, count, until: first.until })];
}
