/** Turns in a request's course that an officer decides: refuse, extend, pause, resume, withdraw, reopen. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Clock, JsonObject } from '#kernel';
import { cancelJob, enqueue } from '#jobs';
import { assertExtension, assertRunsUnder, clocksFor, dateInZone, refusalsOf, REGIMES } from '#law';
import type { NewEvent } from '#ledger';
import { CLOCK, OpenCode, vouchedHuman, type Caller } from '#platform';
import { CaseFile } from '../case-file.js';
import { clockInput } from './request-clocks.js';
import { answerJob, noticeJob, stopJob } from './request-jobs.js';
import { reopenedAt } from '../request-evolve.js';
import type { RequestState } from '../request-state.js';
import { fact, notePlace } from '../request.js';
import { Requests, type Change } from '../requests.js';
import { alreadyClosed, caseUnreadable, exceptionUnknown, notNow } from '../requests.errors.js';

const reason = z.string().min(1).max(2000);
const regime = z.enum(REGIMES);
const pauseReason = z.enum(['clarification', 'identity']);

/** `exception`: rule id of the law engine such as `gdpr-17-3-b`; for `cannot-identify` and `out-of-scope` the article that allows it. */
export const RefuseBody = z
  .strictObject({
    reason,
    exception: OpenCode(64),
    resolution: z.enum(['refused', 'cannot-identify', 'out-of-scope', 'forwarded']).default('refused'),
  })
  .meta({ id: 'RefuseRequest' });
export const ExtendBody = z
  .strictObject({ regime, reason: z.string().min(1).max(64), noticeOn: z.iso.date().optional() })
  .meta({ id: 'ExtendRequest' });
export const PauseBody = z.strictObject({ regime, reason: pauseReason }).meta({ id: 'PauseRequest' });
export const ResumeBody = z.strictObject({ regime }).meta({ id: 'ResumeRequest' });
export const WithdrawBody = z.strictObject({ reason }).meta({ id: 'WithdrawRequest' });
export const ReopenBody = z
  .strictObject({ reason, cause: z.enum(['complaint', 'appeal', 'order', 'late-find']) })
  .meta({ id: 'ReopenRequest' });
export const Turned = z.strictObject({ id: z.uuid(), status: z.string() }).meta({ id: 'TurnedRequest' });

type Turned = z.infer<typeof Turned>;

