/** What is known about a person: aliases, restrictions, identifiers in clear for callers that may see them. */
import type { SubjectId, TenantId } from '#kernel';
import { notFound } from '#kernel';
import type { Database, Query } from '#ledger';
import type { Strength } from './identifier.js';
import { Lru } from './keys/lru.js';
import type { Opened, Sealed, Sealer } from './keys/sealer.js';
import { groupsOf, identifierPlace, type RestrictionGround } from './subject.js';

/** A restriction in force (GDPR 18). */
export interface Restriction {
  id: string;
  subject: SubjectId;
  ground: RestrictionGround;
  since: Date;
}

/** A person with every verified alias. */
export interface Person {
  /** Every alias, this subject included, oldest first. */
  aliases: SubjectId[];
  /** `restricted` when any alias is: aliases are one human being. `erased` concerns this subject alone. */
  status: 'active' | 'restricted' | 'erased';
  restrictions: Restriction[];
}

/** One identifier, opened. `value` and `given` are absent when it can no longer be read. */
export interface KnownIdentifier {
  id: string;
  subject: SubjectId;
  type: string;
  value?: string;
  given?: string;
  strength: Strength;
  addedAt: Date;
}

interface PersonRow {
  id: SubjectId;
  status: 'active' | 'erased';
  restriction: string | null;
  ground: RestrictionGround | null;
  since: Date | null;
}

interface IdentifierRow {
  id: string;
  subject: SubjectId;
  type: string;
  value: string;
  strength: Strength;
  added_at: Date;
}

const CAPACITY = 100_000;
/** How long a change made by another replica may stay unseen here. */
const PERSON_MS = 1_000;

export class People {
  private readonly cache = new Lru<Person>(CAPACITY);
  private changes = 0;

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Aliases, status and restrictions; cached for the consent check. Undefined for an unknown subject. */
  async find(tenant: TenantId, subject: SubjectId): Promise<Person | undefined> {
    const cached = this.cache.get(`${tenant}${subject}`);
    if (cached) return cached;
    const changes = this.changes;
    const { rows } = await this.database.fetch<PersonRow>(tenant, {
      name: 'person-read',
      text: `SELECT s.id, s.status, r.id AS restriction, r.ground, r.since FROM subject s
             LEFT JOIN subject_restriction r ON r.tenant = s.tenant AND r.subject = s.id
             WHERE s.tenant = $1 AND s.person = (SELECT person FROM subject WHERE tenant = $1 AND id = $2) ORDER BY s.id, r.since, r.id`,
      values: [tenant, subject],
    });
    const person = personOf(subject, rows);
    if (person && changes === this.changes) this.cache.set(`${tenant}${subject}`, person, PERSON_MS);
    return person;
  }

  /** The person; 404 when there is none. */
  async get(tenant: TenantId, subject: SubjectId): Promise<Person> {
    const person = await this.find(tenant, subject);
    if (!person) throw notFound('subject');
    return person;
  }

  /** Every verified alias of a subject, itself included; a request follows them all. Empty for an unknown subject. */
  async aliasesOf(tenant: TenantId, subject: SubjectId): Promise<SubjectId[]> {
    return (await this.find(tenant, subject))?.aliases ?? [];
  }

  /** True while nothing was said of an active person since she was registered: no link, restriction, proof or identifier more. */
  async isAsRegistered(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    const { rows } = await this.database.fetch(tenant, {
      text: `SELECT FROM subject s WHERE s.tenant = $1 AND s.id = $2 AND s.status = 'active'
             AND NOT EXISTS (SELECT FROM subject_link l WHERE l.tenant = $1 AND $2 IN (l.one, l.other))
             AND NOT EXISTS (SELECT FROM subject_restriction r WHERE r.tenant = $1 AND r.subject = $2)
             AND NOT EXISTS (SELECT FROM subject_identifier i WHERE i.tenant = $1 AND i.subject = $2
               AND (i.strength <> 'claimed' OR i.added_at <> s.created_at))`,
      values: [tenant, subject],
    });
    return rows.length > 0;
  }

