/** The answer to the person, then the close, then the certificate. The answer closes the legal clock (GDPR 12(3)). */
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { TenantId } from '#kernel';
import { done, standsFor, type Job, type JobContext, type JobResult } from '#jobs';
import type { NewEvent } from '#ledger';
import { AnswerWriter, CertificateIssuer, PackageBuilder } from '../ports.js';
import type { answerPayload } from '../course/request-jobs.js';
import { hasPackage, type RequestState } from '../request-state.js';
import { fact, streamOf, type AnswerKind, type Resolution } from '../request.js';
import { Requests, type Decide } from '../requests.js';
import { reopenedAtOnce } from '../step/aftercare-ended.js';
import { ACTOR } from '../step/step-run.js';
import { readAgain } from './read-again.js';

type AnswerPayload = z.infer<typeof answerPayload>;

@Injectable()
export class SendAnswer {
  constructor(
    private readonly requests: Requests,
    private readonly answers: AnswerWriter,
    private readonly packages: PackageBuilder,
    private readonly certificates: CertificateIssuer,
  ) {}

  async run({ tenant, payload, dedupeKey }: Job<AnswerPayload>, context: JobContext): Promise<JobResult> {
    const { requestId, round, notice } = payload;
    if (notice) return this.notify(tenant, requestId, notice, `${requestId}/${notice}/${round}`, context);
    const state = await this.requests.load(tenant, requestId);
    const { resolution } = state;
    if (resolution === undefined) return done();
    if (isDelivered(state, resolution) && !hasPackage(state)) {
      // An hour after the first job died: what is not in the data folder may have been on a disk that was away.
      const lost = standsFor(dedupeKey) === undefined ? [] : await this.packages.lost(tenant, state);
      if (lost.length > 0) {
        await this.change(tenant, requestId, context, (now) => readAgain(now, lost));
        return done();
      }
      await this.append(tenant, state.id, context, (now) => (hasPackage(now) ? [] : this.packages.build(tenant, now)));
    }
    const key = `${requestId}/${round}`;
    await this.append(tenant, requestId, context, async (now) => {
      // A repeat of this job must not close what was reopened since.
      if (now.status !== 'answering') return [];
      return [
        ...(await this.answers.write(tenant, now, answerKindOf(now, resolution), key)),
        fact('RequestClosed.v1', { requestId, resolution }),
        ...reopenedAtOnce(now),
      ];
    });
    await this.certify(tenant, requestId, context);
    return done();
  }

  /** Changes nothing but the list of answers: a receipt, an extension with its reason, or that it was done at once. */
  private async notify(
    tenant: TenantId,
    requestId: string,
    kind: AnswerKind,
    key: string,
    context: JobContext,
  ): Promise<JobResult> {
    await this.append(tenant, requestId, context, (now) => this.answers.write(tenant, now, kind, key));
    return done();
  }

  /** Also run by itself when aftercare changed what the certificate says. */
  async certify(tenant: TenantId, requestId: string, context: JobContext): Promise<void> {
    await this.append(tenant, requestId, context, (now) =>
      now.status === 'closed' ? this.certificates.issue(tenant, now) : [],
    );
  }

  private async append(
    tenant: TenantId,
    requestId: string,
    context: JobContext,
    decide: (state: RequestState) => Promise<NewEvent[]> | NewEvent[],
  ): Promise<void> {
    await this.change(tenant, requestId, context, async (state) => ({ events: await decide(state) }));
  }

  private async change(tenant: TenantId, requestId: string, context: JobContext, decide: Decide): Promise<void> {
    await this.requests.appending(tenant, requestId, decide, ({ events, rows = [] }, { version }) =>
      context.append({ actorRef: ACTOR, events, rows, expect: { [streamOf(requestId)]: version } }),
    );
  }
}

/** Refused in part, because an officer accepted a step undone: the person gets what was read all the same (GDPR 15(3)). */
function isDelivered({ type, steps }: RequestState, resolution: Resolution): boolean {
  if (type !== 'access') return false;
  const isRead = resolution === 'refused' && steps.some(({ finished, handled }) => finished && handled !== 'accepted');
  return isRead || resolution === 'fulfilled' || resolution === 'fulfilled-with-retention';
}

/** What the person is told. A partial refusal names reasons, complaint and court (GDPR 12(4)). */
export function answerKindOf(state: RequestState, resolution: Resolution): AnswerKind {
  switch (resolution) {
    case 'fulfilled':
      return 'completion';
    case 'fulfilled-with-retention':
      return 'partial-refusal';
    case 'refused':
      return state.steps.length > 0 ? 'partial-refusal' : 'refusal';
    case 'withdrawn':
      return 'withdrawn';
    case 'cannot-identify':
    case 'out-of-scope':
    case 'forwarded':
      return 'refusal';
  }
}
