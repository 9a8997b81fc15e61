/** What a member is known under as a person: keyed hashes only. One e-mail address is one human, whatever their accounts. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { normalise, type TenantId } from '#kernel';
import { Database, type NewEvent, type Query } from '#ledger';
import { KeyProvider } from '#platform';
import { memberStream } from './tenant.js';

/** The staff member's own identifiers: an e-mail address tells two accounts of one human; all of them tell an own case. */
export const OwnIdentifiers = z
  .array(z.strictObject({ type: z.string().regex(/^[a-z][A-Za-z0-9-]{0,39}$/), value: z.string().min(1).max(640) }))
  .max(10);
export type OwnIdentifier = z.infer<typeof OwnIdentifiers>[number];

/** So many digits at the end of a telephone number are the same with and without country and trunk prefix. */
const LINE_DIGITS = 7;

/** A keyed hash of one identifier. */
export interface MemberMark {
  mark: Buffer;
  email: boolean;
}

const loosely = (value: string): string =>
  value
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s()]/g, '');

@Injectable()
export class MemberMarks {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyProvider,
  ) {}

  /**
   * The marks of an identifier: in the spelling that cases have, as it was given, and of a telephone number by its end, since
   * a national one names no country. All are loose: one case too many in other hands is better than one too few.
   */
  of(tenant: TenantId, { type, value }: OwnIdentifier): MemberMark[] {
    const normal = normalise({ type, value });
    const spellings = [value, typeof normal === 'string' ? value : normal.value].map(loosely);
    const end = loosely(value).replaceAll(/\D/g, '').slice(-LINE_DIGITS);
    if (type === 'phone' && end.length === LINE_DIGITS) spellings.push(end);
    return [...new Set(spellings)].map((one) => ({
      mark: this.keys.mac(tenant, 'actor', `mark|${type}|${one}`),
      email: type === 'email',
    }));
  }

  /** Facts and rows of new marks, to be appended together. */
  async write(query: Query, tenant: TenantId, member: string, marks: readonly MemberMark[]): Promise<void> {
    for (const { mark, email } of marks)
      await query({
        name: 'member-mark-write',
        text: 'INSERT INTO member_mark (tenant, member, mark, email) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
        values: [tenant, member, mark, email],
      });
  }

  /** The fact that a member was marked; with how many identifiers and by whom, never with what. */
  marked(member: string, source: 'admin' | 'identity-provider', count: number): NewEvent {
    return { stream: memberStream(member), type: 'MemberMarked.v1', data: { id: member, source, count } };
  }

  /**
   * Every member that shares an e-mail address or an account of the identity provider with this one, over others too; oldest
   * first, removed ones included: who was removed and added again is no second human.
   */
  async sameHuman(tenant: TenantId, member: string): Promise<string[]> {
    const { rows } = await this.database.fetch<{ member: string }>(tenant, {
      name: 'member-same-human',
      text: `WITH RECURSIVE same (member) AS (
               SELECT $2::uuid
               UNION
               SELECT other.member FROM same CROSS JOIN LATERAL (
                 SELECT theirs.member FROM member_mark mine
                 JOIN member_mark theirs ON theirs.tenant = $1 AND theirs.mark = mine.mark AND theirs.email
                 WHERE mine.tenant = $1 AND mine.member = same.member AND mine.email
                 UNION ALL
                 SELECT theirs.id FROM member mine
                 JOIN member theirs ON theirs.tenant = $1 AND theirs.oidc_subject = mine.oidc_subject
                 WHERE mine.tenant = $1 AND mine.id = same.member) AS other)
             SELECT member FROM same ORDER BY member`,
      values: [tenant, member],
    });
    return rows.map((row) => row.member);
  }

  /** Members who are not removed and bear one of these e-mail marks. */
  async bearing(tenant: TenantId, marks: readonly MemberMark[]): Promise<string[]> {
    const { rows } = await this.database.fetch<{ member: string }>(tenant, {
      name: 'member-bearing',
      text: `SELECT DISTINCT k.member FROM member_mark k JOIN member m ON m.tenant = k.tenant AND m.id = k.member
             WHERE k.tenant = $1 AND k.email AND k.mark = ANY($2) AND m.removed_at IS NULL`,
      values: [tenant, marks.filter(({ email }) => email).map(({ mark }) => mark)],
    });
    return rows.map((row) => row.member);
  }

  /** True when one of the identifiers is a mark of one of these members: the case is their own. */
  async own(tenant: TenantId, members: readonly string[], identifiers: readonly OwnIdentifier[]): Promise<boolean> {
    const { rows } = await this.database.fetch(tenant, {
      name: 'member-own',
      text: 'SELECT 1 FROM member_mark WHERE tenant = $1 AND member = ANY($2::uuid[]) AND mark = ANY($3) LIMIT 1',
      values: [tenant, members, identifiers.flatMap((one) => this.of(tenant, one)).map(({ mark }) => mark)],
    });
    return rows.length > 0;
  }
}
