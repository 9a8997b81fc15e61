/** `@Audited`: what a route leaves in the log. A read of personal data is recorded before the answer leaves. */
import {
  applyDecorators,
  Injectable,
  SetMetadata,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ModuleRef, Reflector } from '@nestjs/core';
import { ApiHeader, ApiOperation } from '@nestjs/swagger';
import { from, mergeMap, type Observable } from 'rxjs';
import { AUDITED, type Audit } from './audit-kind.js';
import type { Caller, CallerRequest } from './caller.js';
import { IDEMPOTENCY_KEY, IdempotencyInterceptor } from '../http/idempotency.js';

/**
 * Declares the audit entry of a route, and puts before the route what sees to it; an exempt one passes without. POST
 * routes of kind `change` require an `Idempotency-Key`. The name is the route's summary in the OpenAPI document.
 */
export function Audited(name: string, kind: 'change' | 'read'): MethodDecorator;
export function Audited(name: string, kind: 'exempt', why: string): MethodDecorator;
export function Audited(name: string, kind: 'change' | 'read' | 'exempt', why = ''): MethodDecorator {
  const named = ApiOperation({ summary: name.replace('.', ': ').replaceAll('-', ' ') });
  if (kind === 'exempt') return applyDecorators(named, SetMetadata(AUDITED, { name, kind, why }));
  const recorded = applyDecorators(named, SetMetadata(AUDITED, { name, kind }));
  if (kind === 'read') return applyDecorators(recorded, UseInterceptors(AuditInterceptor));
  return applyDecorators(
    recorded,
    UseInterceptors(IdempotencyInterceptor, AuditInterceptor),
    ApiHeader({ name: IDEMPOTENCY_KEY, required: false, schema: { type: 'string', minLength: 1, maxLength: 200 } }),
  );
}

/** Port to the access log, implemented there: resolves when the entry is on disk. */
export abstract class AccessRecorder {
  abstract record(caller: Caller, audit: string): Promise<void>;
}

/** Records who saw whom before the first byte of the answer leaves; without the entry there is no answer. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly modules: ModuleRef,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const audit = this.reflector.get<Audit | undefined>(AUDITED, context.getHandler());
    if (!audit || audit.kind === 'exempt') return next.handle();
    const { caller } = context.switchToHttp().getRequest<CallerRequest>();
    return next.handle().pipe(mergeMap((answer: unknown) => from(this.entry(caller, audit.name).then(() => answer))));
  }

  private async entry(caller: Caller | undefined, name: string): Promise<void> {
    if (caller && caller.seen.size > 0) await this.modules.get(AccessRecorder, { strict: false }).record(caller, name);
  }
}
