/** A way back in for a tenant in which nobody of a role can come in any more: every token ended, and there is no other way. */
import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { notFound, type Clock } from '#kernel';
import { Database } from '#ledger';
import { Caller, CLOCK, type Role } from '#platform';
import { IssueCredential } from './issue-credential.js';
import { Members } from './members.js';
import { neverConfirmed, somebodyCanEnter } from './tenancy.errors.js';
import { INSTALLER, type Tenant } from './tenant.js';

/** Long enough to issue what is to last, which the readmitted do themselves. */
const DAYS = 7;
/** Who makes tokens, and who confirms them. The others are let in by these. */
const KEEPERS: readonly Role[] = ['admin', 'privacy-officer'];

@Injectable()
export class Readmission {
  constructor(
    private readonly database: Database,
    private readonly members: Members,
    private readonly bus: CommandBus,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * A token of seven days for a confirmed admin or privacy officer, made by whoever stands at the machine and vouched for by
   * the installation, as the first ones were. Only while nobody who has been confirmed can come in with any of those roles of
   * hers: else the operator could make himself one of two humans. Errors: 404 for who is no such member, 409
   * `never-confirmed`, 409 `somebody-can-enter`.
   */
  async of(tenant: Tenant, memberId: string): Promise<{ key: string; expiresAt: string }> {
    const member = await this.members.find(tenant.id, memberId);
    const roles = KEEPERS.filter((role) => member?.roles.includes(role));
    if (!member || roles.length === 0) throw notFound('admin or privacy officer');
    if (!member.confirmed) throw neverConfirmed();
    const present = await this.present(tenant);
    if (roles.some((role) => present.has(role))) throw somebodyCanEnter();
    const wanted = { kind: 'personal' as const, label: 'readmitted', memberId, expiresInDays: DAYS };
    return this.bus.execute(new IssueCredential(operatorOf(tenant), wanted, tenant.mode));
  }

  /** Roles of the confirmed humans who have a confirmed token that works, or come by an identity provider. */
  private async present({ id: tenant }: Tenant): Promise<Set<Role>> {
    const { rows } = await this.database.fetch<{ roles: Role[] }>(tenant, {
      text: `SELECT m.roles FROM member m WHERE m.tenant = $1 AND m.removed_at IS NULL AND m.vouched_by IS NOT NULL
               AND (m.oidc_subject IS NOT NULL OR EXISTS (
                 SELECT 1 FROM credential c WHERE c.tenant = m.tenant AND c.member = m.id AND c.vouched_by IS NOT NULL
                   AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $2)))`,
      values: [tenant, this.clock.now()],
    });
    return new Set(rows.flatMap(({ roles }) => roles));
  }
}

function operatorOf({ id, mode }: Tenant): Caller {
  const nobody = { kind: 'human' as const, id: INSTALLER, roles: ['admin' as const], scopes: [] };
  return new Caller({ ...nobody, tenant: id, mode, actorRef: 'system:operator' });
}
