/** Refused attempts to decide what takes two people: each is a fact in the ledger before the refusal leaves. */
import { type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, from, mergeMap, throwError, type Observable } from 'rxjs';
import { DomainError, isUuid, type Clock, type JsonObject } from '#kernel';
import { declareEvents, type EventStore } from '#ledger';
import type { Caller, CallerRequest } from './caller.js';
import type { KeyProvider } from '../keys/key-provider.js';
import type { Logger } from '../log.js';
import { CAN, type Needs } from './needs.js';

declareEvents('ApprovalRefused.v1');

/** Stream of a tenant's refused attempts. */
export const refusalStream = 'refusals';

/** Data of `ApprovalRefused.v1`; who it was is the leaf's actor. */
export type ApprovalRefused = {
  /** operationId of the route. */
  route: string;
  /** Ids in the path, as far as they are ids. */
  target: Record<string, string>;
  /** Why: the code of the problem document. */
  code: string;
  /** Pseudonym of the human, equal for all their credentials; null for a system key. */
  humanRef: string | null;
};

/** What somebody tried. */
export interface Attempt {
  /** operationId, whichever way it came. */
  route: string;
  /** What stood in the path. */
  params: Record<string, unknown>;
  /** True on a route that approves. */
  approves: boolean;
}

/** Refusals that are an attempt at deciding alone, on whatever route they happen. */
const always = new Set([
  'approver-repeated',
  'approver-cannot-attest',
  'human-needed',
  'credential-unconfirmed',
  'step-up-required',
  'own-case',
  'self-vouched',
]);

/** Refusals that are one on a route that approves: the role is wrong, or what was agreed to is no longer there. */
const whenApproving = new Set([
  'forbidden',
  'plan-missing',
  'plan-changed',
  'plan-expired',
  'planner-gone',
  'proposer-gone',
]);

/** A caller that repeats itself is recorded once a minute for each target, and so many times a minute in all. */
const AGAIN_MS = 60_000;
const MOST_A_MINUTE = 60;

/** In place of all further refusals of that minute: a flood of attempts must not hide one of them without a trace. */
const NOT_LISTED = 'refusals-not-listed';

/** Records refused attempts; repeated ones are counted together. */
export class Refusals {
  private readonly recent = new Map<string, number>();
  private readonly lately = new Map<string, { since: number; count: number }>();

  constructor(
    private readonly store: EventStore,
    private readonly keys: KeyProvider,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Resolves when the fact is on disk. A ledger that takes nothing now does not turn a refusal into anything else. */
  async record(by: Caller, attempt: Attempt, error: unknown): Promise<void> {
    const code = codeOf(error, attempt);
    if (code === undefined) return;
    const { route, params } = attempt;
    const data: ApprovalRefused = { route, target: idsIn(params), code, humanRef: this.humanRef(by) };
    const told = this.told(by, data);
    if (told === undefined) return;
    try {
      const event = { stream: refusalStream, type: 'ApprovalRefused.v1', data: told as unknown as JsonObject };
      await this.store.append({ tenant: by.tenant, actorRef: by.actorRef, events: [event] });
    } catch (failure) {
      this.log.error({ cause: (failure as Error).name, code }, 'a refused attempt could not be recorded');
    }
  }

  private humanRef({ tenant, principal }: Caller): string | null {
    if (principal.humanId === undefined) return null;
    return this.keys.mac(tenant, 'actor', `human:${principal.humanId}`).toString('hex').slice(0, 24);
  }

  /** What is to be recorded, if anything. */
  private told(by: Caller, data: ApprovalRefused): ApprovalRefused | undefined {
    const now = this.clock.now().getTime();
    const who = `${by.tenant} ${by.principal.kind} ${by.principal.id}`;
    const what = `${who} ${JSON.stringify(data)}`;
    if (Math.abs(now - (this.recent.get(what) ?? -Infinity)) < AGAIN_MS) return undefined;
    const lately = this.lately.get(who);
    const minute = lately && Math.abs(now - lately.since) < AGAIN_MS ? lately : { since: now, count: 0 };
    if (minute.count > MOST_A_MINUTE) return undefined;
    if (this.recent.size > 10_000) this.recent.clear();
    if (this.lately.size > 10_000) this.lately.clear();
    this.recent.set(what, now);
    this.lately.set(who, { since: minute.since, count: minute.count + 1 });
    return minute.count < MOST_A_MINUTE ? data : { ...data, target: {}, code: NOT_LISTED };
  }
}

/** The code that is recorded; undefined for refusals that are no attempt at deciding. */
function codeOf(error: unknown, { approves }: Attempt): string | undefined {
  if (!(error instanceof DomainError)) return undefined;
  // Not there for this caller: a guess, or another tenant's.
  const isAttempt = always.has(error.code) || (approves && (whenApproving.has(error.code) || error.status === 404));
  return isAttempt ? error.code : undefined;
}

/** The attempt that a call over HTTP is. */
export function attemptOf(context: ExecutionContext): Attempt {
  const { params = {} } = context.switchToHttp().getRequest<{ params?: Record<string, unknown> }>();
  const needs = Reflect.getMetadata(CAN, context.getHandler()) as Needs | undefined;
  const approves = needs !== undefined && needs !== 'anyone' && needs.action === 'approve';
  return { route: context.getHandler().name, params, approves };
}

/** What a caller writes into a path may be anything; only ids go into a leaf. */
function idsIn(params: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) =>
      typeof value === 'string' && (isUuid(value) || /^[0-9a-f]{16}$/.test(value) || value === 'lethe')
        ? [[name, value]]
        : [],
    ),
  );
}

/** Around every route: a refusal by the route itself is recorded before it leaves. */
export class RefusalInterceptor implements NestInterceptor {
  constructor(private readonly refusals: Refusals) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { caller } = context.switchToHttp().getRequest<CallerRequest>();
    if (!caller) return next.handle();
    return next
      .handle()
      .pipe(
        catchError((error: unknown) =>
          from(this.refusals.record(caller, attemptOf(context), error)).pipe(mergeMap(() => throwError(() => error))),
        ),
      );
  }
}
