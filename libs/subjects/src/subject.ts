/** A person: events, streams, and the rows that the flush writes beside them. Pure. */
import type { JsonObject, SubjectId, TenantId } from '#kernel';
import { declareEvents, type InlineRow, type InlineTable, type NewEvent } from '#ledger';
import { NORMALISER_VERSION, type Strength } from './identifier.js';
import type { Sealed } from './keys/sealer.js';

/** Events of this domain. Values stand in them sealed only, and no hash of them at all: a leaf never expires. */
export const subjectEvents = declareEvents(
  'SubjectRegistered.v1',
  'IdentifierAdded.v1',
  'IdentifierVerified.v1',
  'SubjectsLinked.v1',
  'SubjectsUnlinked.v1',
  'SubjectRestricted.v1',
  'SubjectRestrictionLifted.v1',
  'IdentityErased.v1',
);

/** How a link or a verification was established. */
export type ProofMethod = 'code' | 'attest' | 'session' | 'system';

/** Grounds of a restriction: GDPR 18(1)(a) to (d), and the standstill while a request runs. */
export type RestrictionGround =
  'accuracy-contested' | 'unlawful-processing' | 'claims' | 'objection-pending' | 'request-pending' | 'legal-duty';

/** Who acts, in which tenant; the platform's `Caller` is one. `actorRef` is a pseudonym. */
export interface Actor {
  readonly tenant: TenantId;
  readonly actorRef: string;
}

/** Stream of a person. */
export function subjectStream(subject: SubjectId): string {
  return `subject/${subject}`;
}

/** One stream for all links of a tenant: two links that touch the same group must see each other. */
export const linksStream = 'subject-links';

/** Place of an identifier's ciphertext. */
export function identifierPlace(identifierId: string): string {
  return `identifier/${identifierId}`;
}

export function registered(subject: SubjectId): NewEvent {
  return { stream: subjectStream(subject), type: 'SubjectRegistered.v1', data: { subjectId: subject } };
}

/** What `IdentifierAdded.v1` holds. */
export type IdentifierAdded = {
  subjectId: string;
  identifierId: string;
  type: string;
  strength: Strength;
  normaliser: number;
  value: Sealed;
};

export function identifierAdded(
  subject: SubjectId,
  identifierId: string,
  type: string,
  strength: Strength,
  value: Sealed,
): NewEvent {
  const data: IdentifierAdded = {
    subjectId: subject,
    identifierId,
    type,
    strength,
    normaliser: NORMALISER_VERSION,
    value,
  };
  return { stream: subjectStream(subject), type: 'IdentifierAdded.v1', data };
}

export function subjectEvent(subject: SubjectId, type: (typeof subjectEvents)[number], data: JsonObject): NewEvent {
  return { stream: subjectStream(subject), type, data: { subjectId: subject, ...data } };
}

const subjectTable: InlineTable = {
  name: 'subject',
  columns: 2,
  text: `INSERT INTO subject (tenant, id, person, status, created_at)
         SELECT $1, i, i, 'active', c FROM unnest($2::uuid[], $3::timestamptz[]) AS n(i, c)`,
};

const identifierTable: InlineTable = {
  name: 'subject-identifier',
  columns: 10,
  json: [6],
  // Sealed before an erasure and stored after it would leave a hash of an erased person behind: such a row is dropped.
  // A scalar subquery, because NOT EXISTS may be planned as a join that reads every person of the tenant.
  // A hash under a lookup key that was replaced meanwhile is refused (mac_key is null): its writer may not have seen a
  // row under the new key. Flushes of a tenant come one after the other, so none is written after the replacement.
  text: `INSERT INTO subject_identifier (tenant, id, subject, type, mac, mac_key, normaliser, value, strength, shared, added_at)
         SELECT $1, n.id, n.subject, n.type, n.mac,
           CASE WHEN n.mac_key = COALESCE((SELECT max(generation) FROM lookup_key WHERE tenant = $1), 1) THEN n.mac_key END,
           n.normaliser, n.value, n.strength, n.shared, n.added_at
         FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::int[], $7::int[], string_to_array($8, E'\\x1e'), $9::text[], $10::boolean[], $11::timestamptz[])
           AS n(id, subject, type, mac, mac_key, normaliser, value, strength, shared, added_at)
         WHERE (SELECT s.status FROM subject s WHERE s.tenant = $1 AND s.id = n.subject) IS DISTINCT FROM 'erased'`,
};

