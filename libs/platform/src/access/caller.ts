/** Who is calling, in which tenant, and under which idempotency key. */
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import type { IdempotencyClaim } from '#ledger';

/** What a principal may be. `system` keys never approve; `subject` sessions see only themselves. */
export type Role = 'admin' | 'privacy-officer' | 'auditor' | 'system' | 'subject';

/** An authenticated principal. */
export interface Principal {
  kind: 'human' | 'system' | 'subject';
  /** Id of the member, key or subject. */
  id: string;
  tenant: TenantId;
  mode: 'test' | 'live';
  roles: Role[];
  /** Scopes of a system key, e.g. `consents:write`; empty for humans. */
  scopes: string[];
  /** The natural person behind the credential: two credentials of one human count as one approver. */
  humanId?: string;
  /** Every member id that is the same human, `humanId` among them. */
  humanIds?: string[];
  /**
   * A second human has vouched that this credential is in the hands of the human it names; without it nothing may be approved,
   * or whoever mints credentials could approve in everybody's name.
   */
  vouched?: boolean;
  /** Of credentials that carry it: when the human last proved to be there; null when the token does not say. */
  authenticated?: { at: Date | null };
  /** Pseudonym written into leaves. */
  actorRef: string;
}

/** One call: the principal, what it may repeat safely, and whose data it has seen. */
export class Caller {
  /** People whose personal data the answer holds; logged before the answer leaves. */
  readonly seen = new Map<SubjectId, Set<string>>();
  idempotency: IdempotencyClaim | undefined;

  constructor(readonly principal: Principal) {}

  get tenant(): TenantId {
    return this.principal.tenant;
  }

  get actorRef(): string {
    return this.principal.actorRef;
  }

  /** True when the principal holds the scope; humans hold the scopes of their roles through CASL instead. */
  hasScope(scope: string): boolean {
    return this.principal.scopes.includes(scope);
  }

  /** Declares that the answer holds personal data of a subject. */
  saw(subject: SubjectId, ...fields: string[]): void {
    const known = this.seen.get(subject) ?? new Set<string>();
    for (const field of fields) known.add(field);
    this.seen.set(subject, known);
  }
}

/** The request as the platform decorates it. */
export interface CallerRequest {
  caller?: Caller;
  method: string;
  headers: Record<string, string | string[] | undefined>;
  body?: unknown;
}

/** Parameter decorator: the caller of this route. Routes open to anyone have none. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const caller = context.switchToHttp().getRequest<CallerRequest>().caller;
  if (!caller) throw new Error('route uses @By() but is open to anyone');
  return caller;
});
