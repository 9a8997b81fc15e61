/** Members: the humans of a tenant. Their label is for colleagues; leaves hold pseudonyms only. */
import { Inject, Injectable } from '@nestjs/common';
import { newId, type Clock, type TenantId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { CLOCK, type Role } from '#platform';
import { memberStream } from './tenant.js';

export interface Member {
  id: string;
  label: string;
  roles: Role[];
  addedAt: string;
}

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

  /** Adds a member with roles; an event with who granted them. `oidcSubject` links the human of an identity provider. */
  async add(
    tenant: TenantId,
    actorRef: string,
    wanted: { label: string; roles: Role[]; oidcSubject?: string | undefined },
  ): Promise<Member> {
    const id = newId();
    const now = this.clock.now();
    await this.store.append({
      tenant,
      actorRef,
      events: [{ stream: memberStream(id), type: 'MemberAdded.v1', data: { id, roles: wanted.roles } }],
      side: async (query) => {
        await query({
          text: 'INSERT INTO member (tenant, id, label, roles, oidc_subject, added_at) VALUES ($1, $2, $3, $4, $5, $6)',
          values: [tenant, id, wanted.label, wanted.roles, wanted.oidcSubject ?? null, now],
        });
      },
    });
    return { id, label: wanted.label, roles: wanted.roles, addedAt: now.toISOString() };
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