/** Name of the index that two first contacts at the same moment run into. */
export const firstContactIndex = 'subject_identifier_first';

export function subjectRow(subject: SubjectId): InlineRow {
  return { into: subjectTable, row: (at) => [subject, at.recordedAt] };
}

/** Column that is null in a row whose hash was made with a key that has been replaced meanwhile. */
export const lookupKeyColumn = 'mac_key';

/**
 * SQL for the subject of a row of an inline table, with its columns `subject` and `matches` (as `matchesColumn`) in `n`: null
 * when one whom the identifiers were found with has been erased meanwhile, or is somebody else's alias. As flushes of a tenant
 * come one after the other, nobody is once the row is written. One look-up a match, whatever the planner believes.
 */
export const stillMeant = `CASE WHEN (SELECT bool_or(s.status = 'erased' OR s.person <> n.subject) FROM unnest(n.matches::uuid[]) AS m(id)
           CROSS JOIN LATERAL (SELECT status, person FROM subject WHERE tenant = $1 AND id = m.id OFFSET 0) s) THEN NULL ELSE n.subject END`;

/** The column `matches` of such a row. */
export function matchesColumn(matches: readonly SubjectId[]): string {
  return `{${matches.join()}}`;
}

const meantTable: InlineTable = {
  name: 'subject-meant',
  columns: 2,
  // Fails on purpose (division by zero): what is appended with it would be about nobody.
  text: `SELECT 1 / num_nonnulls(${stillMeant}) FROM unnest($2::uuid[], $3::text[]) AS n(subject, matches)`,
  redo: 'SELECT $1::uuid FROM unnest($2::uuid[], $3::text[])',
};

/** Refuses an append whose other rows do not ask whether the person is still meant. */
export function meantRow(subject: SubjectId, matches: readonly SubjectId[]): InlineRow {
  return { into: meantTable, row: () => [subject, matchesColumn(matches)] };
}

/** A keyed hash with the generation of its key; `old` under the key before it, while that one still answers. */
export interface LookupMac {
  mac: Buffer;
  generation: number;
  old?: Buffer;
}

export function identifierRow(row: {
  id: string;
  subject: SubjectId;
  type: string;
  mac: LookupMac;
  value: Sealed;
  strength: Strength;
  shared: boolean;
}): InlineRow {
  const value = JSON.stringify(row.value);
  return {
    into: identifierTable,
    row: (at) => [
      row.id,
      row.subject,
      row.type,
      row.mac.mac,
      row.mac.generation,
      NORMALISER_VERSION,
      value,
      row.strength,
      row.shared,
      at.recordedAt,
    ],
  };
}

/** Ids of two people in a stable order. */
export function inOrder(one: SubjectId, other: SubjectId): [SubjectId, SubjectId] {
  return one < other ? [one, other] : [other, one];
}

/** Groups of people joined by links; each with its smallest id first. */
export function groupsOf(
  members: readonly SubjectId[],
  links: readonly (readonly [SubjectId, SubjectId])[],
): SubjectId[][] {
  const groups = new Map<SubjectId, Set<SubjectId>>(members.map((member) => [member, new Set([member])]));
  for (const [one, other] of links) {
    const left = groups.get(one) ?? new Set([one]);
    const right = groups.get(other) ?? new Set([other]);
    const joined = new Set([...left, ...right]);
    for (const member of joined) groups.set(member, joined);
  }
  return [...new Set(groups.values())].map((group) => [...group].sort());
}
