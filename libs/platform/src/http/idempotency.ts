/**
 * `Idempotency-Key`: one effect and one answer for a repeated call. Scope: tenant, principal, method and route, key.
 * The fingerprint is a keyed hash of the canonical body, so that the table holds nothing to guess a body from.
 */
import { createHmac } from 'node:crypto';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { firstValueFrom, from, type Observable } from 'rxjs';
import { canonicalize, DomainError, systemClock, type JsonObject } from '#kernel';
import { AlreadyDone, EventStore, type IdempotencyClaim } from '#ledger';
import { AUDITED, type Audit } from '../access/audit-kind.js';
import type { Caller, CallerRequest } from '../access/caller.js';
import { KeyProvider } from '../keys/key-provider.js';
import { toDomainError } from './problem-details.js';

interface HttpReply {
  status(code: number): HttpReply;
  header(name: string, value: string): HttpReply;
  statusCode: number;
}

/** Name of the header, as it is documented. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key';

const WAIT_MS = 5000;

@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  /** Calls under way in this process, so that a concurrent repeat waits instead of running. */
  private readonly underWay = new Map<string, Promise<unknown>>();

  constructor(
    private readonly reflector: Reflector,
    private readonly store: EventStore,
    private readonly keys: KeyProvider,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const audit = this.reflector.get<Audit | undefined>(AUDITED, context.getHandler());
    const request = context
      .switchToHttp()
      .getRequest<CallerRequest & { routeOptions?: { url?: string }; params?: unknown }>();
    const { caller } = request;
    if (!caller || audit?.kind !== 'change' || !['POST', 'PUT'].includes(request.method)) return next.handle();
    const key = request.headers['idempotency-key'];
    if (typeof key !== 'string' || key.length === 0 || key.length > 200) {
      if (request.method === 'PUT' && key === undefined) return next.handle();
      throw new DomainError(
        400,
        'idempotency-key-missing',
        'Send an Idempotency-Key header of 1 to 200 characters, one per logical call.',
      );
    }
    caller.idempotency = this.claim(
      caller,
      `${request.method} ${request.routeOptions?.url ?? ''} ${paramsOf(request)}`,
      key,
      request.body,
    );
    return from(this.once(caller, caller.idempotency, context.switchToHttp().getResponse<HttpReply>(), next));
  }

  private claim(caller: Caller, route: string, key: string, body: unknown): IdempotencyClaim {
    const scope = `${caller.principal.kind}:${caller.principal.id} ${route}`;
    const secret = this.keys.mac(caller.tenant, 'idempotency', scope);
    return {
      key: createHmac('sha256', secret).update(key).digest(),
      fingerprint: createHmac('sha256', secret)
        .update(canonicalize(body ?? null))
        .digest(),
    };
  }

  private async once(caller: Caller, claim: IdempotencyClaim, reply: HttpReply, next: CallHandler): Promise<unknown> {
    const id = `${caller.tenant}${claim.key.toString('hex')}`;
    const running = this.underWay.get(id);
    if (running) {
      await waitFor(running);
      return this.replay(await this.store.kept(caller.tenant, claim.key), claim, reply);
    }
    const run = this.run(caller, claim, reply, next);
    const quiet = run.catch(() => undefined);
    this.underWay.set(id, quiet);
    try {
      return await run;
    } finally {
      this.underWay.delete(id);
    }
  }

  private async run(caller: Caller, claim: IdempotencyClaim, reply: HttpReply, next: CallHandler): Promise<unknown> {
    const kept = await this.store.kept(caller.tenant, claim.key);
    if (kept) return this.replay(kept, claim, reply);
    try {
      const answer = (await firstValueFrom(next.handle(), { defaultValue: null })) as JsonObject | null;
      // A handler that gave its answer to the ledger (Append.respond) has it stored with its events already.
      if (caller.idempotency) await this.keep(caller, claim, reply.statusCode, answer ?? {});
      return answer;
    } catch (error) {
      if (error instanceof AlreadyDone) return this.replay(error, claim, reply);
      const problem = toDomainError(error);
      if (keepable(problem.status))
        await this.keep(caller, claim, problem.status, {
          code: problem.code,
          detail: problem.details.detail,
          errors: (problem.details.errors ?? []) as never,
          extra: (problem.details.extra ?? {}) as never,
        });
      throw error;
    }
  }

  private replay(
    kept: { fingerprint: Buffer; status: number; body: JsonObject } | undefined,
    claim: IdempotencyClaim,
    reply: HttpReply,
  ): JsonObject {
    if (!kept)
      throw new DomainError(409, 'idempotency-key-in-use', {
        detail: 'A call with this key is under way or failed. Repeat it.',
        retryable: true,
        retryAfter: 1,
      });
    if (!kept.fingerprint.equals(claim.fingerprint)) {
      throw new DomainError(
        422,
        'idempotency-key-reused',
        'This Idempotency-Key was used with another body. Use a new key for a new call.',
      );
    }
    reply.header('idempotency-replayed', 'true');
    if (kept.status >= 400) {
      const { code, detail, errors, extra } = kept.body as {
        code: string;
        detail: string;
        errors: never;
        extra: never;
      };
      throw new DomainError(kept.status, code, { detail, errors, extra });
    }
    reply.status(kept.status);
    return kept.body;
  }

  private async keep(caller: Caller, claim: IdempotencyClaim, status: number, body: JsonObject): Promise<void> {
    await this.store.database.transaction(caller.tenant, (query) =>
      query({
        name: 'idempotency-keep',
        text: `INSERT INTO idempotency (tenant, key, fingerprint, status, response, created_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
        values: [caller.tenant, claim.key, claim.fingerprint, status, JSON.stringify(body), systemClock.now()],
      }),
    );
  }
}

/** Refusals that stay the same when repeated are kept; credentials, limits and faults may differ next time. */
function keepable(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 409, 429].includes(status);
}

function paramsOf(request: { params?: unknown }): string {
  return canonicalize(request.params ?? {});
}

async function waitFor(running: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
  await Promise.race([running, timeout]);
  clearTimeout(timer);
}
