/** A person's decisions, from this replica's cache while the feed is alive, else from the database. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { Database, EventStore, type StoredEvent } from '#ledger';
import { subjectStream } from '#subjects';
import { ConsentFeed } from './consent-feed.js';
import type { ConsentRecord, Decision, Moment } from './consent.js';

interface Row {
  id: string;
  purpose: string;
  decision: Decision;
  channel: string | null;
  collected_at: Date;
  recorded_at: Date;
  position: number;
  imported: boolean;
  expires_at: Date | null;
  notice_id: string;
  notice_version: string;
  alias: SubjectId;
  restricted: boolean;
  ever_restricted: boolean;
  erased: boolean;
}

/** Decisions with the person's standing in Lethe. */
export interface PersonRecords {
  /** A restriction is in force now (GDPR 18). */
  restricted: boolean;
  /** One was in force at some time; lifted ones stand in the ledger only. */
  everRestricted: boolean;
  /** Erased: what is left is evidence, and no permission any more. */
  erased: boolean;
  records: ConsentRecord[];
  /** Every id of the person: decisions under a linked id count. Empty when nobody has this id. */
  aliases: SubjectId[];
}

const CAPACITY = 100_000;

/** What is cached of one tenant. */
class TenantCache {
  readonly people = new Map<string, PersonRecords>();
  /** Cache keys that hold decisions of an id. */
  readonly keysOf = new Map<string, Set<string>>();
  /** Reads under way, each with who changed since it began: what was read before a change must not be cached after it. */
  readonly reading = new Set<Set<string>>();

  remember(key: string, read: PersonRecords): void {
    this.people.set(key, read);
    for (const alias of read.aliases) {
      const keys = this.keysOf.get(alias);
      if (keys) keys.add(key);
      else this.keysOf.set(alias, new Set([key]));
    }
  }

  forget(subject: string): void {
    for (const changed of this.reading) changed.add(subject);
    for (const key of this.keysOf.get(subject) ?? []) this.people.delete(key);
    this.keysOf.delete(subject);
  }
}

@Injectable()
export class ConsentRecords {
  private readonly caches = new Map<TenantId, TenantCache>();
  private remembered = 0;

  constructor(
    private readonly database: Database,
    private readonly feed: ConsentFeed,
    private readonly store: EventStore,
  ) {
    feed.listen({
      subjectChanged: (tenant, subject) => this.forget(tenant, subject),
      linksChanged: (tenant) => this.caches.delete(tenant),
      startedAnew: (tenant) => this.caches.delete(tenant),
    });
  }

  /** @param fresh read the database whatever the cache says, for a caller that brings a token */
  async of(tenant: TenantId, subject: SubjectId, fresh = false): Promise<PersonRecords> {
    const trusted = this.feed.trusted(tenant);
    const cache = this.cacheOf(tenant);
    const known = fresh || !trusted ? undefined : cache.people.get(subject);
    if (known) return known;
    const changed = new Set<string>();
    cache.reading.add(changed);
    try {
      const read = await this.read(tenant, subject);
      // Others' decisions do not matter: in a tenant where many are recorded nobody would ever be cached.
      const current = this.caches.get(tenant) === cache && !read.aliases.some((alias) => changed.has(alias));
      if (trusted && current && read.aliases.length > 0) this.remember(cache, subject, read);
      return read;
    } finally {
      cache.reading.delete(changed);
    }
  }

  /** Whether a restriction was in force at the moment asked about, as far as it was known then. */
  async restrictedAt(tenant: TenantId, person: PersonRecords, moment: Moment): Promise<boolean> {
    if (moment.at === undefined && moment.asOf === undefined) return person.restricted;
    if (!person.everRestricted) return false;
    const inForce = new Set<unknown>();
    for (const { type, data } of await this.knownBy(tenant, person, moment)) {
      if (type === 'SubjectRestricted.v1') inForce.add(data['restrictionId']);
      if (type === 'SubjectRestrictionLifted.v1') inForce.delete(data['restrictionId']);
    }
    return inForce.size > 0;
  }

  /** Whether the person had been erased by then: a permission ends with the person, and the past stays answerable. */
  async erasedAt(tenant: TenantId, person: PersonRecords, moment: Moment): Promise<boolean> {
    if (!person.erased || (moment.at === undefined && moment.asOf === undefined)) return person.erased;
    return (await this.knownBy(tenant, person, moment)).some(({ type }) => type === 'IdentityErased.v1');
  }

  /** Events about the person's standing up to the moment asked about. */
  private async knownBy(tenant: TenantId, person: PersonRecords, { now, at, asOf }: Moment): Promise<StoredEvent[]> {
    const instant = [at ?? now, asOf ?? now].sort()[0]!;
    const streams = await Promise.all(person.aliases.map((alias) => this.store.load(tenant, subjectStream(alias))));
    return streams.flat().filter(({ recordedAt }) => recordedAt <= instant);
  }

  /** Drops a person's cached decisions; before a new one is acknowledged, and when the feed tells of one. */
  forget(tenant: TenantId, subject: SubjectId): void {
    this.cacheOf(tenant).forget(subject);
  }

  private remember(cache: TenantCache, subject: SubjectId, read: PersonRecords): void {
    if (this.remembered >= CAPACITY) {
      this.caches.clear();
      this.remembered = 0;
      return;
    }
    this.remembered += 1;
    cache.remember(subject, read);
  }

  private cacheOf(tenant: TenantId): TenantCache {
    const known = this.caches.get(tenant);
    if (known) return known;
    const cache = new TenantCache();
    this.caches.set(tenant, cache);
    return cache;
  }

  private async read(tenant: TenantId, subject: SubjectId): Promise<PersonRecords> {
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'consent-records',
      // Looked up once per alias, and with a limit: an EXISTS per record makes the planner read every event into a hash.
      text: `WITH alias AS MATERIALIZED (
               SELECT a.id AS alias, a.status = 'erased' AS erased,
                 (SELECT true FROM subject_restriction r WHERE r.tenant = a.tenant AND r.subject = a.id LIMIT 1) IS NOT NULL AS restricted,
                 (SELECT true FROM event e WHERE e.tenant = a.tenant AND e.stream = 'subject/' || a.id
                    AND e.type = 'SubjectRestricted.v1' LIMIT 1) IS NOT NULL AS ever_restricted
               FROM subject s JOIN subject a ON a.tenant = s.tenant AND a.person = s.person
               WHERE s.tenant = $1 AND s.id = $2)
             SELECT alias.*, c.* FROM alias LEFT JOIN consent_record c ON c.tenant = $1 AND c.subject = alias.alias
             ORDER BY c.position`,
      values: [tenant, subject],
    });
    return {
      restricted: rows.some((row) => row.restricted),
      everRestricted: rows.some((row) => row.ever_restricted),
      erased: rows.some((row) => row.erased),
      records: rows.filter((row) => row.id !== null).map(recordOfRow),
      aliases: [...new Set(rows.map((row) => row.alias))],
    };
  }
}

function recordOfRow(row: Row): ConsentRecord {
  return {
    id: row.id,
    purpose: row.purpose,
    decision: row.decision,
    channel: row.channel,
    collectedAt: row.collected_at.toISOString(),
    recordedAt: row.recorded_at.toISOString(),
    position: row.position,
    imported: row.imported,
    expiresAt: row.expires_at?.toISOString() ?? null,
    notice: { id: row.notice_id, version: row.notice_version },
  };
}
