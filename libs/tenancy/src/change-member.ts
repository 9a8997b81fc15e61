/** What becomes of a member later: other roles, or none any more. Who leaves the office loses their keys and their sign-in at once. */
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { notFound, type Clock, type JsonObject } from '#kernel';
import { Database, EventStore, type Query } from '#ledger';
import { CLOCK, type Caller, type Role } from '#platform';
import { humanRoles } from './add-member.js';
import { Principals } from './principals.js';
import { lastAdmin } from './tenancy.errors.js';
import { memberStream } from './tenant.js';
import { WaitingChanges } from './waiting-changes.js';

/** All roles the member has from now on. */
export const ChangeMemberBody = z
  .strictObject({ roles: z.array(humanRoles).min(1).max(3) })
  .meta({ id: 'ChangeMember' });

export const ChangedMember = z
  .strictObject({
    id: z.uuid(),
    roles: z.array(z.string()),
    /** False after a role was added: what one admin grants alone approves nothing before an officer has confirmed it. */
    confirmed: z.boolean(),
  })
  .meta({ id: 'ChangedMember' });
export type ChangedMember = z.infer<typeof ChangedMember>;

export const RemovedMember = z.strictObject({ id: z.uuid(), removed: z.literal(true) }).meta({ id: 'RemovedMember' });
export type RemovedMember = z.infer<typeof RemovedMember>;

interface MemberRow {
  roles: Role[];
  confirmed: boolean;
}

@Injectable()
export class ChangeMember {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly principals: Principals,
    private readonly waiting: WaitingChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Errors: 404, 409 `last-admin`, 409 `version-conflict` when somebody else changed the member meanwhile. */
  async roles(by: Caller, id: string, wanted: readonly Role[]): Promise<ChangedMember> {
    const before = await this.read(by, id);
    const roles = [...new Set(wanted)];
    const granted = roles.some((role) => !before.roles.includes(role));
    const answer = { id, roles, confirmed: before.confirmed && !granted };
    if (!granted && roles.length === before.roles.length) return answer;
    const data = { id, before: { roles: before.roles }, after: { roles } };
    await this.append(by, { id, roles, type: 'MemberChanged.v1', data, answer }, async (query) => {
      // Whoever granted a role counts as who made the member: neither they nor the member may confirm it.
      const vouching = granted ? ', added_by = $4, vouched_by = NULL, vouched_at = NULL' : '';
      await query({
        text: `UPDATE member SET roles = $3${vouching} WHERE tenant = $1 AND id = $2`,
        values: [by.tenant, id, roles, ...(granted ? [by.principal.id] : [])],
      });
    });
    return answer;
  }

  /** Ends every token of the member and their sign-in, on other replicas within two seconds. Errors: as of `roles`. */
  async remove(by: Caller, id: string): Promise<RemovedMember> {
    const before = await this.read(by, id);
    const answer = { id, removed: true as const };
    const data = { id, before: { roles: before.roles } };
    await this.append(by, { id, roles: [], type: 'MemberRemoved.v1', data, answer }, async (query) => {
      await query({
        text: 'UPDATE member SET removed_at = $3 WHERE tenant = $1 AND id = $2',
        values: [by.tenant, id, this.clock.now()],
      });
    });
    return answer;
  }

  private async read(by: Caller, id: string): Promise<MemberRow> {
    const { rows } = await this.database.fetch<MemberRow>(by.tenant, {
      text: 'SELECT roles, vouched_by IS NOT NULL AS confirmed FROM member WHERE tenant = $1 AND id = $2 AND removed_at IS NULL',
      values: [by.tenant, id],
    });
    if (!rows[0]) throw notFound('member');
    return rows[0];
  }

  private async append(
    by: Caller,
    fact: { id: string; roles: Role[]; type: string; data: JsonObject; answer: JsonObject },
    change: (query: Query) => Promise<void>,
  ): Promise<void> {
    const { id, roles, type, data, answer } = fact;
    const stream = memberStream(id);
    const version = (await this.store.load(by.tenant, stream)).at(-1)?.version ?? 0;
    const ended = await this.waiting.endedBy(by.tenant, id, roles);
    const { idempotency } = by;
    await this.store.append({
      tenant: by.tenant,
      actorRef: by.actorRef,
      events: [{ stream, type, data }, ...ended.events],
      expect: { [stream]: version, ...ended.expect },
      side: async (query) => {
        await change(query);
        await assertAdmin(query, by);
      },
      ...(idempotency ? { idempotency, respond: () => ({ status: 200, body: answer }) } : {}),
    });
    by.idempotency = undefined;
    this.principals.forget();
  }
}

/** Flushes of a tenant pass one after another: of two admins who remove each other at the same moment, one stays. */
async function assertAdmin(query: Query, { tenant }: Caller): Promise<void> {
  const { rows } = await query({
    text: `SELECT FROM member WHERE tenant = $1 AND removed_at IS NULL AND 'admin' = ANY (roles) LIMIT 1`,
    values: [tenant],
  });
  if (rows.length === 0) throw lastAdmin();
}
