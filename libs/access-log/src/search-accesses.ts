/** The search of auditors and officers. */
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Json, SubjectId, TenantId } from '#kernel';
import { Database, EventStore } from '#ledger';
import { Instant, JsonValue, KeyProvider, openCursor, sealCursor, type Caller } from '#platform';
import { Sealer } from '#subjects';
import { particularsPlace, type AccessRecorded, type LetheReadRecorded } from './access-entry.js';

const verdicts = z.enum(['matches-consent', 'matches-declared-basis', 'no-match', 'undeclared-purpose']);

export const SearchAccessesBody = z
  .strictObject({
    subjectId: z.uuid().optional(),
    subject: z
      .strictObject({
        identifiers: z
          .array(z.strictObject({ type: z.string().max(40), value: z.string().max(10_000) }))
          .min(1)
          .max(20),
      })
      .optional(),
    actor: z.strictObject({ type: z.string().max(50), id: z.string().max(200) }).optional(),
    purpose: z.string().max(100).optional(),
    verdict: verdicts.optional(),
    source: z.string().max(100).optional(),
    from: Instant.optional(),
    to: Instant.optional(),
    limit: z.number().int().min(1).max(500).default(50),
    /** `next` of the page before. */
    cursor: z.string().max(500).optional(),
  })
  .meta({ id: 'SearchAccesses' });

export const AccessPage = z
  .strictObject({
    items: z.array(
      z.strictObject({
        position: z.number().int(),
        id: z.string(),
        source: z.string(),
        sequence: z.number().int().nullable(),
        subjectId: z.uuid(),
        action: z.string(),
        purpose: z.string(),
        verdict: verdicts,
        at: z.string(),
        recordedAt: z.string(),
        /** Actor, resource and fields; or why they cannot be read any more. */
        particulars: JsonValue,
      }),
    ),
    next: z.string().nullable(),
  })
  .meta({ id: 'AccessPage' });

type Search = z.infer<typeof SearchAccessesBody>;
type Page = z.infer<typeof AccessPage>;

interface Row {
  position: number;
  subject: SubjectId;
  source: string;
  entry_id: string;
  sequence: number | null;
  action: string;
  purpose: string;
  at: Date;
  recorded_at: Date;
  verdict: Page['items'][number]['verdict'];
}

/** Rows read at once. */
const PAGE = 500;
/** Before every subject. */
const nobody = '00000000-0000-0000-0000-000000000000';

function utc(text: string | undefined): string | null {
  return text === undefined ? null : new Date(text).toISOString();
}

@Injectable()
export class AccessSearch {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly sealer: Sealer,
    private readonly keys: KeyProvider,
  ) {}

  /** Whether a connected system has ever reported an access to this subject's data; reads through Lethe itself do not count. */
  async isReported(tenant: TenantId, subject: SubjectId): Promise<boolean> {
    const { rows } = await this.database.fetch(tenant, {
      text: `SELECT FROM access_entry WHERE tenant = $1 AND subject = $2 AND source <> 'lethe' LIMIT 1`,
      values: [tenant, subject],
    });
    return rows.length > 0;
  }

  /** Newest last. `subjects` narrows to people already resolved by the caller. */
  async search(by: Caller, search: Search, subjects?: SubjectId[]): Promise<Page> {
    const { cursor, limit, ...filter } = search;
    // Several people may stand in one leaf: the place is a position and a person.
    const [position, subject, end = await this.head(by.tenant)] =
      cursor === undefined ? ['-1', nobody] : openCursor(this.keys, by, 'access-log', filter, cursor);
    const actor = filter.actor ? this.keys.mac(by.tenant, 'actor', `${filter.actor.type}:${filter.actor.id}`) : null;
    const { rows } = await this.database.fetch<Row>(by.tenant, {
      // No name: planned with its values. A plan for any values would have to ignore every index of what may be absent.
      text: `SELECT * FROM access_entry WHERE tenant = $1 AND (position, subject) > ($2::bigint, $11::uuid) AND position < $12::bigint
               AND ($3::uuid[] IS NULL OR subject = ANY($3)) AND ($4::bytea IS NULL OR actor_mac = $4) AND ($5::text IS NULL OR purpose = $5)
               AND ($6::text IS NULL OR verdict = $6) AND ($7::text IS NULL OR source = $7)
               AND ($8::timestamptz IS NULL OR at >= $8) AND ($9::timestamptz IS NULL OR at < $9)
             ORDER BY position, subject LIMIT $10`,
      values: [
        by.tenant,
        position,
        subjects ?? null,
        actor,
        filter.purpose ?? null,
        filter.verdict ?? null,
        filter.source ?? null,
        utc(filter.from),
        utc(filter.to),
        limit + 1,
        subject,
        end,
      ],
    });
    const items = await Promise.all(rows.slice(0, limit).map((row) => this.view(by.tenant, row)));
    const last = items.at(-1);
    const place = rows.length > limit && last ? [String(last.position), last.subjectId, end] : undefined;
    return { items, next: place ? sealCursor(this.keys, by, 'access-log', filter, place) : null };
  }

  /** Every page is an access to all on it: without an end that the first page sets nobody would ever reach the last one. */
  private async head(tenant: TenantId): Promise<string> {
    return String((await this.store.head(tenant)).size);
  }

  /** Every access to these people, oldest first, for their own package; all aliases must be named. */
  async *toPeople(tenant: TenantId, subjects: readonly SubjectId[]): AsyncGenerator<Page['items'][number]> {
    for (let place: [number, string] | undefined = [-1, nobody]; place;) {
      const { rows } = (await this.database.fetch<Row>(tenant, {
        name: 'access-of-people',
        // Person by person: for all at once the planner may walk everybody's entries in order of position.
        text: `SELECT e.* FROM unnest($2::uuid[]) AS p(id) CROSS JOIN LATERAL (
                 SELECT * FROM access_entry WHERE tenant = $1 AND subject = p.id AND position >= $3::bigint
                   AND (position > $3::bigint OR subject > $4::uuid) ORDER BY position LIMIT $5) e
               ORDER BY e.position, e.subject LIMIT $5`,
        values: [tenant, subjects, ...place, PAGE],
      })) as { rows: Row[] };
      for (const row of rows) yield await this.view(tenant, row);
      const last = rows.length === PAGE ? rows.at(-1) : undefined;
      place = last && [last.position, last.subject];
    }
  }

  private async view(tenant: TenantId, row: Row): Promise<Page['items'][number]> {
    return {
      position: row.position,
      id: row.entry_id,
      source: row.source,
      sequence: row.sequence,
      subjectId: row.subject,
      action: row.action,
      purpose: row.purpose,
      verdict: row.verdict,
      at: row.at.toISOString(),
      recordedAt: row.recorded_at.toISOString(),
      particulars: await this.particulars(tenant, row),
    };
  }

  private async particulars(tenant: TenantId, row: Row): Promise<Json> {
    const [event] = await this.store.read(tenant, row.position, 1);
    if (!event) return { unreadable: 'none' };
    if (event.type === 'LetheReadRecorded.v1') {
      const { subjects } = event.data as unknown as LetheReadRecorded;
      return { actor: event.actorRef, fields: subjects.find((one) => one.subject === row.subject)?.fields ?? [] };
    }
    const data = event.data as unknown as AccessRecorded;
    const opened = await this.sealer.open(tenant, data.particulars, particularsPlace(row.source, row.entry_id));
    return opened.readable ? opened.value : { unreadable: opened.reason };
  }
}
