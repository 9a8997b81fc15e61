/** Members: the humans of a tenant. Their label is for colleagues; leaves hold pseudonyms only. */
import { Inject, Injectable } from '@nestjs/common';
import { conflict, newId, type Clock, type DomainError, type TenantId } from '#kernel';
import { Database, EventStore, type IdempotencyClaim } from '#ledger';
import { abilityOf, CLOCK, type Action, type Resource, type Role } from '#platform';
import { MemberMarks, type OwnIdentifier } from './member-marks.js';
import { oidcSubject, type OidcSubjectInput } from './oidc-issuers.js';
import { placeLost } from './tenancy.errors.js';
import { memberStream } from './tenant.js';

export interface Member {
  id: string;
  label: string;
  roles: Role[];
  addedAt: string;
  /** A second human has vouched for it: until then it approves nothing. */
  confirmed: boolean;
}

/** What a new member is. `identifiers`: the human's own, kept as keyed hashes. */
export interface NewMember {
  label: string;
  roles: Role[];
  oidcSubject?: OidcSubjectInput | undefined;
  identifiers?: OwnIdentifier[] | undefined;
}

/** Who adds a member: `member` is the id of the human, absent when the installer does. */
export interface Adder {
  actorRef: string;
  member?: string | undefined;
  idempotency?: IdempotencyClaim | undefined;
}

/** Name of the unique key of a human of an identity provider. */
const oidcKey = 'member_oidc_subject';

interface MemberRow {
  id: string;
  label: string;
  roles: Role[];
  added_at: Date;
  vouched_by: string | null;
}

const COLUMNS = 'id, label, roles, added_at, vouched_by';

@Injectable()
export class Members {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly marks: MemberMarks,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * Adds a member with roles; an event with who granted them. `oidcSubject` links the human of an identity provider: 409
   * `member-exists` when a member is linked already, or bears the same e-mail address: one human with two accounts could
   * approve twice. What an admin adds is not confirmed; what the installer adds is.
   */
  async add(tenant: TenantId, by: Adder, wanted: NewMember): Promise<Member> {
    const now = this.clock.now();
    const { label, roles, identifiers = [] } = wanted;
    const vouchedBy = by.member === undefined ? 'installer' : null;
    const added = { id: newId(), label, roles, addedAt: now.toISOString() };
    const member: Member = { ...added, confirmed: vouchedBy !== null };
    const { issuer, subject } = wanted.oidcSubject ?? {};
    const human = issuer !== undefined && subject !== undefined ? oidcSubject(issuer, subject) : null;
    const marks = identifiers.flatMap((one) => this.marks.of(tenant, one));
    if ((await this.marks.bearing(tenant, marks)).length > 0) throw memberExists();
    const { idempotency } = by;
    try {
      await this.store.append({
        tenant,
        actorRef: by.actorRef,
        events: [
          { stream: memberStream(member.id), type: 'MemberAdded.v1', data: { id: member.id, roles } },
          ...(marks.length > 0 ? [this.marks.marked(member.id, 'admin', identifiers.length)] : []),
        ],
        side: async (query) => {
          await query({
            text: 'INSERT INTO member (tenant, id, label, roles, oidc_subject, added_at, added_by, vouched_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)',
            values: [tenant, member.id, label, roles, human, now, by.member ?? 'installer', vouchedBy],
          });
          await this.marks.write(query, tenant, member.id, marks);
        },
        ...(idempotency ? { idempotency, respond: () => ({ status: 201, body: { ...member } }) } : {}),
      });
    } catch (error) {
      if ((error as { constraint?: string }).constraint === oidcKey) throw memberExists();
      throw error;
    }
    return member;
  }

  /**
   * Every member id of the same human, oldest first. `email`, when an identity provider has verified it, is learnt: a second
   * account of the same human is one with the first from then on.
   */
  async sameHuman(tenant: TenantId, member: string, email: string | undefined): Promise<string[]> {
    if (email !== undefined) await this.learn(tenant, member, email);
    return this.marks.sameHuman(tenant, member);
  }

  private async learn(tenant: TenantId, member: string, email: string): Promise<void> {
    const marks = this.marks.of(tenant, { type: 'email', value: email });
    if ((await this.marks.bearing(tenant, marks)).includes(member)) return;
    await this.store.append({
      tenant,
      actorRef: 'system',
      events: [this.marks.marked(member, 'identity-provider', 1)],
      side: (query) => this.marks.write(query, tenant, member, marks),
    });
  }

  /**
   * What an append expects that rests on this member's place: who leaves or loses it while the append is on its way has decided
   * nothing. Errors: 403 `forbidden`.
   */
  async expecting(tenant: TenantId, id: string, action: Action, resource: Resource): Promise<Record<string, number>> {
    const stream = memberStream(id);
    const version = (await this.store.load(tenant, stream)).at(-1)?.version ?? 0;
    const member = await this.find(tenant, id);
    if (!member || !may(member, action, resource)) throw placeLost();
    return { [stream]: version };
  }

  /** Every id of the humans who may approve requests now. */
  approvers(tenant: TenantId): Promise<string[]> {
    return this.able(tenant, 'approve', 'Request');
  }

  /**
   * Every id of the confirmed humans who may do this now, accounts of theirs that were removed among them. What one admin
   * has added alone brings nobody back. `members`: all of them, as they are or as they would be.
   */
  async able(tenant: TenantId, action: Action, resource: Resource, members?: readonly Member[]): Promise<string[]> {
    const able = (members ?? (await this.list(tenant))).filter((one) => may(one, action, resource));
    return (await Promise.all(able.map(({ id }) => this.marks.sameHuman(tenant, id)))).flat();
  }

  async find(tenant: TenantId, id: string): Promise<Member | undefined> {
    return (await this.list(tenant)).find((member) => member.id === id);
  }

  /** The member an identity provider calls `subject`. */
  async findByOidc(tenant: TenantId, subject: string): Promise<Member | undefined> {
    const { rows } = await this.database.fetch<MemberRow>(tenant, {
      name: 'member-by-oidc',
      text: `SELECT ${COLUMNS} FROM member WHERE tenant = $1 AND oidc_subject = $2 AND removed_at IS NULL`,
      values: [tenant, subject],
    });
    return rows[0] && memberOf(rows[0]);
  }

  async list(tenant: TenantId): Promise<Member[]> {
    const { rows } = await this.database.fetch<MemberRow>(tenant, {
      name: 'members',
      text: `SELECT ${COLUMNS} FROM member WHERE tenant = $1 AND removed_at IS NULL ORDER BY id`,
      values: [tenant],
    });
    return rows.map(memberOf);
  }
}

const memberExists = (): DomainError =>
  conflict(
    'member-exists',
    'This human is a member already, by their identity provider or their e-mail. List the members.',
  );

function may({ confirmed, roles }: Member, action: Action, resource: Resource): boolean {
  return confirmed && abilityOf({ roles, scopes: [] }).can(action, resource);
}

function memberOf({ id, label, roles, added_at, vouched_by }: MemberRow): Member {
  return { id, label, roles, addedAt: added_at.toISOString(), confirmed: vouched_by !== null };
}
