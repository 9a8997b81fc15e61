/** Members: the humans of a tenant. Their label is for colleagues; leaves hold pseudonyms only. */
import { Inject, Injectable } from '@nestjs/common';
import { conflict, newId, type Clock, type TenantId } from '#kernel';
import { Database, EventStore, type IdempotencyClaim } from '#ledger';
import { CLOCK, type Role } from '#platform';
import { oidcSubject, type OidcSubjectInput } from './oidc-issuers.js';
import { memberStream } from './tenant.js';

export interface Member {
  id: string;
  label: string;
  roles: Role[];
  addedAt: string;
}

/** Name of the unique key of a human of an identity provider. */
const oidcKey = 'member_oidc_subject';

interface MemberRow {
  id: string;
  label: string;
  roles: Role[];
  added_at: Date;
}

@Injectable()
export class Members {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Adds a member with roles; an event with who granted them. `oidcSubject` links the human of an identity provider: 409
   * `member-exists` when a member is linked already, because one human with two accounts could approve twice.
   */
  async add(
    tenant: TenantId,
    actorRef: string,
    wanted: { label: string; roles: Role[]; oidcSubject?: OidcSubjectInput | undefined },
    idempotency?: IdempotencyClaim,
  ): Promise<Member> {
    const now = this.clock.now();
    const member: Member = { id: newId(), label: wanted.label, roles: wanted.roles, addedAt: now.toISOString() };
    const { issuer, subject } = wanted.oidcSubject ?? {};
    const human = issuer !== undefined && subject !== undefined ? oidcSubject(issuer, subject) : null;
    try {
      await this.store.append({
        tenant,
        actorRef,
        events: [
          { stream: memberStream(member.id), type: 'MemberAdded.v1', data: { id: member.id, roles: wanted.roles } },
        ],
        side: async (query) => {
          await query({
            text: 'INSERT INTO member (tenant, id, label, roles, oidc_subject, added_at) VALUES ($1, $2, $3, $4, $5, $6)',
            values: [tenant, member.id, wanted.label, wanted.roles, human, now],
          });
        },
        ...(idempotency ? { idempotency, respond: () => ({ status: 201, body: { ...member } }) } : {}),
      });
    } catch (error) {
      if ((error as { constraint?: string }).constraint === oidcKey)
        throw conflict('member-exists', 'A member is linked with this human of the issuer already. List the members.');
      throw error;
    }
    return member;
  }

  async find(tenant: TenantId, id: string): Promise<Member | undefined> {
    return (await this.list(tenant)).find((member) => member.id === id);
  }

  /** The member an identity provider calls `subject`. */
  async findByOidc(tenant: TenantId, subject: string): Promise<Member | undefined> {
    const { rows } = await this.database.fetch<MemberRow>(tenant, {
      name: 'member-by-oidc',
      text: 'SELECT id, label, roles, added_at FROM member WHERE tenant = $1 AND oidc_subject = $2 AND removed_at IS NULL',
      values: [tenant, subject],
    });
    return rows[0] && memberOf(rows[0]);
  }

  async list(tenant: TenantId): Promise<Member[]> {
    const { rows } = await this.database.fetch<MemberRow>(tenant, {
      name: 'members',
      text: 'SELECT id, label, roles, added_at FROM member WHERE tenant = $1 AND removed_at IS NULL ORDER BY id',
      values: [tenant],
    });
    return rows.map(memberOf);
  }
}

function memberOf(row: MemberRow): Member {
  return { id: row.id, label: row.label, roles: row.roles, addedAt: row.added_at.toISOString() };
}
