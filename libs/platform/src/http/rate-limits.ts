/** Limits of calls per minute: a bucket per class of route, and one for withdrawals that nothing else can use up. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { credentialOf, type PrincipalSource } from '../access/authenticate.js';
import type { CallerRequest } from '../access/caller.js';
import { sendProblem } from './problem-details.js';

/** Classes of calls, each counted on its own per key or human. `failures` counts refused credentials per address. */
export type RateClass = 'checks' | 'records' | 'withdrawals' | 'calls' | 'failures';

/** What is left of a bucket. */
export interface Taken {
  allowed: boolean;
  remaining: number;
  /** Whole seconds until the bucket is full again. */
  resetSeconds: number;
}

const WINDOW_MS = 60_000;
const MAX_BUCKETS = 50_000;

/** Counts calls in windows of a minute. Time is monotonic milliseconds. */
export class RateBuckets {
  private readonly buckets = new Map<string, { taken: number; ends: number }>();

  constructor(private readonly now: () => number) {}

  /** Looks without taking when `amount` is 0. */
  take(bucket: string, limit: number, amount = 1): Taken {
    const now = Math.floor(this.now());
    let known = this.buckets.get(bucket);
    if (!known || known.ends <= now) {
      known = { taken: 0, ends: now + WINDOW_MS };
      // At the end of the list, so that it is in the order of the ends.
      this.buckets.delete(bucket);
      if (this.buckets.size >= MAX_BUCKETS) this.dropOld(now);
      this.buckets.set(bucket, known);
    }
    const allowed = known.taken + amount <= limit && (amount > 0 || known.taken < limit);
    if (allowed) known.taken += amount;
    return {
      allowed,
      remaining: Math.max(0, limit - known.taken),
      resetSeconds: Math.max(1, Math.ceil((known.ends - now) / 1000)),
    };
  }

  /** Ended windows go; under a flood of names the oldest too, so that memory is bounded. No more is looked at than goes. */
  private dropOld(now: number): void {
    for (const [name, { ends }] of this.buckets) {
      if (ends > now && this.buckets.size < MAX_BUCKETS) return;
      this.buckets.delete(name);
    }
  }
}

const checks = new Set(['/v1/consents/check', '/v1/consents/check-batch', '/v1/suppressions/check']);
/** Their class shows in the body: a withdrawal must get through when everything else is exhausted. */
const byBody = new Set(['/v1/consents', '/v1/requests']);
const stops = new Set(['withdrawal', 'objection', 'opt-out']);
const stopping = new Set<unknown>(['withdrawn', 'refused']);

/** The class of a call, or undefined while only its body can tell. */
export function rateClassOf(method: string, route: string, body?: unknown): RateClass | undefined {
  if (method === 'POST' && checks.has(route)) return 'checks';
  if (method === 'POST' && byBody.has(route)) {
    if (body === undefined) return undefined;
    return isStop(body) ? 'withdrawals' : 'records';
  }
  return method === 'POST' && route === '/v1/access-log/entries' ? 'records' : 'calls';
}

/** Calls a minute by class. */
export type CallLimits = Record<RateClass, number>;

/**
 * A key of a system asks before each use of a person's data: a thousand checks a second is an ordinary shop. Everything
 * else is bounded to a thousand calls a second.
 */
export const DEFAULT_LIMITS: Readonly<CallLimits> = {
  checks: 600_000,
  records: 60_000,
  withdrawals: 60_000,
  calls: 60_000,
  failures: 60_000,
};

/** The same limit for every class. */
export function equalLimits(perMinute: number): CallLimits {
  return {
    checks: perMinute,
    records: perMinute,
    withdrawals: perMinute,
    calls: perMinute,
    failures: perMinute,
  };
}

function isStop(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  const { decisions, type } = body as { decisions?: unknown; type?: unknown };
  if (typeof type === 'string') return stops.has(type);
  return (
    Array.isArray(decisions) &&
    decisions.length > 0 &&
    decisions.every((one) => stopping.has((one as { decision?: unknown } | null)?.decision))
  );
}

/**
 * Installs the limits around authentication: call before it for refused credentials (`refused`), after it for callers.
 * Answers carry `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10); a refusal is 429 with Retry-After.
 */
export class RateLimits {
  private readonly buckets: RateBuckets;

  constructor(
    private readonly limits: Readonly<CallLimits>,
    now: () => number = () => performance.now(),
  ) {
    this.buckets = new RateBuckets(now);
  }

  /**
   * Slows guessing of credentials down, per address, before one is looked up. Who was let in before passes all the same:
   * everybody behind one proxy or gateway may share the address of a guesser.
   */
  installForRefused(fastify: FastifyInstance, source: Pick<PrincipalSource, 'met'>): void {
    fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
      const spent = !this.buckets.take(`failures ${request.ip}`, this.limits.failures, 0).allowed;
      const credential = spent ? credentialOf(request) : undefined;
      if (!spent || (credential !== undefined && source.met(credential))) next();
      else this.apply('failures', request.ip, request, reply, next, 0);
    });
    fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
      if (reply.statusCode === 401) this.buckets.take(`failures ${request.ip}`, this.limits.failures);
      next();
    });
  }

  /** Counts every call of an authenticated caller. */
  installForCallers(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) =>
      this.count(request, reply, next, undefined),
    );
    fastify.addHook('preValidation', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
      if (rateClassOf(request.method, request.routeOptions.url ?? '') === undefined)
        this.count(request, reply, next, request.body ?? null);
      else next();
    });
  }

  private count(request: FastifyRequest, reply: FastifyReply, next: () => void, body: unknown): void {
    const { caller } = request as unknown as CallerRequest;
    const kind = rateClassOf(request.method, request.routeOptions.url ?? '', body);
    if (!caller || !kind) next();
    else this.apply(kind, `${caller.tenant} ${caller.principal.id}`, request, reply, next, 1);
  }

  private apply(
    kind: RateClass,
    who: string,
    request: FastifyRequest,
    reply: FastifyReply,
    next: () => void,
    amount: number,
  ): void {
    const limit = this.limits[kind];
    const { allowed, remaining, resetSeconds } = this.buckets.take(`${kind} ${who}`, limit, amount);
    reply.header('ratelimit-policy', `"${kind}";q=${limit};w=60`);
    reply.header('ratelimit', `"${kind}";r=${remaining};t=${resetSeconds}`);
    if (allowed) {
      next();
      return;
    }
    const detail = 'Too many calls of this class with this key. Wait for Retry-After seconds.';
    const refusal = new DomainError(429, 'rate-limited', { detail, retryable: true, retryAfter: resetSeconds });
    sendProblem(reply, refusal, request.id);
  }
}
