/** Looks for members and keys that were changed behind the service: rows say who may do what, and only the leaves are sealed. */
import { isDeepStrictEqual } from 'node:util';
import type { TenantId } from '#kernel';
import { parseLeaf, type Database, type LogFault, type StoredEvent } from '#ledger';

/** Beside each row the leaves of its stream, as of the same moment. */
type Told<Row> = Row & { leaves: string[] | null };

interface MemberRow {
  id: string;
  roles: string[];
  removed: boolean;
  confirmed: boolean;
}

interface CredentialRow {
  id: string;
  kind: string;
  member: string | null;
  scopes: string[];
  expires_at: Date | null;
  revoked: boolean;
  confirmed: boolean;
}

/**
 * Members and keys that are not what their leaves say. What no leaf holds is not compared: secrets, accounts of the identity
 * provider, labels, who added or vouched; nor is a row missed that was taken out, since nobody gains by it. Only as good as the log: to be asked once that was found sound.
 */
export async function auditMembers(database: Database, tenant: TenantId): Promise<LogFault[]> {
  const { rows: keys } = await database.fetch<Told<CredentialRow>>(tenant, {
    name: 'credential-audit',
    text: `SELECT id, kind, member, scopes, expires_at, revoked_at IS NOT NULL AS revoked, vouched_by IS NOT NULL AS confirmed,
             (SELECT array_agg(e.bytes ORDER BY e.version) FROM event e WHERE e.tenant = $1 AND e.stream = 'credential/' || c.id) AS leaves
           FROM credential c WHERE tenant = $1 ORDER BY id`,
    values: [tenant],
  });
  const { rows: members } = await database.fetch<Told<MemberRow>>(tenant, {
    name: 'member-audit',
    text: `SELECT id, roles, removed_at IS NOT NULL AS removed, vouched_by IS NOT NULL AS confirmed,
             (SELECT array_agg(e.bytes ORDER BY e.version) FROM event e WHERE e.tenant = $1 AND e.stream = 'member/' || m.id) AS leaves
           FROM member m WHERE tenant = $1 ORDER BY id`,
    values: [tenant],
  });
  const vouched = vouchedSince(keys.flatMap(leavesOf));
  return [
    ...differing('member', members, (leaves) => memberOf(leaves, vouched)),
    ...differing('credential', keys, credentialOf),
  ];
}

function differing<Row extends MemberRow | CredentialRow>(
  table: string,
  rows: Told<Row>[],
  said: (leaves: StoredEvent[]) => Row | undefined,
): LogFault[] {
  return rows.flatMap(({ leaves, ...row }) => {
    const where = `${table} ${row.id}`;
    const told = said(leavesOf({ leaves }));
    if (!told) return [{ where, what: 'has no leaf' }];
    // Whoever is vouched for by nobody may do less.
    const confirmed = told.confirmed && row.confirmed;
    return isDeepStrictEqual(row, { ...told, confirmed }) ? [] : [{ where, what: 'is not what its leaves say' }];
  });
}

const leavesOf = ({ leaves }: Pick<Told<unknown>, 'leaves'>): StoredEvent[] =>
  (leaves ?? []).map((bytes, version) => parseLeaf(version, bytes));

/** Before keys said whether they are vouched for, nobody had to be. */
function vouchedSince(leaves: StoredEvent[]): string {
  const times = leaves.filter(({ data }) => data['confirmed'] !== undefined).map(({ recordedAt }) => recordedAt);
  return times.sort()[0] ?? '9999';
}

/** Of one event about a member: what its type has. */
interface MemberFact {
  id: string;
  roles: string[];
  after: Pick<MemberRow, 'roles'>;
}

function memberOf(leaves: StoredEvent[], vouched: string): MemberRow | undefined {
  let member: MemberRow | undefined;
  for (const { type, data, actorRef, recordedAt } of leaves) {
    const { id, roles, after } = data as unknown as MemberFact;
    const early = recordedAt < vouched;
    if (type === 'MemberAdded.v1') member = { id, roles, removed: false, confirmed: actorRef === 'system' || early };
    if (!member) return undefined;
    if (type === 'MemberChanged.v1') {
      // By what the leaves gave before: the leaf's own word is that of the row, which somebody may have changed.
      const { roles: known } = member;
      const granted = after.roles.some((role) => !known.includes(role));
      member = { ...member, roles: after.roles, confirmed: member.confirmed && (early || !granted) };
    }
    if (type === 'MemberConfirmed.v1') member.confirmed = true;
    if (type === 'MemberRemoved.v1') member.removed = true;
  }
  return member;
}

interface IssuedFact extends Pick<CredentialRow, 'id' | 'kind' | 'member' | 'scopes'> {
  expiresAt: string;
  confirmed?: boolean;
}

function credentialOf(leaves: StoredEvent[]): CredentialRow | undefined {
  const issued = leaves.find(({ type }) => type === 'CredentialIssued.v1');
  if (!issued) return undefined;
  const { id, kind, member, scopes, expiresAt, confirmed = true } = issued.data as unknown as IssuedFact;
  const types = leaves.map(({ type }) => type);
  return {
    ...{ id, kind, member, scopes },
    expires_at: new Date(expiresAt),
    revoked: types.includes('CredentialRevoked.v1'),
    confirmed: confirmed || types.includes('CredentialConfirmed.v1'),
  };
}
