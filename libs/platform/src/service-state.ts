/** Why this process refuses work, although it runs: a restored, rolled-back, full or misdated installation serves nobody. */
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { DomainError, type Clock } from '#kernel';
import { AUDITED, type Audit } from './access/audit-kind.js';
import type { Action, Resource } from './access/abilities.js';
import { CAN, type Needs } from './access/needs.js';

/**
 * `rollback-detected`: the ledger has less than was signed. `quarantined`: restored, and what was erased since may be back.
 * `read-only`: no room to write. `clock-skew`: what is recorded now would carry a wrong date.
 */
export type RefusalCode = 'quarantined' | 'rollback-detected' | 'read-only' | 'clock-skew';

/** One reason, in words for the operator: what to do next; no personal data. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly detail: string;
  readonly since: Date;
}

/** Worst first: this one is told when there are several. */
const order: readonly RefusalCode[] = ['rollback-detected', 'quarantined', 'read-only', 'clock-skew'];

/** Codes under which what is stored may be wrong, so that reading it is refused too. */
const untrusted: ReadonlySet<RefusalCode> = new Set(['rollback-detected', 'quarantined']);

const RETRY_AFTER_S = 10;

/** What this process refuses at the moment. One object a process; everything that changes something asks it. */
export class ServiceState {
  private readonly active = new Map<RefusalCode, Refusal>();

  constructor(private readonly clock: Clock) {}

  /** Begins to refuse; a repeat renews the words and keeps the beginning. */
  refuse(code: RefusalCode, detail: string): void {
    this.active.set(code, { code, detail, since: this.active.get(code)?.since ?? this.clock.now() });
  }

  clear(code: RefusalCode): void {
    this.active.delete(code);
  }

  /** Worst first; empty when the service works. */
  get refusals(): readonly Refusal[] {
    return order.flatMap((code) => this.active.get(code) ?? []);
  }

  /** Errors: 503 with the worst code and Retry-After while anything is refused. */
  assertWritable(): void {
    throwWorst(this.refusals);
  }

  /** Errors: 503 while what is stored may be older than what was promised. A full disk does not stop a check of consent. */
  assertReadable(): void {
    throwWorst(this.refusals.filter(({ code }) => untrusted.has(code)));
  }
}

function throwWorst([worst]: readonly Refusal[]): void {
  if (worst)
    throw new DomainError(503, worst.code, { detail: worst.detail, retryable: true, retryAfter: RETRY_AFTER_S });
}

/** What an operator and an auditor may still read to judge: the sealed log and the administration, no person. */
const judged: ReadonlySet<Resource> = new Set([
  'Self',
  'Ledger',
  'LedgerEntry',
  'ApiKey',
  'Member',
  'Plugin',
  'Connection',
]);
const reads: ReadonlySet<Action> = new Set(['read', 'see-self']);

/**
 * Refuses every route that changes something while anything is refused, and every route but health and the sealed log
 * while what is stored may be wrong. Runs after `CanGuard`: 401 and 403 come first.
 */
export class StateGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly state: ServiceState,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.state.refusals.length === 0) return true;
    const needs = this.reflector.get<Needs | undefined>(CAN, context.getHandler());
    const audit = this.reflector.get<Audit | undefined>(AUDITED, context.getHandler());
    const { method } = context.switchToHttp().getRequest<{ method: string }>();
    if (audit?.kind !== 'exempt') this.state.assertWritable();
    const harmless =
      method === 'GET' && (needs === 'anyone' || (needs && reads.has(needs.action) && judged.has(needs.resource)));
    if (!harmless) this.state.assertReadable();
    return true;
  }
}
