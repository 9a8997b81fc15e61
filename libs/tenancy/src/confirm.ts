/** A second human vouches for a member or a token: what one admin has made alone approves nothing. */
import { Inject, Injectable } from '@nestjs/common';
import { notFound, type Clock, type JsonObject } from '#kernel';
import { Database, EventStore, type NewEvent, type Query } from '#ledger';
import { CLOCK, decidingHuman, type Caller } from '#platform';
import { MemberMarks } from './member-marks.js';
import { Principals } from './principals.js';
import { alreadyConfirmed, selfVouched } from './tenancy.errors.js';
import { credentialStream, memberStream } from './tenant.js';

interface MemberRow {
  id: string;
  added_by: string | null;
  vouched_by: string | null;
}

/** A member as they stand at one version of their stream: only what was looked at is confirmed. */
interface SeenMember extends MemberRow {
  version: number;
}

interface CredentialRow {
  kind: 'personal' | 'system';
  member: string | null;
  issued_by: string | null;
  vouched_by: string | null;
}

/** What is written together with its facts. */
interface Vouching {
  events: NewEvent[];
  side: (query: Query) => Promise<void>;
  expect?: Record<string, number>;
}

@Injectable()
export class Confirm {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly marks: MemberMarks,
    private readonly principals: Principals,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** "This is who acts under that name, with these roles." Errors: 403 `self-vouched`, 409 `already-confirmed`, 409 `version-conflict`. */
  async member(by: Caller, id: string): Promise<{ id: string; confirmed: true }> {
    const { humanIds, humanId } = decidingHuman(by, this.clock.now());
    const row = await this.readMember(by, id);
    if (row.vouched_by) throw alreadyConfirmed();
    await this.assertOther(by, humanIds, [row.added_by, id]);
    return this.append(by, id, [this.vouchMember(by, row, humanId)]);
  }

  /** "This token is in the hands of the human it names"; the member is vouched for with it. */
  async credential(by: Caller, id: string): Promise<{ id: string; confirmed: true }> {
    const { humanIds, humanId } = decidingHuman(by, this.clock.now());
    const { rows } = await this.database.fetch<CredentialRow>(by.tenant, {
      text: `SELECT kind, member, issued_by, vouched_by FROM credential WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL`,
      values: [by.tenant, id],
    });
    const [row] = rows;
    // A system key never approves: there is nothing to vouch for.
    if (!row || row.kind === 'system' || row.member === null) throw notFound('personal token');
    if (row.vouched_by) throw alreadyConfirmed();
    const member = await this.readMember(by, row.member);
    await this.assertOther(by, humanIds, [row.issued_by, row.member, ...(member.vouched_by ? [] : [member.added_by])]);
    return this.append(by, id, [
      this.vouchCredential(by, id, row.member, humanId),
      ...(member.vouched_by ? [] : [this.vouchMember(by, member, humanId)]),
    ]);
  }

  private async readMember(by: Caller, id: string): Promise<SeenMember> {
    // First the version: a role that is added after the look is refused as a conflict, not confirmed unseen.
    const version = (await this.store.load(by.tenant, memberStream(id))).at(-1)?.version ?? 0;
    const { rows } = await this.database.fetch<MemberRow>(by.tenant, {
      text: 'SELECT id, added_by, vouched_by FROM member WHERE tenant = $1 AND id = $2 AND removed_at IS NULL',
      values: [by.tenant, id],
    });
    if (!rows[0]) throw notFound('member');
    return { ...rows[0], version };
  }

  /** Neither the maker nor the one it was made for, under whatever account. */
  private async assertOther(by: Caller, humanIds: readonly string[], makers: (string | null)[]): Promise<void> {
    for (const maker of makers) {
      if (maker === null || !/^[0-9a-f-]{36}$/.test(maker)) continue;
      const same = await this.marks.sameHuman(by.tenant, maker);
      if (same.some((one) => humanIds.includes(one))) throw selfVouched();
    }
  }

  private vouchMember(by: Caller, { id, version }: SeenMember, humanId: string): Vouching {
    return {
      expect: { [memberStream(id)]: version },
      events: [{ stream: memberStream(id), type: 'MemberConfirmed.v1', data: { id } }],
      side: async (query) => {
        await query({
          text: 'UPDATE member SET vouched_by = $3, vouched_at = $4 WHERE tenant = $1 AND id = $2',
          values: [by.tenant, id, humanId, this.clock.now()],
        });
      },
    };
  }

  private vouchCredential(by: Caller, id: string, member: string, humanId: string): Vouching {
    return {
      events: [{ stream: credentialStream(id), type: 'CredentialConfirmed.v1', data: { id, member } }],
      side: async (query) => {
        await query({
          text: 'UPDATE credential SET vouched_by = $3, vouched_at = $4 WHERE tenant = $1 AND id = $2',
          values: [by.tenant, id, humanId, this.clock.now()],
        });
      },
    };
  }

  private async append(by: Caller, id: string, all: Vouching[]): Promise<{ id: string; confirmed: true }> {
    const answer = { id, confirmed: true as const };
    const { idempotency } = by;
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: all.flatMap((one) => one.events),
      expect: Object.assign({}, ...all.map((one) => one.expect)) as Record<string, number>,
      side: async (query) => {
        for (const one of all) await one.side(query);
      },
      ...(idempotency ? { idempotency, respond: () => ({ status: 200, body: answer as JsonObject }) } : {}),
    });
    by.idempotency = undefined;
    this.principals.forget();
    return answer;
  }
}
