/** `@Audited`: what a route leaves in the log. A read of personal data is recorded before the answer leaves. */
import {
  SetMetadata,
  type CallHandler,
  type CustomDecorator,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { from, mergeMap, type Observable } from 'rxjs';
import type { Caller, CallerRequest } from './caller.js';

/** Metadata key; read by the route test. */
export const AUDITED = 'lethe:audited';

/**
 * `change`: the command's own events are the entry. `read`: an access-log entry per subject seen. `exempt`: neither,
 * for the stated reason (the listed exemptions: check, health, ledger bytes).
 */
export type Audit = { name: string; kind: 'change' | 'read' } | { name: string; kind: 'exempt'; why: string };

/** Declares the audit entry of a route. POST routes of kind `change` require an `Idempotency-Key`. */
export function Audited(name: string, kind: 'change' | 'read'): CustomDecorator;
export function Audited(name: string, kind: 'exempt', why: string): CustomDecorator;
export function Audited(name: string, kind: 'change' | 'read' | 'exempt', why = ''): CustomDecorator {
  return SetMetadata(AUDITED, kind === 'exempt' ? { name, kind, why } : { name, kind });
}

/** Port to the access log, implemented there: resolves when the entry is on disk. */
export abstract class AccessRecorder {
  abstract record(caller: Caller, audit: string): Promise<void>;
}

/** Records who saw whom before the first byte of the answer leaves; without the entry there is no answer. */
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly recorder: AccessRecorder,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const audit = this.reflector.get<Audit | undefined>(AUDITED, context.getHandler());
    if (!audit || audit.kind === 'exempt') return next.handle();
    const { caller } = context.switchToHttp().getRequest<CallerRequest>();
    return next.handle().pipe(mergeMap((answer: unknown) => from(this.entry(caller, audit.name).then(() => answer))));
  }

  private async entry(caller: Caller | undefined, name: string): Promise<void> {
    if (caller && caller.seen.size > 0) await this.recorder.record(caller, name);
  }
}
