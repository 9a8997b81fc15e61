/** The end of a replica without a lost call: first it says that it is not ready, then it answers what still comes, then it stops. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '#kernel';
import { sendProblem } from '#platform';

const probes = new Set(['/healthz', '/readyz']);
/** After the last call: the next one of the same caller is on its way. */
const QUIET_MS = 400;
const LOOK_MS = 20;

/** Counts the calls of one process; probes are none. */
export class Drain {
  private draining = false;
  private running = 0;
  private lastCall = 0;

  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, next: () => void) => {
      if (!probes.has(request.url)) {
        this.running += 1;
        this.lastCall = performance.now();
        // Also when the caller goes away in the middle.
        reply.raw.once('close', () => (this.running -= 1));
      }
      if (this.draining) {
        // The next call of this client goes where the balancer sends it.
        reply.header('connection', 'close');
        if (request.url === '/readyz') {
          sendProblem(reply, draining(), request.id);
          return;
        }
      }
      next();
    });
  }

  /** Errors: 503 `draining` once it has begun. */
  assertServing(): void {
    if (this.draining) throw draining();
  }

  /**
   * Resolves when no call has come for a moment and none runs; never before `leastMs`, in which whoever balances load notices
   * also where few calls come, and at the latest after `mostMs`.
   */
  async finish(leastMs: number, mostMs: number): Promise<void> {
    this.draining = true;
    const began = performance.now();
    for (let now = began; now - began < mostMs; now = performance.now()) {
      const quietFor = now - Math.max(began, this.lastCall);
      if (this.running === 0 && quietFor >= QUIET_MS && now - began >= leastMs) return;
      await sleep(LOOK_MS);
    }
  }
}

function draining(): DomainError {
  return new DomainError(503, 'draining', {
    detail: 'This replica stops as soon as its calls are answered. Send new ones to another.',
    retryable: true,
    retryAfter: 1,
  });
}
