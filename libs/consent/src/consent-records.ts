/** A person's decisions, from this replica's cache while the feed is alive, else from the database. */
import { Injectable } from '@nestjs/common';
import type { SubjectId, TenantId } from '#kernel';
import { Database } from '#ledger';
import { ConsentFeed } from './consent-feed.js';
import type { ConsentRecord, Decision } from './consent.js';
import { Purposes } from './purposes.js';

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
}

/** Decisions with the person's standing in Lethe. */
export interface PersonRecords {
  restricted: boolean;
  records: ConsentRecord[];
  /** Every id of the person: decisions under a linked id count. Empty when nobody has this id. */
  aliases: SubjectId[];
}

const CAPACITY = 100_000;

@Injectable()
export class ConsentRecords {
  private readonly cache = new Map<string, PersonRecords>();
  /** Cache keys that hold decisions of an id. */
  private readonly keysOf = new Map<string, Set<string>>();
  /** Counts changes: what was read before one must not be cached after it. */
  private changes = 0;

  constructor(
    private readonly database: Database,
    private readonly feed: ConsentFeed,
    purposes: Purposes,
  ) {
    feed.listen({
      subjectChanged: (tenant, subject) => this.forget(tenant, subject),
      purposeChanged: (tenant) => purposes.forget(tenant),
      linksChanged: () => this.forgetAll(),
    });
  }

  /** @param fresh read the database whatever the cache says, for a caller that brings a token */
  async of(tenant: TenantId, subject: SubjectId, fresh = false): Promise<PersonRecords> {
    const key = `${tenant}${subject}`;
    const trusted = this.feed.trusted(tenant);
    const known = fresh || !trusted ? undefined : this.cache.get(key);
    if (known) return known;
    const changes = this.changes;
    const read = await this.read(tenant, subject);
    if (trusted && changes === this.changes && read.aliases.length > 0) this.remember(tenant, key, read);
    return read;
  }

  /** Drops a person's cached decisions; before a new one is acknowledged, and when the feed tells of one. */
  forget(tenant: TenantId, subject: SubjectId): void {
    this.changes += 1;
    const keys = this.keysOf.get(`${tenant}${subject}`) ?? [];
    for (const key of keys) this.cache.delete(key);
    this.keysOf.delete(`${tenant}${subject}`);
  }

  private remember(tenant: TenantId, key: string, read: PersonRecords): void {
    if (this.cache.size >= CAPACITY) this.forgetAll();
    this.cache.set(key, read);
    for (const alias of read.aliases) {
      const keys = this.keysOf.get(`${tenant}${alias}`);
      if (keys) keys.add(key);
      else this.keysOf.set(`${tenant}${alias}`, new Set([key]));
    }
  }

  private forgetAll(): void {
    this.changes += 1;
    this.cache.clear();
    this.keysOf.clear();
  }

  private async read(tenant: TenantId, subject: SubjectId): Promise<PersonRecords> {
    const { rows } = await this.database.fetch<Row>(tenant, {
      name: 'consent-records',
      text: `SELECT a.id AS alias, EXISTS (SELECT FROM subject_restriction r WHERE r.tenant = a.tenant AND r.subject = a.id) AS restricted, c.*
             FROM subject s JOIN subject a ON a.tenant = s.tenant AND a.person = s.person
             LEFT JOIN consent_record c ON c.tenant = a.tenant AND c.subject = a.id
             WHERE s.tenant = $1 AND s.id = $2 ORDER BY c.position`,
      values: [tenant, subject],
    });
    return {
      restricted: rows.some((row) => row.restricted),
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