@Injectable()
export class CourseOfRequest {
  constructor(
    private readonly requests: Requests,
    private readonly file: CaseFile,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Before anything was done. The answer names reason, complaint and court, and closes the clock. */
  async refuse(by: Caller, id: string, body: z.infer<typeof RefuseBody>): Promise<Turned> {
    const { exception, resolution } = body;
    const humanRef = this.file.humanRef(by.tenant, vouchedHuman(by).humanId);
    return this.turn(by, id, 'answering', async (state) => {
      if (resolution === 'refused') assertException(state, exception);
      if (!['identifying', 'deciding'].includes(state.status))
        throw notNow(state.status, 'A refusal comes before the approval.');
      const sealed = await this.file.sealEnd(by.tenant, state, body.reason, notePlace(id, 'refusal'));
      return answered(
        state,
        [fact('RequestRefused.v1', { requestId: id, reason: sealed, ruleId: exception, humanRef })],
        resolution,
      );
    });
  }

  extend(by: Caller, id: string, body: z.infer<typeof ExtendBody>): Promise<Turned> {
    return this.turn(by, id, undefined, (state) => {
      const noticeOn = body.noticeOn ?? this.today(state);
      assertExtension(clockInput(state, this.today(state)), { regime: body.regime, reason: body.reason, noticeOn });
      return {
        events: [fact('RequestExtended.v1', { requestId: id, regime: body.regime, reason: body.reason, noticeOn })],
        // Without a sent notice there is no extension (GDPR 12(3)).
        rows: enqueue(noticeJob(id, 'extension', state.version)),
      };
    });
  }

  /** 422 `pause-not-allowed-by-regime` where the row knows no pause, always in California (7021(b)). */
  pause(by: Caller, id: string, body: z.infer<typeof PauseBody>): Promise<Turned> {
    return this.turn(by, id, undefined, (state) => {
      assertRunsUnder(state.regimes, body.regime);
      if (state.pauses.some((one) => one.regime === body.regime && one.to === null))
        throw notNow(state.status, 'This clock stands still already.');
      const from = this.today(state);
      clocksFor(clockInput({ ...state, pauses: [...state.pauses, { ...body, from, to: null }] }, from));
      return { events: [fact('RequestPaused.v1', { requestId: id, ...body, from })] };
    });
  }

  resume(by: Caller, id: string, body: z.infer<typeof ResumeBody>): Promise<Turned> {
    return this.turn(by, id, undefined, (state) => {
      assertRunsUnder(state.regimes, body.regime);
      if (!state.pauses.some((one) => one.regime === body.regime && one.to === null))
        throw notNow(state.status, 'This clock is not paused.');
      return { events: [fact('RequestResumed.v1', { requestId: id, regime: body.regime, to: this.today(state) })] };
    });
  }

  /** By the person. Work that has not begun stops; the answer says what is gone already. */
  withdraw(by: Caller, id: string, body: z.infer<typeof WithdrawBody>): Promise<Turned> {
    return this.turn(by, id, 'answering', async (state) => {
      const sealed = await this.file.sealEnd(by.tenant, state, body.reason, notePlace(id, 'withdrawal'));
      const alreadyDone = state.steps.some((step) => step.attempts > 0);
      const change = answered(
        state,
        [fact('RequestWithdrawn.v1', { requestId: id, reason: sealed, alreadyDone })],
        'withdrawn',
      );
      const still = state.steps.filter((step) => step.attempts === 0 || step.failure);
      return { ...change, rows: [...(change.rows ?? []), ...still.map((step) => cancelJob(step.jobId))] };
    });
  }

  reopen(by: Caller, id: string, body: z.infer<typeof ReopenBody>): Promise<Turned> {
    return this.turn(
      by,
      id,
      reopenedAt,
      async (state) => {
        if (state.status !== 'closed') throw notNow(state.status, 'Only a closed request can be reopened.');
        if (state.fileEnded) throw caseUnreadable();
        const sealed = await this.file.seal(by.tenant, state, body.reason, notePlace(id, `reopen/${state.version}`));
        const events = [fact('RequestReopened.v1', { requestId: id, reason: sealed, cause: body.cause })];
        // What needs no proof is done again at once.
        const atOnce = state.type === 'objection' || state.type === 'withdrawal';
        return { events, rows: atOnce ? enqueue(stopJob(id, this.clock.now(), state.version)) : [] };
      },
      true,
    );
  }

  private today(state: RequestState): string {
    return dateInZone(this.clock.now(), state.timeZone);
  }

  private async turn(
    by: Caller,
    id: string,
    status: string | ((state: RequestState) => string) | undefined,
    decide: (state: RequestState) => Promise<Change> | Change,
    closed = false,
  ): Promise<Turned> {
    let answer: Turned = { id, status: '' };
    await this.requests.change(
      by.tenant,
      by.actorRef,
      id,
      async (state) => {
        if (!closed && (state.status === 'closed' || state.status === 'answering')) throw alreadyClosed();
        const change = await decide(state);
        answer = { id, status: typeof status === 'function' ? status(state) : (status ?? state.status) };
        const body: JsonObject = { ...answer };
        return { ...change, respond: () => ({ status: 200, body }) };
      },
      by,
    );
    return answer;
  }
}

function assertException({ regimes, type }: RequestState, exception: string): void {
  const exceptions = regimes.flatMap((regime) => refusalsOf(regime, type)).map(({ ruleId }) => ruleId);
  if (!exceptions.includes(exception)) throw exceptionUnknown(exceptions);
}

function answered(
  state: RequestState,
  events: NewEvent[],
  resolution: 'refused' | 'cannot-identify' | 'out-of-scope' | 'forwarded' | 'withdrawn',
): Change {
  return {
    events: [...events, fact('AnsweringStarted.v1', { requestId: state.id, resolution })],
    rows: enqueue(answerJob(state.id, state.version)),
  };
}