  /** Identifiers of one subject in clear. Personal data: the caller's route needs the right and leaves an audit entry. */
  async identifiersOf(tenant: TenantId, subject: SubjectId): Promise<KnownIdentifier[]> {
    const { rows } = await this.database.fetch<IdentifierRow>(tenant, {
      name: 'identifiers-read',
      text: 'SELECT id, subject, type, value, strength, added_at FROM subject_identifier WHERE tenant = $1 AND subject = $2 ORDER BY id',
      values: [tenant, subject],
    });
    return Promise.all(
      rows.map(async ({ id, type, strength, value, added_at }) => ({
        ...{ id, subject, type, strength, addedAt: added_at },
        ...clear(await this.sealer.open(tenant, JSON.parse(value) as Sealed, identifierPlace(id))),
      })),
    );
  }

  /** Forgets cached people after a change. */
  invalidate(tenant: TenantId, subjects: readonly SubjectId[]): void {
    this.changes += 1;
    for (const subject of subjects) this.cache.delete(`${tenant}${subject}`);
  }
}

function personOf(subject: SubjectId, rows: PersonRow[]): Person | undefined {
  const self = rows.find((row) => row.id === subject);
  if (!self) return undefined;
  const restrictions = rows.flatMap(({ id, restriction, ground, since }) =>
    restriction && ground && since ? [{ id: restriction, subject: id, ground, since }] : [],
  );
  const standing = restrictions.length > 0 ? 'restricted' : 'active';
  return {
    aliases: [...new Set(rows.map((row) => row.id))],
    status: self.status === 'erased' ? 'erased' : standing,
    restrictions,
  };
}

function clear(opened: Opened): { value?: string; given?: string } {
  if (!opened.readable) return {};
  const { value, given } = opened.value as { value: string; given?: string };
  return given === undefined ? { value } : { value, given };
}

/**
 * Everybody in the groups of these subjects. Only within an append's side statements: flushes of a tenant pass one after
 * another there, so that groups are never computed from links that somebody is just changing.
 */
export async function groupMembers(
  query: Query,
  tenant: TenantId,
  subjects: readonly SubjectId[],
): Promise<{ id: SubjectId; status: string }[]> {
  const { rows } = await query<{ id: SubjectId; status: string }>({
    text: `SELECT id, status FROM subject WHERE tenant = $1 AND person IN (SELECT person FROM subject WHERE tenant = $1 AND id = ANY($2::uuid[])) ORDER BY id`,
    values: [tenant, subjects],
  });
  return rows;
}

/** Recomputes who is the oldest alias of each member from the links in force; returns the keyed hashes whose answers changed. */
export async function regroup(query: Query, tenant: TenantId, members: readonly SubjectId[]): Promise<Buffer[]> {
  const links = await query<{ one: SubjectId; other: SubjectId }>({
    text: 'SELECT one, other FROM subject_link WHERE tenant = $1 AND one = ANY($2::uuid[])',
    values: [tenant, members],
  });
  const pairs = groupsOf(
    members,
    links.rows.map((link) => [link.one, link.other]),
  ).flatMap((group) => group.map((member) => ({ member, person: group[0]! })));
  await query({
    text: 'UPDATE subject s SET person = n.p FROM unnest($2::uuid[], $3::uuid[]) AS n(i, p) WHERE s.tenant = $1 AND s.id = n.i',
    values: [tenant, pairs.map((pair) => pair.member), pairs.map((pair) => pair.person)],
  });
  const { rows } = await query<{ mac: Buffer }>({
    text: 'SELECT mac FROM subject_identifier WHERE tenant = $1 AND subject = ANY($2::uuid[])',
    values: [tenant, members],
  });
  return rows.map((row) => row.mac);
}
