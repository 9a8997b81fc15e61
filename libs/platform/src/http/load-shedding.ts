/** Under more load than there is capacity, what can wait is refused first, so that nobody's withdrawal is late. */
import { performance } from 'node:perf_hooks';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { sendProblem } from './problem-details.js';
import { rateClassOf } from './rate-limits.js';

/**
 * Classes of demand in the order in which they are refused. `access-log`: reports that their sender keeps and repeats.
 * `batches`: big reads that can be asked later. `requests`: work of officers, systems and requests that are no stop.
 * `checks`: one decision for one person, and records. `stops`: withdrawals, refusals, objections and opt-outs; never shed.
 */
export const DEMANDS = ['access-log', 'batches', 'requests', 'checks', 'stops'] as const;
export type Demand = (typeof DEMANDS)[number];

/** What shows that this process has more to do than it can. */
export interface LoadSignals {
  /** Milliseconds by which a turn of the event loop is late. */
  delayMs: number;
  /** Appends that wait for a flush. */
  queued: number;
}

/** From which load on each class is refused; either signal is enough. Stops meet only the bound of the queue itself. */
const bounds: readonly (LoadSignals & { demand: Demand })[] = [
  { demand: 'access-log', delayMs: 80, queued: 2_000 },
  { demand: 'batches', delayMs: 160, queued: 5_000 },
  { demand: 'requests', delayMs: 320, queued: 10_000 },
  { demand: 'checks', delayMs: 1_000, queued: 16_000 },
];

/**
 * Calls of one class that are answered at the same time; more are refused although the process keeps up, since what waits
 * behind them would be anybody's. Stops have no bound here.
 */
const places: Readonly<Record<Demand, number>> = {
  'access-log': 32,
  batches: 64,
  requests: 512,
  checks: 4_096,
  stops: Infinity,
};

const SAMPLE_MS = 50;
/** About half a second: one long turn, such as a garbage collection, refuses nobody. */
const SMOOTHING = 0.1;
/** Once refused, a class stays refused this long, so that its callers do not come and go in waves. */
const CALM_MS = 1_000;

/** How many classes, from the first on, are refused at this load. Pure. */
export function levelOf({ delayMs, queued }: LoadSignals): number {
  let level = 0;
  bounds.forEach((bound, index) => {
    if (delayMs >= bound.delayMs || queued >= bound.queued) level = index + 1;
  });
  return level;
}

const reports = new Set(['/v1/access-log/entries', '/v1/imports']);
const checks = new Set(['/v1/consents/check', '/v1/suppressions/check']);

/** The class of a call, or undefined while only its body can tell. */
export function demandOf(method: string, route: string, body?: unknown): Demand | undefined {
  if (method === 'POST' && reports.has(route)) return 'access-log';
  if (method === 'POST' && checks.has(route)) return 'checks';
  if (/\/(check-batch|audience|search)$/.test(route)) return 'batches';
  const kind = rateClassOf(method, route, body);
  if (kind === undefined) return undefined;
  if (kind === 'withdrawals') return 'stops';
  return kind === 'records' && route === '/v1/consents' ? 'checks' : 'requests';
}

/** Watches the load of one process and refuses by class: 503 `overloaded` with Retry-After. */
export class LoadShedding {
  private readonly inside = new Map<Demand, number>();
  private delay = 0;
  private level = 0;
  private calmAt = 0;
  private sampledAt = performance.now();
  private readonly timer: NodeJS.Timeout;

  /** @param shed told of each refusal, for metrics */
  constructor(
    private readonly queued: () => number,
    private readonly shed: (demand: Demand) => void = () => undefined,
  ) {
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
    this.timer.unref();
  }

  /** The load as it is judged at the moment, smoothed. */
  get signals(): LoadSignals {
    return { delayMs: this.delay, queued: this.queued() };
  }

  /** Number of classes refused at the moment; 0 when there is room for everybody. */
  get refusing(): number {
    return this.level;
  }

  /**
   * Before authentication: refusing must cost next to nothing. Again once the body is read: it may tell the class, and only
   * then is there work to do; a body that arrives slowly or never holds nobody's place.
   */
  install(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) =>
      this.judge(demandIn(request), request, reply, next),
    );
    fastify.addHook('preValidation', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
      const demand = demandIn(request, request.body ?? null);
      this.judge(demand, request, reply, () => {
        this.admit(demand, request, reply);
        next();
      });
    });
    fastify.addHook('onClose', (_fastify, done) => {
      clearInterval(this.timer);
      done();
    });
  }

  private judge(demand: Demand | undefined, request: FastifyRequest, reply: FastifyReply, next: () => void): void {
    if (demand === undefined || !isGuarded(request)) {
      next();
      return;
    }
    const inside = this.inside.get(demand) ?? 0;
    if (DEMANDS.indexOf(demand) >= this.level && inside < places[demand]) {
      next();
      return;
    }
    this.shed(demand);
    const detail = 'More load than this process can serve. Nothing was done; repeat with the same Idempotency-Key.';
    // Those who were refused first come back last, and not all at once.
    const retryAfter = 1 + this.level + Math.floor(Math.random() * 3);
    sendProblem(reply, new DomainError(503, 'overloaded', { detail, retryable: true, retryAfter }), request.id);
  }

  /** A call that waits for news (a long poll, always a GET) does not work meanwhile. */
  private admit(demand: Demand | undefined, request: FastifyRequest, reply: FastifyReply): void {
    if (demand === undefined || !isGuarded(request) || request.method === 'GET') return;
    this.inside.set(demand, (this.inside.get(demand) ?? 0) + 1);
    reply.raw.once('close', () => this.inside.set(demand, (this.inside.get(demand) ?? 1) - 1));
  }

  private sample(): void {
    const now = performance.now();
    const late = Math.max(0, now - this.sampledAt - SAMPLE_MS);
    this.sampledAt = now;
    this.delay += SMOOTHING * (late - this.delay);
    const level = levelOf(this.signals);
    if (level < this.level && now < this.calmAt) return;
    this.level = level;
    this.calmAt = now + CALM_MS;
  }
}

function isGuarded(request: FastifyRequest): boolean {
  return request.routeOptions.url?.startsWith('/v1/') === true;
}

function demandIn(request: FastifyRequest, body?: unknown): Demand | undefined {
  return demandOf(request.method, request.routeOptions.url ?? '', body);
}
